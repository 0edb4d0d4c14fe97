import torch
import torch.nn.functional as F

from kd_study.exercises.base import check, expect_close, gradient, normal
from kd_study.exercises.loss import LossExercise


def whiteboard(student_logits, teacher_logits):
    d = student_logits - teacher_logits.detach()
    d = d - d.mean(-1, keepdim=True)  # a softmax doesn't see the shift
    return d.pow(2).mean() / 2


class LogitMSE(LossExercise):
    def example(self):
        return {"student_logits": normal(3, 4, seed=1), "teacher_logits": normal(3, 4, seed=2)}

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[4.0, 0.0, 2.0]]), torch.tensor([[1.0, 0.0, 2.0]])),
            1.0,
            "the difference [3, 0, 0] is centred to [2, −1, −1]; the squares sum to 6; 6 / (2 · 3) = 1",
            "差值[3, 0, 0]中心化后是[2, −1, −1]，平方和是6，6 / (2 · 3) = 1",
        )

    @check(en="The limit of distillation at high temperature", zh="高温蒸馏的极限")
    def is_what_distillation_tends_to(self, fn):
        student, teacher = normal(3, 5, seed=3).double(), normal(3, 5, seed=4).double()
        temperature = 1e4
        log_q, log_p = (logits.div(temperature).log_softmax(-1) for logits in (student, teacher))
        expect_close(
            fn(student, teacher),
            temperature**2 * (log_p.exp() * (log_p - log_q)).sum(-1).mean(),
            "the loss should agree with T² · KL(teacher ‖ student) at T = 10,000",
            "损失应与T = 10000时的T² · KL(教师 ‖ 学生)一致",
            tolerance=1e-2,
        )

    @check(en="A shift of a row costs nothing", zh="整行平移不产生损失")
    def does_not_see_a_shift(self, fn):
        logits, other = normal(3, 4, seed=5), normal(3, 4, seed=6)
        shift = torch.tensor([[5.0], [-3.0], [1.0]])
        expect_close(
            fn(logits + shift, logits),
            0.0,
            "a student equal to the teacher up to a shift of each row should cost 0: centre each row's difference",
            "学生与教师逐行只差一个常数时损失应为0：请对每一行的差值做中心化",
        )
        expect_close(
            gradient(lambda leaf: fn(leaf, logits), logits),
            torch.zeros(3, 4),
            "a student equal to the teacher should get the gradient 0",
            "学生与教师相同时，梯度应为0",
        )
        for moved in (fn(logits + shift, other), fn(logits, other - shift)):
            expect_close(
                moved,
                fn(logits, other),
                "shifting the rows of the student or of the teacher should change nothing",
                "平移学生或教师的各行都不应改变损失",
            )

    @check(en="Grows with the square of the difference", zh="随差值的平方增长")
    def is_quadratic_in_the_difference(self, fn):
        teacher, difference = normal(3, 4, seed=7), normal(3, 4, seed=8)
        one = fn(teacher + difference, teacher)
        for factor in (-1.0, 3.0, 100.0):
            expect_close(
                fn(teacher + factor * difference, teacher),
                factor**2 * one,
                f"{factor:g} times the difference should cost {factor**2:g} times as much",
                f"差值变为{factor:g}倍时，损失应变为{factor**2:g}倍",
            )

    @check(en="A mean over rows and over classes", zh="对行、对类别都取平均")
    def is_a_mean_over_rows_and_classes(self, fn):
        student, teacher = normal(3, 4, seed=9), normal(3, 4, seed=10)
        one = fn(student, teacher)
        expect_close(
            fn(student.repeat(2, 1), teacher.repeat(2, 1)),
            one,
            "the same batch twice over should cost the same",
            "同一批样本重复两遍，损失应当不变",
        )
        expect_close(
            fn(student.repeat(1, 2), teacher.repeat(1, 2)),
            one,
            "every class twice over should cost the same: the sum is divided by 2C",
            "每个类别都重复一遍，损失应当不变：求和要除以2C",
        )
        expect_close(
            torch.stack([fn(s[None], t[None]) for s, t in zip(student, teacher, strict=True)]).mean(),
            one,
            "the loss of a batch should be the mean of its rows' losses",
            "一批样本的损失应为各行损失的平均",
        )

    @check(en="The gradient is the centred difference", zh="梯度就是中心化的差值")
    def has_the_centred_difference_for_a_gradient(self, fn):
        student, teacher = normal(3, 4, seed=11), normal(3, 4, seed=12)
        difference = student - teacher
        expect_close(
            gradient(lambda leaf: fn(leaf, teacher), student),
            (difference - difference.mean(-1, keepdim=True)) / 12,
            "the gradient should be the centred difference over C · N = 12",
            "梯度应为中心化的差值除以C · N = 12",
        )

    @check(en="One class", zh="只有一个类别")
    def copes_with_one_class(self, fn):
        expect_close(
            fn(normal(3, 1), normal(3, 1, seed=1)),
            0.0,
            "with one class there is nothing but the shift, and the loss is 0",
            "只有一个类别时差值全是平移，损失为0",
        )

    def probes(self):
        return {
            "example": self.example(),
            "one row": {"student_logits": normal(1, 3, seed=13), "teacher_logits": normal(1, 3, seed=14)},
        }


def _centred(logits):
    return logits - logits.mean(-1, keepdim=True)


@LogitMSE.wrong(
    en="The difference is not centred: the student pays for the offset of a row, which no softmax sees.",
    zh="差值没有中心化：学生要为整行的偏移付出代价，而softmax根本看不见它。",
)
def leaves_the_shift_in(student_logits, teacher_logits):
    return F.mse_loss(student_logits, teacher_logits.detach()) / 2


@LogitMSE.wrong(
    en="This is the plain MSE of the logits: neither centred nor halved.",
    zh="这只是logits的普通MSE：既没有中心化，也没有除以2。",
)
def takes_the_plain_mse(student_logits, teacher_logits):
    return F.mse_loss(student_logits, teacher_logits.detach())


@LogitMSE.wrong(
    en="The factor 1/2 is missing: the KL of two nearly even distributions is half their scaled squared distance.",
    zh="漏了1/2：两个近似均匀的分布之间的KL，是缩放后平方距离的一半。",
)
def forgets_the_half(student_logits, teacher_logits):
    return F.mse_loss(_centred(student_logits), _centred(teacher_logits.detach()))


@LogitMSE.wrong(
    en="The sum over classes is not divided by C: an even distribution gives each class the weight 1/C.",
    zh="对类别求和之后没有除以C：均匀分布下每个类别的权重是1/C。",
)
def sums_over_classes(student_logits, teacher_logits):
    return _centred(student_logits - teacher_logits.detach()).square().sum(-1).mean() / 2


@LogitMSE.wrong(
    en="The rows are summed, not averaged: the loss, and with it the best learning rate, grows with the batch.",
    zh="对各行求和而没有平均：损失（以及合适的学习率）会随批大小变化。",
)
def sums_over_rows(student_logits, teacher_logits):
    return _centred(student_logits - teacher_logits.detach()).square().mean(-1).sum() / 2


@LogitMSE.wrong(
    en="The variance is the unbiased one, divided by C − 1; here the divisor is C. Pass `correction=0`.",
    zh="用的是无偏方差，除以C − 1；这里应除以C。请传入`correction=0`。",
)
def divides_by_one_class_less(student_logits, teacher_logits):
    return (student_logits - teacher_logits.detach()).var(-1).mean() / 2


@LogitMSE.wrong(
    en="The mean is taken over the batch (dim=0): each class is centred, but it is the row whose shift doesn't count.",
    zh="均值取在批维（dim=0）上：中心化的成了每个类别，而应该忽略的是每一行的平移。",
)
def centres_over_the_batch(student_logits, teacher_logits):
    difference = student_logits - teacher_logits.detach()
    return (difference - difference.mean(0)).square().mean() / 2


@LogitMSE.wrong(
    en="One mean for the whole batch is subtracted: every row has a shift of its own.",
    zh="减去的是整批的一个总均值：每一行的平移各不相同。",
)
def centres_the_batch_as_a_whole(student_logits, teacher_logits):
    difference = student_logits - teacher_logits.detach()
    return (difference - difference.mean()).square().mean() / 2


@LogitMSE.wrong(
    en="Only the student's logits are centred: the teacher's own offset is left in the difference.",
    zh="只对学生的logits做了中心化：教师自身的偏移还留在差值里。",
)
def centres_the_student_only(student_logits, teacher_logits):
    return F.mse_loss(_centred(student_logits), teacher_logits.detach()) / 2


@LogitMSE.wrong(
    en="Log-probabilities are compared: log_softmax takes away logsumexp, not the mean, so sure classes weigh in.",
    zh="比较的是对数概率：log_softmax减去的是logsumexp而不是均值，结果会偏向确定的类别。",
)
def compares_log_probabilities(student_logits, teacher_logits):
    return F.mse_loss(student_logits.log_softmax(-1), teacher_logits.detach().log_softmax(-1)) / 2


@LogitMSE.wrong(
    en="Probabilities are compared. Their squared difference has no gradient where the student is sure and wrong.",
    zh="比较的是概率。学生又确定又错误时，概率的平方差几乎没有梯度。",
)
def compares_probabilities(student_logits, teacher_logits):
    return F.mse_loss(student_logits.softmax(-1), teacher_logits.detach().softmax(-1)) / 2


@LogitMSE.wrong(
    en="Each row is divided by its standard deviation as well. That forgives the scale of the logits, too, which the "
    "limit of the KL does not.",
    zh="每一行还除以了标准差。这样连logits的尺度也不计较了，而KL的极限是计较尺度的。",
    reference="Sun et al. 2024, arXiv:2403.01427",
)
def standardises_the_rows(student_logits, teacher_logits):
    s, t = (_centred(logits) for logits in (student_logits, teacher_logits.detach()))
    return F.mse_loss(s / (s.std(-1, keepdim=True) + 1e-7), t / (t.std(-1, keepdim=True) + 1e-7)) / 2


@LogitMSE.wrong(
    en="The differences are taken absolutely, not squared.",
    zh="取了差值的绝对值，而不是平方。",
)
def takes_absolute_differences(student_logits, teacher_logits):
    return _centred(student_logits - teacher_logits.detach()).abs().mean() / 2


@LogitMSE.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits):
    return _centred(student_logits - teacher_logits).square().mean() / 2


@LogitMSE.wrong(
    en="The student is detached: the number is right, but no gradient reaches the student.",
    zh="被detach的是学生：数值没错，但梯度到不了学生。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def detaches_the_student(student_logits, teacher_logits):
    return _centred(student_logits.detach() - teacher_logits.detach()).square().mean() / 2


EXERCISE = LogitMSE()
