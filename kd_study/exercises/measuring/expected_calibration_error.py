import torch

from kd_study.exercises.base import (
    Exercise,
    check,
    expect,
    expect_close,
    expect_float,
    normal,
    outcome,
)


def whiteboard(probabilities, targets, bins=15):
    confidence, predicted = probabilities.max(-1)
    right = (predicted == targets).float()
    place = (confidence * bins).ceil().long().clamp(1, bins)
    error = 0.0
    for number in range(1, bins + 1):
        inside = place == number
        if inside.any():
            gap = right[inside].mean() - confidence[inside].mean()
            error += gap.abs().item() * inside.float().mean().item()
    return error


class ExpectedCalibrationError(Exercise):
    def validate(self, result, arguments):
        expect_float(result)
        expect(
            0 <= result <= 1,
            f"a mean of gaps between shares lies between 0 and 1, but {result:g} came back; an empty bin counts nothing",
            f"比例之差的平均应在0和1之间，返回的却是{result:g}；空箱不应计入",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(*_rows((0.4, True), (0.4, False), (0.8, True), (0.9, True)), bins=2),
            0.125,
            "two bins: half the rows have a gap of 0.1, the other half one of 0.15",
            "两个箱：一半的行差距是0.1，另一半是0.15",
        )

    @check(en="Right as often as it says: 0", zh="说到做到：为0")
    def is_zero_for_the_calibrated(self, fn):
        calibrated = (
            [(0.75, right) for right in (True, True, True, False)] + [(0.4, True)] * 2 + [(0.4, False)] * 3
        )
        expect_close(
            fn(*_rows(*calibrated), bins=10),
            0.0,
            "three of four right at 75 % and two of five at 40 % is perfectly calibrated: compare means within a bin, "
            "not row by row",
            "75%时四对三、40%时五对二，是完美校准：应比较箱内的平均，而不是逐行比较",
        )

    @check(en="A confidence of exactly 1 counts", zh="置信度恰好为1也算在内")
    def counts_a_confidence_of_one(self, fn):
        expect_close(
            fn(*_rows((1.0, False), (1.0, True))),
            0.5,
            "two rows, both entirely sure, one of them wrong: the gap is 0.5, in the last bin",
            "两行都是百分之百确定，其中一行错了：最后一个箱的差距是0.5",
        )

    @check(en="Bins are (low, high]", zh="箱的区间是(low, high]")
    def puts_an_edge_into_the_lower_bin(self, fn):
        for edge, bins in ((0.5, 2), (0.75, 4)):
            above = edge + 1 / 64
            expect_close(
                fn(*_rows((edge, True), (above, False)), bins=bins),
                ((1 - edge) + above) / 2,
                f"with {bins} bins a confidence of exactly {edge} belongs to the bin below {edge}, and one of "
                f"{above} to the bin above",
                f"分{bins}个箱时，恰好为{edge}的置信度属于{edge}以下的箱，{above}属于其上的箱",
            )

    @check(en="Gaps don't cancel between bins", zh="不同箱之间不相互抵消")
    def adds_absolute_gaps(self, fn):
        expect_close(
            fn(*_rows((0.45, True), (0.55, False)), bins=10),
            0.55,
            "one row too modest by 0.55, one too sure by 0.55, in two bins: the mean of the gaps is 0.55, not 0",
            "一行谦虚了0.55，一行自信过头0.55，分属两个箱：平均差距是0.55，而不是0",
        )
        expect_close(
            fn(*_rows((0.45, True), (0.55, False)), bins=1),
            0.0,
            "in a single bin the same two rows are right half of the time at a mean confidence of 0.5: there they cancel",
            "如果只有一个箱，同样的两行平均置信度是0.5、答对一半：在同一个箱里就抵消了",
        )

    @check(en="A bin weighs as much as the rows in it", zh="箱的权重等于其中的行数占比")
    def weighs_bins_by_their_rows(self, fn):
        expect_close(
            fn(*_rows((0.9, True), (0.9, True), (0.9, True), (0.5, False)), bins=5),
            0.2,
            "three rows with a gap of 0.1 and one with 0.5 give (3 · 0.1 + 0.5) / 4 = 0.2; empty bins count nothing",
            "三行差距0.1、一行差距0.5，结果是(3 · 0.1 + 0.5) / 4 = 0.2；空箱不计入",
        )

    @check(en="The confidence is the top probability", zh="置信度是最大的那个概率")
    def looks_at_the_top_probability(self, fn):
        expect_close(
            fn(torch.tensor([[0.7, 0.2, 0.1]]), torch.tensor([1])),
            0.7,
            "the row is 70 % sure of class 0 and wrong: the gap is 0.7, whatever the target's own probability",
            "这一行对类别0有70%的把握，却错了：差距是0.7，与目标类别自己的概率无关",
        )

    @check(en="The default is 15 bins", zh="默认15个箱")
    def has_fifteen_bins_by_default(self, fn):
        expect_close(
            fn(*_rows((0.65, True), (0.68, False), (0.81, True), (0.86, False))),
            0.425,
            "with 15 bins an edge lies at 0.667, between 0.65 and 0.68, and none between 0.81 and 0.86: "
            "(0.35 + 0.68 + |0.19 − 0.86|) / 4 = 0.425",
            "15个箱时，0.65与0.68之间有边界0.667，0.81与0.86之间没有边界：(0.35 + 0.68 + |0.19 − 0.86|) / 4 = 0.425",
        )

    @check(en="The order of rows doesn't matter", zh="与行的顺序无关")
    def does_not_see_the_order(self, fn):
        given = self.probes()["many rows"]
        expect_close(
            fn(given["probabilities"].flip(0), given["targets"].flip(0), 10),
            fn(**given),
            "the same rows in another order should give the same error",
            "同样的行换个顺序，结果应当不变",
        )

    def probes(self):
        probabilities = normal(40, 3, seed=1).softmax(-1)
        targets = (normal(40, 3, seed=1) + normal(40, 3, seed=2)).argmax(-1)
        worked, right = _rows((0.4, True), (0.4, False), (0.8, True), (0.9, True), (0.95, False))
        return {
            "many rows": {"probabilities": probabilities, "targets": targets, "bins": 10},
            "default": {"probabilities": probabilities, "targets": targets},
            "two bins": {"probabilities": worked, "targets": right, "bins": 2},
            "three bins": {"probabilities": worked, "targets": right, "bins": 3},
        }

    def edges(self):
        sure, wrong = _rows((1.0, False), (1.0, True))
        at_the_edge, targets = _rows((0.5, True), (0.625, False))
        return {
            "entirely sure": {"probabilities": sure, "targets": wrong},
            "on an edge": {"probabilities": at_the_edge, "targets": targets, "bins": 2},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        given = self.probes()["default"]
        edge["a plain number"] = outcome(lambda: isinstance(function(**given), int | float))
        return ordinary, edge


def _rows(*rows):
    """(probabilities, targets) of rows given as (confidence, right?), in three classes."""
    probabilities = torch.tensor([[p, (1 - p) * 0.625, (1 - p) * 0.375] for p, _ in rows])
    return probabilities, torch.tensor([0 if right else 1 for _, right in rows])


def _parts(probabilities, targets, bins):
    """(confidence, hit, bin of the row) with bins (low, high]."""
    confidence, prediction = probabilities.max(-1)
    edges = torch.linspace(0, 1, bins + 1)[1:-1].contiguous()
    return confidence, (prediction == targets).float(), torch.bucketize(confidence, edges)


def _gaps(confidence, hit, place, bins):
    """(share of rows, accuracy − confidence) of every bin that is not empty."""
    inside = [place == b for b in range(bins) if (place == b).any()]
    shares = torch.stack([rows.float().mean() for rows in inside])
    return shares, torch.stack([(hit - confidence)[rows].mean() for rows in inside])


@ExpectedCalibrationError.wrong(
    en="The bins are [low, high), the last one included: a confidence of exactly 1 falls out of all of them, and the "
    "surest rows, which matter most, are lost.",
    zh="箱的区间是[low, high)，最后一个也不例外：恰好为1的置信度落在所有箱之外，最确定（也最要紧）的行被漏掉了。",
)
def loses_the_surest_rows(probabilities, targets, bins=15):
    confidence, prediction = probabilities.max(-1)
    hit = (prediction == targets).float()
    edges, total = torch.linspace(0, 1, bins + 1), 0.0
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = (confidence >= low) & (confidence < high)
        total += (hit - confidence)[inside].sum().abs().item()
    return total / len(targets)


@ExpectedCalibrationError.wrong(
    en="The bins are [low, high): a confidence on an edge falls into the upper bin. Here they are (low, high].",
    zh="箱的区间是[low, high)：落在边界上的置信度进了上面的箱。这里要求(low, high]。",
)
def closes_the_bins_below(probabilities, targets, bins=15):
    confidence, hit, _ = _parts(probabilities, targets, bins)
    place = (confidence * bins).floor().clamp(max=bins - 1)
    shares, gaps = _gaps(confidence, hit, place, bins)
    return (shares * gaps.abs()).sum().item()


@ExpectedCalibrationError.wrong(
    en="Every bin counts the same. A bin with one row is then as loud as one with a thousand: weigh by rows.",
    zh="每个箱的权重相同：只有一行的箱与有一千行的箱嗓门一样大。应按行数加权。",
)
def weighs_all_bins_alike(probabilities, targets, bins=15):
    _, gaps = _gaps(*_parts(probabilities, targets, bins), bins)
    return gaps.abs().mean().item()


@ExpectedCalibrationError.wrong(
    en="The gaps are added with their signs: too sure here and too modest there cancel.",
    zh="差距带着符号相加：这里过于自信、那里过于谦虚，就相互抵消了。",
)
def lets_the_gaps_cancel(probabilities, targets, bins=15):
    confidence, hit, _ = _parts(probabilities, targets, bins)
    return (hit - confidence).mean().abs().item()


@ExpectedCalibrationError.wrong(
    en="Each row's own |hit − confidence| is averaged: a row is either right or wrong, so even a calibrated model has "
    "a large one. Average within a bin first.",
    zh="平均的是每一行自己的|是否答对 − 置信度|：单独一行非对即错，校准完美的模型也会得到很大的值。应先在箱内平均。",
)
def compares_row_by_row(probabilities, targets, bins=15):
    confidence, hit, _ = _parts(probabilities, targets, bins)
    return (hit - confidence).abs().mean().item()


@ExpectedCalibrationError.wrong(
    en="This is the maximum calibration error: the worst bin alone, not the mean over bins.",
    zh="这是最大校准误差（MCE）：只取最差的箱，而不是各箱的平均。",
)
def takes_the_worst_bin(probabilities, targets, bins=15):
    _, gaps = _gaps(*_parts(probabilities, targets, bins), bins)
    return gaps.abs().max().item()


@ExpectedCalibrationError.wrong(
    en="The gaps are squared, and the root taken of their mean: large gaps weigh more than in the ECE.",
    zh="对差距取平方、平均再开方：大的差距比ECE里更重。",
)
def takes_the_root_mean_square(probabilities, targets, bins=15):
    shares, gaps = _gaps(*_parts(probabilities, targets, bins), bins)
    return (shares * gaps.square()).sum().sqrt().item()


@ExpectedCalibrationError.wrong(
    en="The middle of each bin stands for the confidence in it. Take the mean of the rows' own confidences.",
    zh="用箱的中点代替了箱内的置信度。应取各行实际置信度的平均。",
)
def takes_the_middle_of_the_bin(probabilities, targets, bins=15):
    _, hit, place = _parts(probabilities, targets, bins)
    shares, gaps = _gaps((place + 0.5) / bins, hit, place, bins)
    return (shares * gaps.abs()).sum().item()


@ExpectedCalibrationError.wrong(
    en="The confidence is read off the target's probability. A model doesn't know the target: it is as sure as its top "
    "class says.",
    zh="把目标类别的概率当成了置信度。模型并不知道目标类别：它有多确定，要看首选类别的概率。",
)
def takes_the_targets_probability(probabilities, targets, bins=15):
    _, hit, _ = _parts(probabilities, targets, bins)
    confidence = probabilities.gather(-1, targets[:, None]).squeeze(-1)
    place = (confidence * bins).ceil() - 1
    shares, gaps = _gaps(confidence, hit, place, bins)
    return (shares * gaps.abs()).sum().item()


@ExpectedCalibrationError.wrong(
    en="A softmax is applied to what are probabilities already: everything looks far less sure than it is.",
    zh="对已经是概率的输入又做了一次softmax：一切都显得远没有那么确定。",
)
def applies_softmax_again(probabilities, targets, bins=15):
    shares, gaps = _gaps(*_parts(probabilities.softmax(-1), targets, bins), bins)
    return (shares * gaps.abs()).sum().item()


@ExpectedCalibrationError.wrong(
    en="The bins hold equally many rows instead of having equal width: a sound measure, but not this one.",
    zh="箱是等频的（每箱行数相同），而不是等宽的：这也是合理的度量，但不是这一个。",
)
def makes_bins_of_equal_mass(probabilities, targets, bins=15):
    confidence, hit, _ = _parts(probabilities, targets, bins)
    order = confidence.argsort(stable=True)
    chunks = (hit - confidence)[order].tensor_split(bins)
    return (torch.stack([chunk.sum().abs() for chunk in chunks]).sum() / len(targets)).item()


@ExpectedCalibrationError.wrong(
    en="An empty bin is averaged like any other: the mean of no rows is NaN, and the sum with it.",
    zh="空箱也照样取平均：零行的平均是NaN，整个和也成了NaN。",
)
def averages_empty_bins(probabilities, targets, bins=15):
    confidence, hit, place = _parts(probabilities, targets, bins)
    inside = [place == b for b in range(bins)]
    gaps = [rows.float().mean() * (hit[rows].mean() - confidence[rows].mean()).abs() for rows in inside]
    return torch.stack(gaps).sum().item()


EXERCISE = ExpectedCalibrationError()
