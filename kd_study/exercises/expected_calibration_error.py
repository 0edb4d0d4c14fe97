import torch

from kd_study.exercises.base import (
    Exercise,
    Text,
    check,
    expect,
    expect_close,
    expect_float,
    normal,
    outcome,
)


class ExpectedCalibrationError(Exercise):
    name = "expected_calibration_error"
    topic = "measuring"
    level = "mid"
    minutes = 18
    lesson = "05_what_the_student_learns"
    sources = ("Guo et al. 2017, arXiv:1706.04599", "Naeini, Cooper & Hauskrecht 2015 (AAAI)")
    statement = Text(
        en=r"""
When the student says "90 % sure", is it right nine times in ten? Sort the rows into `bins` bins of equal width by
their confidence, the largest probability of the row. In each bin compare how often the rows are right with how sure
they are, and weigh the gap by the share of rows in the bin,

$$\mathrm{ECE} = \sum_b \frac{n_b}{N} \,\big|\, \text{accuracy}_b - \text{mean confidence}_b \,\big|.$$

Bin $b$ holds the confidences in (low, high], so that a confidence of exactly 1 counts. `probabilities` has the shape
(N, C), `targets` (N,) holds class indices; the result is a plain float. Two rows of confidence 0.4, one right and one
wrong, and two of 0.8 and 0.9, both right, give in two bins 2/4 · |0.5 − 0.4| + 2/4 · |1 − 0.85| = 0.125.""",
        zh=r"""
学生说“有90 %的把握”时，十次里真的对九次吗？把各行按置信度（该行的最大概率）分进`bins`个等宽的箱；
在每个箱里比较答对的比例与平均置信度，差距按该箱的行数占比加权：

$$\mathrm{ECE} = \sum_b \frac{n_b}{N} \,\big|\, \text{准确率}_b - \text{平均置信度}_b \,\big|.$$

第$b$个箱收纳落在(low, high]内的置信度，因此恰好为1的置信度也算在内。`probabilities`的形状是(N, C)，
`targets`是形状为(N,)的类别下标；结果是普通的float。两行置信度0.4（一对一错），两行置信度0.8和0.9（都对），
分两个箱时结果是2/4 · |0.5 − 0.4| + 2/4 · |1 − 0.85| = 0.125。""",
    )
    hints = (
        Text(
            en="Inside a bin an error of too sure and one of too modest may cancel; between bins they may not. Where does "
            "that put the absolute value?",
            zh="同一个箱内，过于自信与过于谦虚可以相互抵消；不同箱之间不可以。那么绝对值该放在哪里？",
        ),
        Text(
            en="With hit − confidence for every row, ECE is the sum over bins of |sum of these in the bin| / N: the weight "
            "n_b / N and the means cancel.",
            zh="对每一行算出（是否答对 − 置信度），ECE就是对各箱的|箱内之和| / N求和：权重n_b / N与箱内平均正好约掉。",
        ),
        Text(
            en="```python\nconfidence, prediction = probabilities.max(dim=-1)\ngap = (prediction == targets).float() - confidence\n"
            "edges = torch.linspace(0, 1, bins + 1)\ntotal = 0.0\nfor low, high in zip(edges[:-1], edges[1:]):\n"
            "    inside = (confidence > ...) & (confidence <= ...)\n    total += gap[inside].sum().abs()\n"
            "return (total / ...).item()\n```",
            zh="```python\nconfidence, prediction = probabilities.max(dim=-1)\ngap = (prediction == targets).float() - confidence\n"
            "edges = torch.linspace(0, 1, bins + 1)\ntotal = 0.0\nfor low, high in zip(edges[:-1], edges[1:]):\n"
            "    inside = (confidence > ...) & (confidence <= ...)\n    total += gap[inside].sum().abs()\n"
            "return (total / ...).item()\n```",
        ),
    )
    discussion = Text(
        en="""
A voice assistant that asks back below 60 % confidence stands or falls with this number, and accuracy doesn't show it:
two students of equal accuracy may differ widely in how far to trust them. Distillation hands on a teacher's softness;
whether the student is calibrated has to be measured, in each language.
The estimate has a price: with few rows a bin the gaps are mostly noise, and noise only adds, so a small test set looks
miscalibrated. More bins raise it further. Compare models with the same bins and rows, or with bins of equal mass.
An ECE of 0 says little by itself: a model that answers the majority class with the majority's share has it too.
Asked for next: temperature scaling on held-out data (one number, accuracy untouched), the Brier score (proper, no
bins), why only the top class counts here. O(NC).""",
        zh="""
语音助手在置信度低于60 %时反问用户，成败全看这个数，而准确率看不出它：准确率相同的两个学生，可信程度可能相差很大。
蒸馏会把教师的“软”传下来；学生是否校准，必须在每种语言上实际测量。
这个估计有代价：箱内样本少时差距大多是噪声，而噪声只会让它变大，所以小测试集看上去总是校准不好；箱越多越严重。
比较模型时应使用同样的箱和同样的样本，或者用等频箱。
ECE为0本身说明不了多少：总是回答多数类、并以多数类占比为置信度的模型，ECE也是0。
面试官接着会问：在留出数据上做温度缩放（只有一个参数，不改变准确率）；Brier分数（严格适当、不分箱）；为什么只看首选类别。复杂度O(NC)。""",
    )

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
            "75 %时四对三、40 %时五对二，是完美校准：应比较箱内的平均，而不是逐行比较",
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
            "这一行对类别0有70 %的把握，却错了：差距是0.7，与目标类别自己的概率无关",
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
