import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    check,
    expect_close,
    gradient,
    normal,
)
from kd_study.exercises.response._shared import SoftLossExercise


def whiteboard(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, dim=-1)
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    return -(p * log_q).sum(-1).mean()


class SoftCrossEntropy(SoftLossExercise):
    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]]), 2.0),
            0.6085,
            "0.731 · 0.474 + 0.269 · 0.974 = 0.609, where 0.474 and 0.974 are the student's −log q",
            "0.731 · 0.474 + 0.269 · 0.974 = 0.609，其中0.474和0.974是学生的−log q",
            tolerance=1e-3,
        )

    @check(en="A sure teacher is an ordinary label", zh="十分确定的教师等价于普通标签")
    def is_the_ordinary_cross_entropy_for_a_sure_teacher(self, fn):
        student, labels = normal(3, 4, seed=3), torch.tensor([2, 0, 1])
        expect_close(
            fn(student, 200.0 * F.one_hot(labels, 4)),
            F.cross_entropy(student, labels),
            "where the teacher puts everything on one class, the loss should be the cross-entropy with that label",
            "教师把全部概率放在一个类别上时，损失应等于以该类别为标签的交叉熵",
        )

    @check(en="An even teacher is not its arg max", zh="摇摆的教师不等于它的arg max")
    def weighs_every_class(self, fn):
        expect_close(
            fn(torch.tensor([[3.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, -100.0]])),
            1.5949,
            "a teacher split evenly between two classes costs the mean of their −log q, (0.095 + 3.095) / 2",
            "教师在两个类别间各占一半，损失应为两者−log q的平均，(0.095 + 3.095) / 2",
            tolerance=1e-3,
        )

    @check(en="The floor is the teacher's entropy", zh="最低点是教师的熵")
    def reaches_the_entropy_of_the_teacher(self, fn):
        logits = normal(3, 4, seed=4)
        for temperature, shift in ((1.0, 0.0), (4.0, torch.tensor([[5.0], [-3.0], [0.0]]))):
            entropy = torch.special.entr(logits.div(temperature).softmax(-1)).sum(-1).mean()
            expect_close(
                fn(logits + shift, logits, temperature),
                entropy,
                f"at T = {temperature:g} a student equal to the teacher, up to a shift of each row, should cost the "
                "teacher's entropy",
                f"T = {temperature:g}时，与教师只差逐行平移的学生，损失应等于教师的熵",
            )

    @check(en="The gradient: no T² here", zh="梯度：这里不乘T²")
    def has_the_gradient_without_the_square(self, fn):
        student, teacher = normal(3, 4, seed=7, scale=1.0), normal(3, 4, seed=8, scale=1.0)
        for temperature in (0.5, 1.0, 5.0):
            q, p = (logits.div(temperature).softmax(-1) for logits in (student, teacher))
            expect_close(
                gradient(lambda leaf, t=temperature: fn(leaf, teacher, t), student),
                (q - p) / (3 * temperature),
                f"at T = {temperature:g} the gradient should be (q − p) / (N T): one of the two temperatures is off, "
                "or a factor stands in front",
                f"T = {temperature:g}时梯度应为(q − p) / (N T)：两处温度系数之一有误，或前面多了因子",
            )

    @check(en="One row, and one class", zh="只有一行，或只有一个类别")
    def copes_with_one_row_and_one_class(self, fn):
        expect_close(
            fn(normal(3, 1), normal(3, 1, seed=1)),
            0.0,
            "with one class there is nothing to be surprised by",
            "只有一个类别时损失为0",
        )
        expect_close(
            fn(torch.zeros(1, 4), normal(1, 4)),
            1.3863,
            "a student that spreads evenly over 4 classes pays log 4 in a batch of one row",
            "只有一行时，在4个类别上均匀分布的学生，损失应为log 4",
            tolerance=1e-3,
        )


@SoftCrossEntropy.wrong(
    en="The mean runs over classes as well as rows: the loss is C times too small. Sum over classes first.",
    zh="连类别也平均了：损失小了C倍。应先对类别求和。",
    reference="GMvandeVen/continual-learning#5",
)
def averages_over_classes(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return -(p * F.log_softmax(student_logits / temperature, -1)).mean()


@SoftCrossEntropy.wrong(
    en="The rows are summed, not averaged: twice the batch, twice the step.",
    zh="对各行求和而没有平均：批大小翻倍，更新步长也翻倍。",
)
def sums_over_rows(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return F.cross_entropy(student_logits / temperature, p, reduction="sum")


@SoftCrossEntropy.wrong(
    en="A factor T² stands in front. It belongs where a soft and a hard loss are mixed; this one is without it.",
    zh="前面乘了T²。软硬损失混合时才需要它；这里的定义不含T²。",
    reference="Hinton et al. 2015, section 2",
)
def multiplies_by_the_square(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.cross_entropy(student_logits / temperature, p)


@SoftCrossEntropy.wrong(
    en="This is KL(teacher ‖ student): the teacher's entropy has been subtracted. Same gradient, another number.",
    zh="这是KL(教师 ‖ 学生)：多减了教师的熵。梯度相同，数值不同。",
    reference="airaria/TextBrewer#90",
)
def gives_the_divergence(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return F.kl_div(log_q, p, reduction="batchmean")


@SoftCrossEntropy.wrong(
    en="The roles are swapped: −Σ q log p rewards a student that bets everything on the teacher's favourite.",
    zh="角色互换了：−Σ q log p会奖励把全部概率押在教师首选类别上的学生。",
)
def swaps_the_roles(student_logits, teacher_logits, temperature=1.0):
    q = F.softmax(student_logits / temperature, -1)
    return -(q * F.log_softmax(teacher_logits.detach() / temperature, -1)).sum(-1).mean()


@SoftCrossEntropy.wrong(
    en="The teacher's raw logits serve as targets. cross_entropy accepts them without an error, but they are no "
    "distribution: the loss has no lower bound and the student learns nothing. Apply softmax to them first.",
    zh="把教师的原始logits当作目标。cross_entropy不会报错，但它们不是分布：损失没有下界，学生什么也学不到。请先对它们做softmax。",
)
def takes_raw_logits_for_targets(student_logits, teacher_logits, temperature=1.0):
    return F.cross_entropy(student_logits / temperature, teacher_logits.detach() / temperature)


@SoftCrossEntropy.wrong(
    en="The targets are log-probabilities, all of them negative: the sign of the loss is turned around.",
    zh="目标用成了对数概率，全是负数：损失的符号整个反了。",
    reference="pytorch/pytorch#5282",
)
def takes_log_probabilities_for_targets(student_logits, teacher_logits, temperature=1.0):
    log_p = F.log_softmax(teacher_logits.detach() / temperature, -1)
    return F.cross_entropy(student_logits / temperature, log_p)


@SoftCrossEntropy.wrong(
    en="Only the teacher's arg max is used. That is a hard pseudo-label; what it knows of other classes is lost.",
    zh="只用了教师的arg max：这是硬伪标签，教师对其他类别的知识全丢了。",
)
def hardens_the_teacher(student_logits, teacher_logits, temperature=1.0):
    return F.cross_entropy(student_logits / temperature, teacher_logits.argmax(-1))


@SoftCrossEntropy.wrong(
    en="cross_entropy takes logits and applies log_softmax itself; the student has been through a softmax already, "
    "so it goes through two.",
    zh="cross_entropy接收的是logits，内部会做log_softmax；学生事先又做了一次softmax，相当于做了两次。",
    reference="microsoft/ProDA#20",
)
def applies_softmax_twice(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return F.cross_entropy(F.softmax(student_logits / temperature, -1), p)


@SoftCrossEntropy.wrong(
    en="Only the teacher is softened: the student at T = 1 is asked to be as vague as the teacher at T.",
    zh="只软化了教师：学生在T = 1下被要求和教师在T下一样模糊。",
)
def softens_the_teacher_only(student_logits, teacher_logits, temperature=1.0):
    return F.cross_entropy(student_logits, F.softmax(teacher_logits.detach() / temperature, -1))


@SoftCrossEntropy.wrong(
    en="Only the student is softened: the targets are the teacher's at T = 1.",
    zh="只软化了学生：目标用的仍是教师在T = 1下的概率。",
)
def softens_the_student_only(student_logits, teacher_logits, temperature=1.0):
    return F.cross_entropy(student_logits / temperature, F.softmax(teacher_logits.detach(), -1))


@SoftCrossEntropy.wrong(
    en="The temperature is taken but never used: this is the loss at T = 1.",
    zh="参数里有温度系数，却没有用到：这只是T = 1时的损失。",
)
def ignores_the_temperature(student_logits, teacher_logits, temperature=1.0):
    return F.cross_entropy(student_logits, F.softmax(teacher_logits.detach(), -1))


@SoftCrossEntropy.wrong(
    en="The minus sign is missing: minimising this drives the student away from the teacher.",
    zh="漏了负号：最小化它会让学生远离教师。",
)
def forgets_the_sign(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return (p * F.log_softmax(student_logits / temperature, -1)).sum(-1).mean()


@SoftCrossEntropy.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, temperature=1.0):
    return F.cross_entropy(student_logits / temperature, F.softmax(teacher_logits / temperature, -1))


@SoftCrossEntropy.wrong(
    en="The logarithm is taken of a softmax that has become 0: extreme logits give infinity or NaN. "
    "Use log_softmax.",
    zh="对已经变成0的softmax取对数：logits极端时得到无穷或NaN。请用log_softmax。",
)
def takes_the_logarithm_of_a_softmax(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return -(p * F.softmax(student_logits / temperature, -1).log()).sum(-1).mean()


@SoftCrossEntropy.wrong(
    en="A small number inside the logarithm keeps it finite by capping the loss: a student that is sure and wrong "
    "gets no gradient any more. log_softmax needs no such help.",
    zh="在对数里加一个小常数虽然避免了无穷，却给损失封了顶：又确定又错误的学生再也得不到梯度。用log_softmax就不需要它。",
)
def adds_an_epsilon_in_the_logarithm(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return -(p * (F.softmax(student_logits / temperature, -1) + 1e-8).log()).sum(-1).mean()


@SoftCrossEntropy.wrong(
    en="The student is detached: the number is right, but no gradient reaches the student.",
    zh="被detach的是学生：数值没错，但梯度到不了学生。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def detaches_the_student(student_logits, teacher_logits, temperature=1.0):
    p = F.softmax(teacher_logits / temperature, -1)
    return F.cross_entropy(student_logits.detach() / temperature, p.detach())


EXERCISE = SoftCrossEntropy()
