import math

import torch

from kd_study.exercises.base import (
    Exercise,
    check,
    check_default,
    expect,
    expect_close,
    expect_float,
    normal,
    outcome,
)


class RiskThreshold(Exercise):
    def validate(self, result, arguments):
        expect_float(result)
        expect(
            not math.isnan(result),
            "NaN came back; where no threshold keeps the risk, or there are no answers, it is infinity",
            "返回了NaN；没有满足风险要求的阈值、或者一个回答也没有时，应返回无穷大",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        confidence, correct = [0.4, 0.9, 0.6, 0.8], [True, True, False, True]
        for risk, expected, en, zh in (
            (0.3, 0.4, "from 0.4 on one of four is wrong, which 0.3 allows",
             "0.4及以上，四个里错一个，0.3的风险允许"),
            (0.2, 0.8, "from 0.8 on none of two is wrong; from 0.6 on one of three is, from 0.4 on one of four",
             "0.8及以上两个全对；0.6及以上三个错一个，0.4及以上四个错一个"),
        ):  # fmt: skip
            expect_close(
                fn(confidence, correct, risk),
                expected,
                f"right at 0.9, 0.8 and 0.4, wrong at 0.6, risk {risk:g}: {en}",
                f"0.9、0.8、0.4答对，0.6答错，风险为{risk:g}：{zh}",
            )

    @check(en="A mistake at the top can be made up for", zh="最有把握的答错了，后面也能补回来")
    def looks_past_a_mistake_at_the_top(self, fn):
        expect_close(
            fn([0.95, 0.9, 0.8, 0.7], [0, 1, 1, 1], 0.25),
            0.7,
            "the share of wrong answers is 1, 1/2, 1/3 and 1/4 from the surest one down: it need not rise as the "
            "threshold falls, so look at all thresholds, down to the lowest",
            "从最有把握的往下，错误比例依次是1、1/2、1/3、1/4：阈值下降时它不一定上升，所以每个阈值都要看，一直看到最低",
        )

    @check(en="Equal confidences are accepted together", zh="置信度相等的一起接受")
    def accepts_equals_together(self, fn):
        for correct in ([1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 1]):
            expect_close(
                fn([0.9, 0.7, 0.7, 0.7], correct, 0.2),
                0.9,
                "of three answers at 0.7 one is wrong; a threshold takes all three or none, wherever the wrong one "
                "stands: 1/4 is more than 0.2",
                "0.7有三个回答，其中一个错了；阈值只能三个都收或都不收，与错的那个排在哪里无关：1/4超过了0.2",
            )

    @check(en="A share equal to the risk is accepted", zh="错误比例恰好等于风险也接受")
    def accepts_a_share_that_equals_the_risk(self, fn):
        for wrong, count, risk in ((1, 20, 0.05), (29, 100, 0.29), (7, 100, 0.07), (1, 3, 1 / 3)):
            expect_close(
                fn([0.5] * count, [False] * wrong + [True] * (count - wrong), risk),
                0.5,
                f"{wrong} of {count} are wrong and the risk is {risk:g}: equal, and so accepted. Divide the wrong ones by the "
                "accepted ones in float64; 1 minus a share, or the risk times a count, is off in the last digit",
                f"{count}个里错{wrong}个，风险是{risk:g}：恰好相等，应当接受。请在float64里用错的个数除以接受的个数；"
                "1减去正确率、或用风险乘以个数，最后一位会有误差",
            )
        expect_close(
            fn([0.5] * 3, [0, 1, 1], 0.33333333),
            math.inf,
            "1/3 is more than 0.33333333, if only in float64",
            "1/3大于0.33333333，尽管要在float64里才看得出来",
        )

    @check(en="None, or no answers: infinity", zh="没有合适的阈值或没有回答：无穷大")
    def is_infinite_where_nothing_can_be_accepted(self, fn):
        for confidence, correct, en, zh in (
            ([0.9, 0.8], [0, 1], "1 and 1/2 are both more than 0.05", "1和1/2都超过0.05"),
            ([0.7], [False], "the only answer is wrong", "唯一的回答是错的"),
            ([], [], "no answer, nothing to accept", "没有回答，也就没有可接受的"),
            (torch.tensor([]), torch.tensor([], dtype=torch.bool), "no answer, nothing to accept",
             "没有回答，也就没有可接受的"),
        ):  # fmt: skip
            expect(
                fn(confidence, correct) == math.inf,
                f"{en}: the threshold is math.inf, which no confidence reaches",
                f"{zh}：阈值应为math.inf，任何置信度都达不到",
            )

    @check(en="Everything, where the risk allows it", zh="风险允许时全部接受")
    def accepts_everything_where_it_can(self, fn):
        confidence = [0.8, 0.3, 0.6]
        expect_close(
            fn(confidence, [1, 1, 1], 0.0),
            0.3,
            "nothing is wrong: even a risk of 0 accepts all, from the lowest confidence on",
            "没有错的：风险为0也可以全部接受，阈值是最低的置信度",
        )
        expect_close(
            fn(confidence, [0, 0, 0], 1.0),
            0.3,
            "a risk of 1 accepts everything, even where all is wrong",
            "风险为1时，即使全错也全部接受",
        )

    @check(en="It keeps the risk, and no lower one does", zh="满足风险要求，再低就不满足")
    def is_the_lowest_that_keeps_the_risk(self, fn):
        given = self.example()
        confidence, correct = given["confidence"], given["correct"]
        for risk in (0.1, 0.2, 0.3):
            threshold = fn(confidence, correct, risk)
            expect(
                threshold in confidence.tolist(),
                f"the threshold should be one of the confidences, exactly, but {threshold!r} is none of them",
                f"阈值应恰好是其中一个置信度，但{threshold!r}不是",
            )
            expect(
                _share(confidence, correct, threshold) <= risk,
                f"of the answers at {threshold:g} or above, the share {_share(confidence, correct, threshold):.3g} is wrong: "
                f"more than {risk:g}",
                f"{threshold:g}及以上的回答里，错误比例是{_share(confidence, correct, threshold):.3g}，超过了{risk:g}",
            )
            better = [
                c for c in confidence.tolist() if c < threshold and _share(confidence, correct, c) <= risk
            ]
            expect(
                not better,
                f"{threshold:g} keeps the risk {risk:g}, but so does a lower confidence, which accepts more answers",
                f"{threshold:g}满足风险{risk:g}，但还有更低的置信度也满足，能接受更多回答",
            )

    @check(en="Only the order of confidences counts", zh="只看置信度的大小次序")
    def follows_the_order_of_confidences(self, fn):
        given = self.example()
        confidence, expected = given["confidence"], fn(**given)
        expect_close(
            fn(confidence.flip(0), given["correct"].flip(0), given["risk"]),
            expected,
            "the same answers in another order should give the same threshold",
            "同样的回答换个顺序，阈值应当不变",
        )
        expect_close(
            fn(10 * confidence - 20, given["correct"], given["risk"]),
            10 * expected - 20,
            "a confidence may be a logit or a margin: where all of them become 10 · c − 20, so does the threshold",
            "置信度也可以是logit或间隔：所有置信度都变成10 · c − 20时，阈值也应如此",
        )

    @check(en="Lists or tensors, bool or 0/1, to the last digit", zh="列表或张量，bool或0/1，精确到最后一位")
    def takes_lists_and_tensors_exactly(self, fn):
        confidence, correct = [0.9, 0.6, 0.3], [True, True, False]
        for name, hits in (
            ("bool", correct),
            ("0/1", [1, 1, 0]),
            ("a tensor of bool", torch.tensor(correct)),
            ("a tensor of int", torch.tensor([1, 1, 0])),
            ("a tensor of float", torch.tensor([1.0, 1.0, 0.0])),
        ):
            expect(
                fn(confidence, hits) == 0.6,
                f"with `correct` as {name} the threshold should be exactly the 0.6 of the list: in float32 it becomes "
                "0.60000002, which the answer itself no longer reaches",
                "无论correct是bool还是0/1、列表还是张量，阈值都应恰好是列表里的0.6：转成float32就成了0.60000002，那个回答自己都达不到",
            )
        for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            tensor = torch.tensor(confidence, dtype=dtype)
            expect(
                fn(tensor, torch.tensor(correct)) == tensor[1].item(),
                f"a confidence in {dtype} should come back with its own value",
                f"{dtype}的置信度，返回时应是它本来的值",
            )

    takes_its_default = check_default("risk", 0.05)

    def example(self):
        confidence = (normal(80, seed=1).sigmoid() * 40).round() / 40
        correct = normal(80, seed=2).sigmoid() < confidence + 0.2
        return {"confidence": confidence, "correct": correct, "risk": 0.1}

    def probes(self):
        given = self.example()
        return {
            "many answers": given,
            "more risk": given | {"risk": 0.3},
            "worked": {"confidence": [0.4, 0.9, 0.6, 0.8], "correct": [1, 1, 0, 1], "risk": 0.3},
            "equals": {"confidence": [0.9, 0.7, 0.7, 0.7], "correct": [1, 1, 1, 0], "risk": 0.2},
            "default": {"confidence": [0.99, 0.9, 0.8], "correct": [True, True, False]},
        }

    def edges(self):
        twenty, hundred = [0.5] * 20, [0.5] * 100
        return {
            "1 of 2": {"confidence": [0.5] * 2, "correct": [0, 1], "risk": 0.5},
            "1 of 20": {"confidence": twenty, "correct": [0] + [1] * 19},
            "29 of 100": {"confidence": hundred, "correct": [0] * 29 + [1] * 71, "risk": 0.29},
            "a third": {"confidence": [0.5] * 3, "correct": [0, 1, 1], "risk": 0.33333333},
            "none": {"confidence": [0.9, 0.8], "correct": [0, 1]},
            "no answers": {"confidence": [], "correct": []},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["a plain number"] = outcome(lambda: isinstance(function(**self.example()), int | float))
        edge["to the last digit"] = outcome(lambda: bool(function([0.9, 0.6, 0.3], [1, 1, 0]) == 0.6))
        return ordinary, edge


def _share(confidence, correct, threshold):
    """Share of wrong answers among those accepted."""
    hits = correct[confidence >= threshold]
    return (~hits).sum().item() / max(len(hits), 1)


def _levels(confidence, correct):
    """(confidences, each once and the highest first; the answers at each; the wrong ones at each)."""
    confidence = torch.as_tensor(confidence, dtype=torch.float64)
    wrong = 1 - torch.as_tensor(correct, dtype=torch.float64)
    levels, level = confidence.unique(return_inverse=True)
    answers, mistakes = level.bincount(torch.ones_like(wrong)), level.bincount(wrong)
    return levels.flip(0), answers.flip(0), mistakes.flip(0)


def _lowest(levels, accepted):
    return min(levels[accepted].tolist(), default=math.inf)


@RiskThreshold.wrong(
    en="It goes down from the surest answer and stops where the risk is first exceeded. The share of wrong answers falls "
    "again with each right one: look at all thresholds.",
    zh="从最有把握的回答往下走，一超过风险就停。之后每答对一个，错误比例又会下降：所有阈值都要看。",
)
def stops_at_the_first_excess(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    kept = mistakes.cumsum(0) / answers.cumsum(0) <= risk
    return _lowest(levels, kept.cumprod(0).bool())


@RiskThreshold.wrong(
    en="Answers are taken one by one, equal confidences too: the threshold is read off in the middle of them, and applied "
    "it lets in the rest as well.",
    zh="回答是逐个计入的，置信度相等的也被拆开：在它们中间读出了阈值，而真正使用时其余的也会放进来。",
)
def splits_equal_confidences(confidence, correct, risk=0.05):
    confidence = torch.as_tensor(confidence, dtype=torch.float64)
    order = confidence.argsort(descending=True, stable=True)
    wrong = 1 - torch.as_tensor(correct, dtype=torch.float64)[order]
    share = wrong.cumsum(0) / torch.arange(1, len(order) + 1, dtype=torch.float64)
    return _lowest(confidence[order], share <= risk)


@RiskThreshold.wrong(
    en="The wrong answers are divided by all answers, not by those accepted: whoever accepts little seems to risk little.",
    zh="错误数除以了全部回答数，而不是被接受的回答数：接受得越少，看上去风险就越小。",
)
def divides_by_all_answers(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return _lowest(levels, mistakes.cumsum(0) / answers.sum() <= risk)


@RiskThreshold.wrong(
    en="The share has to stay below the risk. Here one that equals it is accepted.",
    zh="要求错误比例严格小于风险。这里恰好相等也应接受。",
)
def asks_for_less_than_the_risk(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return _lowest(levels, mistakes.cumsum(0) / answers.cumsum(0) < risk)


@RiskThreshold.wrong(
    en="Counts are compared, wrong ≤ risk · accepted, to save a division: 0.29 · 100 is 28.999999999999996 in float64, and "
    "29 of 100 are refused at a risk of 0.29.",
    zh="为了省一次除法，比较的是个数：错误数 ≤ 风险 · 接受数。float64里0.29 · 100是28.999999999999996，风险为0.29时100个错29个就被拒绝了。",
)
def multiplies_the_risk_out(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return _lowest(levels, mistakes.cumsum(0) <= risk * answers.cumsum(0))


@RiskThreshold.wrong(
    en="The share of wrong answers is taken as 1 − accuracy: 1 − 0.95 is 0.050000000000000044, and 1 of 20 is refused at a "
    "risk of 0.05.",
    zh="错误比例是用1 − 正确率算的：1 − 0.95等于0.050000000000000044，风险为0.05时20个错1个就被拒绝了。",
)
def subtracts_the_accuracy_from_one(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return _lowest(levels, 1 - (answers - mistakes).cumsum(0) / answers.cumsum(0) <= risk)


@RiskThreshold.wrong(
    en="A list becomes a float32 tensor, as torch makes it by default: 0.6 is 0.60000002 there, a threshold that the answer "
    "itself no longer reaches.",
    zh="列表按torch的默认设置转成了float32张量：0.6成了0.60000002，那个回答自己都达不到这个阈值。",
)
def rounds_the_confidences(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(torch.as_tensor(confidence), correct)
    return _lowest(levels, mistakes.cumsum(0) / answers.cumsum(0) <= risk)


@RiskThreshold.wrong(
    en="The share is divided and compared in float32, where 1/3 passes for 0.33333333.",
    zh="比例是在float32里相除并比较的，1/3在那里被当成了0.33333333。",
)
def divides_in_float32(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return _lowest(levels, mistakes.float().cumsum(0) / answers.float().cumsum(0) <= risk)


@RiskThreshold.wrong(
    en="The first threshold that keeps the risk comes back, which is the highest: it accepts the fewest answers. The lowest "
    "is asked for.",
    zh="返回了第一个满足风险的阈值，也就是最高的那个：接受的回答最少。要的是最低的。",
)
def takes_the_highest(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return max(levels[mistakes.cumsum(0) / answers.cumsum(0) <= risk].tolist(), default=math.inf)


@RiskThreshold.wrong(
    en="Where nothing keeps the risk 0 comes back, and as a threshold 0 accepts everything: the worst that could happen "
    "just where the model is worst.",
    zh="没有满足风险要求的阈值时返回了0，而阈值0会接受一切：模型最差的时候，偏偏出现最坏的结果。",
)
def accepts_all_where_none_will_do(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return min(levels[mistakes.cumsum(0) / answers.cumsum(0) <= risk].tolist(), default=0.0)


@RiskThreshold.wrong(
    en="The minimum of nothing is asked for where no threshold keeps the risk: that is an error, not infinity.",
    zh="没有满足风险要求的阈值时，对空张量取了最小值：会报错，而不是得到无穷大。",
)
def takes_the_minimum_of_nothing(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return levels[mistakes.cumsum(0) / answers.cumsum(0) <= risk].min().item()


@RiskThreshold.wrong(
    en="Only the answers at exactly this confidence are looked at, not all that are as confident or more.",
    zh="只看恰好等于该置信度的回答，而不是置信度不低于它的全部回答。",
)
def looks_at_one_level_alone(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    return _lowest(levels, mistakes / answers <= risk)


@RiskThreshold.wrong(
    en="Accepted are the answers above the threshold, without those at it: the threshold returned is the highest confidence "
    "that is refused.",
    zh="接受的是严格高于阈值的回答，不含恰好等于的：返回的阈值是被拒绝的最高置信度。",
)
def leaves_out_the_threshold_itself(confidence, correct, risk=0.05):
    levels, answers, mistakes = _levels(confidence, correct)
    above, wrong = answers.cumsum(0) - answers, mistakes.cumsum(0) - mistakes
    return _lowest(levels, (above > 0) & (wrong / above.clamp(min=1) <= risk))


@RiskThreshold.wrong(
    en="The confidence is believed: accepted is what is 1 − risk sure or more. Models are mostly too sure; whether they are "
    "right has to be counted.",
    zh="直接相信了置信度：不低于1 − risk就接受。模型大多过于自信，到底对不对，要实际去数。",
)
def believes_the_confidence(confidence, correct, risk=0.05):
    levels, _, _ = _levels(confidence, correct)
    return _lowest(levels, levels >= 1 - risk)


@RiskThreshold.wrong(
    en="The least confident answers are refused, as large a share of them as the risk: that fixes the coverage, and lets the "
    "risk fall where it may.",
    zh="按risk的比例拒绝了最没把握的回答：这固定的是覆盖率，风险是多少就听天由命了。",
)
def fixes_the_coverage(confidence, correct, risk=0.05):
    levels, answers, _ = _levels(confidence, correct)
    return _lowest(levels, answers.cumsum(0) <= (1 - risk) * answers.sum())


@RiskThreshold.wrong(
    en="Thresholds are tried on a grid from 0 to 1: what comes back is none of the confidences, and logits lie outside.",
    zh="在0到1的网格上试阈值：返回的不是其中任何一个置信度，而logit根本不在网格范围内。",
)
def tries_a_grid(confidence, correct, risk=0.05):
    confidence = torch.as_tensor(confidence, dtype=torch.float64)
    wrong = 1 - torch.as_tensor(correct, dtype=torch.float64)
    for threshold in torch.linspace(0, 1, 101, dtype=torch.float64).tolist():
        accepted = wrong[confidence >= threshold]
        if len(accepted) and accepted.sum().item() / len(accepted) <= risk:
            return threshold
    return math.inf


EXERCISE = RiskThreshold()
