import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
)


class SmoothLabels(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        expected = (len(arguments["targets"]), arguments["num_classes"])
        expect(
            tuple(result.shape) == expected,
            f"each target should become a row of num_classes probabilities, shape {expected}, but "
            f"{tuple(result.shape)} came back",
            f"每个标签应变成一行num_classes个概率，形状应为{expected}，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([1]), 4, 0.2),
            torch.tensor([[0.05, 0.85, 0.05, 0.05]]),
            "0.2 / 4 = 0.05 for each class, and 0.8 more for the label",
            "每个类别0.2 / 4 = 0.05，标签再加0.8",
        )

    @check(en="The default epsilon is 0.1", zh="epsilon默认为0.1")
    def has_a_tenth_by_default(self, fn):
        expect_close(
            fn(torch.tensor([0, 1]), 2),
            torch.tensor([[0.95, 0.05], [0.05, 0.95]]),
            "without an epsilon a tenth is spread: 0.05 for each of two classes, 0.9 more for the label",
            "不给epsilon时分出十分之一：两个类别各0.05，标签再加0.9",
        )

    @check(en="Every row is a distribution", zh="每一行都是一个分布")
    def makes_every_row_a_distribution(self, fn):
        for epsilon in (0.05, 0.5):
            expect_close(
                fn(torch.tensor([2, 0, 1]), 5, epsilon).sum(-1),
                torch.ones(3),
                f"at epsilon = {epsilon:g} the rows should sum to 1",
                f"epsilon = {epsilon:g}时，各行之和应为1",
            )

    @check(en="From the label alone to no label at all", zh="从只有标签到完全没有标签")
    def goes_from_one_hot_to_even(self, fn):
        targets = torch.tensor([2, 0])
        expect_close(
            fn(targets, 3, 0.0),
            torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
            "with epsilon = 0 the label alone is left",
            "epsilon = 0时只剩标签",
        )
        expect_close(
            fn(targets, 3, 1.0),
            torch.full((2, 3), 1 / 3),
            "with epsilon = 1 every class should have 1/3, the label's too",
            "epsilon = 1时每个类别都应是1/3，标签也不例外",
        )

    @check(en="Classes that no target names have a column, too", zh="没有出现的类别也占一列")
    def has_a_column_for_every_class(self, fn):
        expect_close(
            fn(torch.tensor([1, 1, 0]), 6, 0.3)[:, 2:],
            torch.full((3, 4), 0.05),
            "the classes 2 to 5 don't occur in this batch, yet each has 0.3 / 6 = 0.05",
            "这批样本里没有类别2到5，它们仍各得0.3 / 6 = 0.05",
        )
        expect_close(
            fn(torch.tensor([0, 0]), 1, 0.3),
            torch.ones(2, 1),
            "where there is one class it has the probability 1",
            "只有一个类别时它的概率是1",
        )

    @check(en="The targets of PyTorch's label_smoothing", zh="与PyTorch的label_smoothing一致")
    def agrees_with_pytorch(self, fn):
        logits, targets = normal(4, 3, seed=1), torch.tensor([2, 0, 1, 1])
        for epsilon in (0.1, 0.4):
            expect_close(
                F.cross_entropy(logits, fn(targets, 3, epsilon).to(logits.dtype)),
                F.cross_entropy(logits, targets, label_smoothing=epsilon),
                f"the cross-entropy with these targets should be that with label_smoothing={epsilon:g}",
                f"以它们为目标的交叉熵，应等于label_smoothing={epsilon:g}时的交叉熵",
            )

    def probes(self):
        return {
            "0.2": {"targets": torch.tensor([1, 0, 2]), "num_classes": 4, "epsilon": 0.2},
            "default": {"targets": torch.tensor([3, 1]), "num_classes": 5},
            "0": {"targets": torch.tensor([2, 0]), "num_classes": 3, "epsilon": 0.0},
            "1": {"targets": torch.tensor([2, 0]), "num_classes": 3, "epsilon": 1.0},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["floating point"] = outcome(lambda: function(torch.tensor([1]), 4).is_floating_point())
        return ordinary, edge


@SmoothLabels.wrong(
    en="The share goes to the other classes alone, ε/(C − 1) each. Here, as in PyTorch, the label gets its ε/C as well.",
    zh="份额只分给了其他类别，各得ε/(C − 1)。这里与PyTorch一样，标签也分到自己的ε/C。",
)
def spreads_over_the_others(targets, num_classes, epsilon=0.1):
    one_hot = F.one_hot(targets, num_classes)
    return (1 - epsilon) * one_hot + (1 - one_hot) * epsilon / max(num_classes - 1, 1)


@SmoothLabels.wrong(
    en="The label's 1 is not lowered: the row sums to 1 + ε.",
    zh="标签的1没有降低：这一行之和成了1 + ε。",
)
def keeps_the_label_at_one(targets, num_classes, epsilon=0.1):
    return F.one_hot(targets, num_classes) + epsilon / num_classes


@SmoothLabels.wrong(
    en="ε is added to every class undivided: the row sums to 1 + (C − 1) ε.",
    zh="给每个类别加了整个ε，没有除以C：这一行之和成了1 + (C − 1) ε。",
)
def forgets_to_share(targets, num_classes, epsilon=0.1):
    return (1 - epsilon) * F.one_hot(targets, num_classes) + epsilon


@SmoothLabels.wrong(
    en="The others get ε/C each, the label 1 − ε and nothing more: the row sums to 1 − ε/C.",
    zh="其他类别各得ε/C，标签只有1 − ε：这一行之和成了1 − ε/C。",
)
def leaves_the_label_out(targets, num_classes, epsilon=0.1):
    one_hot = F.one_hot(targets, num_classes)
    return (1 - epsilon) * one_hot + (1 - one_hot) * epsilon / num_classes


@SmoothLabels.wrong(
    en="The weights are swapped: ε for the label and 1 − ε to be shared out.",
    zh="权重互换了：标签得ε，分出去的是1 − ε。",
)
def swaps_the_weights(targets, num_classes, epsilon=0.1):
    return epsilon * F.one_hot(targets, num_classes) + (1 - epsilon) / num_classes


@SmoothLabels.wrong(
    en="The share is divided by the batch size instead of the number of classes.",
    zh="份额除以了批大小，而不是类别数。",
)
def divides_by_the_batch(targets, num_classes, epsilon=0.1):
    return (1 - epsilon) * F.one_hot(targets, num_classes) + epsilon / len(targets)


@SmoothLabels.wrong(
    en="The number of classes is read off the batch: where the last class doesn't occur, a column is missing.",
    zh="类别数是从这批样本里数出来的：最后的类别没有出现时，就会少一列。",
)
def counts_the_classes_of_the_batch(targets, num_classes, epsilon=0.1):
    one_hot = F.one_hot(targets)
    return (1 - epsilon) * one_hot + epsilon / one_hot.shape[1]


@SmoothLabels.wrong(
    en="The table has whole numbers, as one_hot returns them: written into it, 0.05 becomes 0. Make it float first.",
    zh="one_hot返回的是整数表：把0.05写进去就成了0。请先转成浮点数。",
)
def rounds_to_whole_numbers(targets, num_classes, epsilon=0.1):
    table = F.one_hot(targets, num_classes)
    table[table == 0] = epsilon / num_classes
    return table


@SmoothLabels.wrong(
    en="ε is never used: these are one-hot labels.",
    zh="ε根本没有用到：这只是one-hot标签。",
)
def gives_one_hot_labels(targets, num_classes, epsilon=0.1):
    return F.one_hot(targets, num_classes).float()


@SmoothLabels.wrong(
    en="`epsilon or 0.1` takes 0 for 'not given': whoever asks for the plain labels gets smoothed ones.",
    zh="`epsilon or 0.1`把0当成了“没有给出”：想要原始标签的人得到的却是平滑过的。",
)
def takes_zero_for_not_given(targets, num_classes, epsilon=0.1):
    epsilon = epsilon or 0.1
    return (1 - epsilon) * F.one_hot(targets, num_classes) + epsilon / num_classes


@SmoothLabels.wrong(
    en="A softmax of the one-hot row is soft, but how soft depends on C, and ε has no say in it.",
    zh="对one-hot做softmax确实变软了，但软到什么程度由C决定，与ε无关。",
)
def applies_a_softmax_to_the_label(targets, num_classes, epsilon=0.1):
    return F.one_hot(targets, num_classes).float().softmax(-1)


@SmoothLabels.wrong(
    en="One class is left out, as where a vocabulary has a padding token: it gets 0, and the rest of ε is shared by the C − 2 others. Here every class counts.",
    zh="留空了一个类别，像词表里有填充符时那样：它得0，ε由其余C − 2个类别平分。这里每个类别都要计入。",
    reference="OpenNMT-py, onmt/utils/loss.py",
)
def leaves_a_class_for_padding(targets, num_classes, epsilon=0.1):
    rows = torch.full((len(targets), num_classes), epsilon / max(num_classes - 2, 1))
    rows[:, 0] = 0.0
    return rows.scatter(1, targets[:, None], 1 - epsilon)


EXERCISE = SmoothLabels()
