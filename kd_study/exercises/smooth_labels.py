import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    Text,
    check,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
)


class SmoothLabels(Exercise):
    name = "smooth_labels"
    topic = "response"
    level = "basic"
    minutes = 6
    lesson = "05_what_the_student_learns"
    sources = (
        "Szegedy et al. 2016, arXiv:1512.00567, section 7",
        "Müller, Kornblith & Hinton 2019, arXiv:1906.02629",
    )
    statement = Text(
        en=r"""
Label smoothing is distillation from a teacher that knows nothing but the label: it spreads a share $\epsilon$ evenly
over *all* classes, the label's included,

$$p_i = (1 - \epsilon) \cdot [i = y] + \frac{\epsilon}{C}.$$

`targets` (N,) holds class indices, `num_classes` is C; return the probabilities, (N, C), as floating-point numbers.
For the target 1, four classes and $\epsilon = 0.2$ the row is `[0.05, 0.85, 0.05, 0.05]`.""",
        zh=r"""
标签平滑就是向一位除了标签什么都不知道的教师做蒸馏：它把份额$\epsilon$平均分给*所有*类别，包括标签自己：

$$p_i = (1 - \epsilon) \cdot [i = y] + \frac{\epsilon}{C}.$$

`targets`是形状为(N,)的类别下标，`num_classes`就是C；返回形状为(N, C)的概率（浮点数）。
标签为1、共4个类别、$\epsilon = 0.2$时，这一行是`[0.05, 0.85, 0.05, 0.05]`。""",
    )
    hints = (
        Text(
            en="The row is a mixture of two distributions, with the weights 1 − ε and ε. Which two?",
            zh="这一行是两个分布的混合，权重是1 − ε和ε。是哪两个分布？",
        ),
        Text(
            en="One-hot with the weight 1 − ε, the even distribution 1/C with the weight ε. So the label ends at "
            "1 − ε + ε/C, not at 1 − ε.",
            zh="one-hot的权重是1 − ε，均匀分布1/C的权重是ε。所以标签那一项是1 − ε + ε/C，而不是1 − ε。",
        ),
        Text(
            en="```python\none_hot = F.one_hot(targets, num_classes)\nreturn (1 - ...) * one_hot + ... / ...\n```",
            zh="```python\none_hot = F.one_hot(targets, num_classes)\nreturn (1 - ...) * one_hot + ... / ...\n```",
        ),
    )
    discussion = Text(
        en="""
It is the control for every claim about dark knowledge: same softness, none of the knowledge about which wrong answers
are near. If a distilled student does no better than this one, the teacher taught it nothing but caution.
`F.cross_entropy(..., label_smoothing=ε)` computes the loss with these targets without ever building the table.
Two conventions are about: ε/C for every class (Szegedy, PyTorch), and ε/(C − 1) for the others alone; with few classes
the difference is not small.
What an interviewer likes to ask: a teacher trained *with* smoothing is often more accurate, yet may teach less well
(Müller et al. 2019): smoothing pulls the logits of each class together and wipes out what the examples differ in.
That depends on the temperature (Chandrasegaran et al. 2022). O(NC).""",
        zh="""
凡是谈暗知识的结论，都该拿它做对照：同样柔软，却完全不含“哪些错误答案更接近”的知识。
如果蒸馏出来的学生不比它强，说明教师除了谨慎什么也没教。
`F.cross_entropy(..., label_smoothing=ε)`不必建这张表，就能算出用这些目标的损失。
有两种约定：每个类别都加ε/C（Szegedy、PyTorch），或只给其他类别各加ε/(C − 1)；类别少时差别不小。
面试官爱问的是：*带*标签平滑训练出来的教师往往更准，却可能教得更差（Müller等，2019）：
平滑把同一类样本的logits拉到一起，抹掉了样本之间的差异。这还取决于温度系数（Chandrasegaran等，2022）。复杂度O(NC)。""",
    )

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


EXERCISE = SmoothLabels()
