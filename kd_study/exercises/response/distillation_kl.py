import torch
import torch.nn.functional as F
from torch.distributions import Categorical, kl_divergence

from kd_study.exercises.base import (
    check,
    expect,
    expect_close,
    gradient,
    normal,
    shown,
)
from kd_study.exercises.response._shared import SoftLossExercise


def whiteboard(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, dim=-1)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, dim=-1)
    return temperature**2 * F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)


class DistillationKL(SoftLossExercise):
    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[0.0, 0.0]]), torch.tensor([[2.0, 0.0]])),
            0.3278,
            "0.881 · log(0.881 / 0.5) + 0.119 · log(0.119 / 0.5) = 0.328",
            "0.881 · log(0.881 / 0.5) + 0.119 · log(0.119 / 0.5) = 0.328",
            tolerance=1e-3,
        )

    @check(en="Zero exactly when the two agree up to a shift", zh="当且仅当两者只差一个平移时为零")
    def is_zero_for_equal_logits(self, fn):
        logits = normal(3, 4)
        loss = fn(logits + torch.tensor([[5.0], [-3.0], [0.0]]), logits, 2.0)
        expect(
            abs(loss.item()) < 1e-5,
            f"a student equal to the teacher up to a shift of each row should cost 0, not {shown(loss)}",
            f"学生与教师逐行只差一个常数时损失应为0，而不是{shown(loss)}",
        )
        expect_close(
            gradient(lambda leaf: fn(leaf, logits, 2.0), logits),
            torch.zeros(3, 4),
            "a student equal to the teacher should get the gradient 0",
            "学生与教师相同时，梯度应为0",
        )
        expect(
            fn(-logits, logits, 2.0).item() > 1e-3,
            "a student that says the opposite of the teacher must cost something",
            "学生与教师完全相反时，损失必须大于0",
        )

    @check(en="The teacher weighs the sum: KL(teacher ‖ student)", zh="由教师加权：KL(教师 ‖ 学生)")
    def goes_from_teacher_to_student(self, fn):
        narrow, wide = torch.tensor([[8.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 0.0]])
        expect_close(
            fn(narrow, wide),
            4.2358,
            "a student sure of one class, where the teacher spreads evenly, misses much: 4.236",
            "教师均匀分布而学生只认一个类别，漏掉的很多，应为4.236",
            tolerance=1e-3,
        )

    @check(en="T² keeps the gradient's size", zh="T²保持梯度大小")
    def scales_by_the_square_of_the_temperature(self, fn):
        student, teacher = normal(3, 4, seed=5), normal(3, 4, seed=6, scale=4.0)
        for temperature in (0.5, 1.0, 5.0):
            q, p = (logits.div(temperature).softmax(-1) for logits in (student, teacher))
            expect_close(
                gradient(lambda leaf, t=temperature: fn(leaf, teacher, t), student),
                temperature * (q - p) / 3,
                f"at T = {temperature:g} the gradient should be T (q − p) / N: the factor T², or one of the two "
                "temperatures, is off",
                f"T = {temperature:g}时梯度应为T (q − p) / N：T²这个因子，或两处温度系数之一有误",
            )

    @check(en="One row, and one class", zh="只有一行，或只有一个类别")
    def copes_with_one_row_and_one_class(self, fn):
        expect_close(
            fn(normal(3, 1), normal(3, 1, seed=1)),
            0.0,
            "with one class there is nothing to tell apart",
            "只有一个类别时损失为0",
        )
        expect_close(
            fn(torch.tensor([[2.0, 0.0, 0.0]]), torch.zeros(1, 3)),
            0.4743,
            "with an even teacher this row costs (0.240 + 2.240 + 2.240) / 3 − log 3 = 0.474",
            "教师均匀分布时，这一行的损失是(0.240 + 2.240 + 2.240) / 3 − log 3 = 0.474",
            tolerance=1e-3,
        )


@DistillationKL.wrong(
    en="reduction='mean' averages over classes as well as rows: your loss is C times too small. "
    "'batchmean' is the mathematical KL.",
    zh="reduction='mean'连类别也平均了：你的损失小了C倍。'batchmean'才是数学上的KL。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_classes(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.kl_div(log_q, p, reduction="none").mean()


@DistillationKL.wrong(
    en="The rows are summed, not averaged: the loss, and with it the best learning rate, grows with the batch.",
    zh="对各行求和而没有平均：损失（以及合适的学习率）会随批大小变化。",
    reference="facebookresearch/deit#61",
)
def sums_over_rows(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.kl_div(log_q, p, reduction="sum")


@DistillationKL.wrong(
    en="T² is missing: the gradient shrinks with the square of the temperature.",
    zh="漏了T²：梯度会随温度系数的平方缩小。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return F.kl_div(log_q, p, reduction="batchmean")


@DistillationKL.wrong(
    en="The factor is T, not T²: each of the two softmaxes costs one power of T in the gradient.",
    zh="因子用了T而不是T²：两个softmax各让梯度少一个T的幂次。",
)
def multiplies_by_t_once(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature * F.kl_div(log_q, p, reduction="batchmean")


@DistillationKL.wrong(
    en="This is KL(student ‖ teacher), the reverse direction: it seeks one mode instead of covering the teacher.",
    zh="这是KL(学生 ‖ 教师)，方向反了：它只会抓住一个峰，而不是覆盖教师的分布。",
    reference="Gu et al. 2024 (MiniLLM), arXiv:2306.08543",
)
def swaps_the_direction(student_logits, teacher_logits, temperature=1.0):
    log_p = F.log_softmax(teacher_logits.detach() / temperature, -1)
    log_q = F.log_softmax(student_logits / temperature, -1)
    return temperature**2 * (log_q.exp() * (log_q - log_p)).sum(-1).mean()


@DistillationKL.wrong(
    en="kl_div got the student's probabilities; its first argument must be log-probabilities.",
    zh="传给kl_div的第一个参数是学生的概率；它需要的是对数概率。",
    reference="microsoft/ProDA#20",
)
def passes_probabilities_for_the_student(student_logits, teacher_logits, temperature=1.0):
    q = F.softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.kl_div(q, p, reduction="batchmean")


@DistillationKL.wrong(
    en="Both arguments are log-probabilities, but kl_div takes the second for probabilities unless log_target=True.",
    zh="两个参数都是对数概率，而kl_div默认第二个是概率；要么传概率，要么写log_target=True。",
    reference="nlp-with-transformers/notebooks#94",
)
def passes_log_probabilities_for_the_teacher(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.kl_div(log_q, log_p, reduction="batchmean")


@DistillationKL.wrong(
    en="Only the teacher is softened: the student at T = 1 is asked to be as vague as the teacher at T.",
    zh="只软化了教师：学生在T = 1下被要求和教师在T下一样模糊。",
)
def softens_the_teacher_only(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * F.kl_div(log_q, p, reduction="batchmean")


@DistillationKL.wrong(
    en="Only the student is softened: the targets are the teacher's at T = 1.",
    zh="只软化了学生：目标用的仍是教师在T = 1下的概率。",
)
def softens_the_student_only(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach(), -1)
    return temperature**2 * F.kl_div(log_q, p, reduction="batchmean")


@DistillationKL.wrong(
    en="This is the cross-entropy: it has KL's gradient, but is not 0 when the student equals the teacher.",
    zh="这是交叉熵：梯度与KL相同，但学生等于教师时它并不为0。",
    reference="airaria/TextBrewer#90",
)
def gives_the_cross_entropy(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return -(temperature**2) * (p * log_q).sum(-1).mean()


@DistillationKL.wrong(
    en="The same logits stand on both sides: the loss is 0 whatever the teacher says, and nothing is distilled.",
    zh="两边用的是同一组logits：无论教师说什么，损失恒为0，什么也没有蒸馏。",
    reference="labmlai/annotated_deep_learning_paper_implementations#66",
)
def compares_a_model_with_itself(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    return temperature**2 * F.kl_div(log_q, log_q.detach().exp(), reduction="batchmean")


@DistillationKL.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, -1)
    log_p = F.log_softmax(teacher_logits / temperature, -1)
    return temperature**2 * (log_p.exp() * (log_p - log_q)).sum(-1).mean()


@DistillationKL.wrong(
    en="The logarithm is taken of a softmax that has become 0: extreme logits give infinity or NaN. "
    "Use log_softmax.",
    zh="对已经变成0的softmax取对数：logits极端时得到无穷或NaN。请用log_softmax。",
)
def takes_the_logarithm_of_a_softmax(student_logits, teacher_logits, temperature=1.0):
    q = F.softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * (p * (p.log() - q.log())).sum(-1).mean()


@DistillationKL.wrong(
    en="torch.distributions gives infinity wherever one of the student's probabilities has become 0, as at extreme "
    "logits. The divergence is finite: take it from log_softmax.",
    zh="只要学生的某个概率变成了0（logits极端时就会这样），torch.distributions就给出无穷大。真正的散度是有限的：请用log_softmax计算。",
)
def asks_torch_distributions(student_logits, teacher_logits, temperature=1.0):
    q, p = (Categorical(logits=z / temperature) for z in (student_logits, teacher_logits.detach()))
    return temperature**2 * kl_divergence(p, q).mean()


@DistillationKL.wrong(
    en="A small number inside the logarithm keeps it finite by capping the loss: a student that is sure and wrong "
    "gets no gradient any more. log_softmax needs no such help.",
    zh="在对数里加一个小常数虽然避免了无穷，却给损失封了顶：又确定又错误的学生再也得不到梯度。用log_softmax就不需要它。",
)
def adds_an_epsilon_in_the_logarithm(student_logits, teacher_logits, temperature=1.0):
    q = F.softmax(student_logits / temperature, -1)
    p = F.softmax(teacher_logits.detach() / temperature, -1)
    return temperature**2 * (p * ((p + 1e-8).log() - (q + 1e-8).log())).sum(-1).mean()


@DistillationKL.wrong(
    en="The student is detached: the number is right, but no gradient reaches the student.",
    zh="被detach的是学生：数值没错，但梯度到不了学生。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def detaches_the_student(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits.detach() / temperature, -1)
    p = F.softmax(teacher_logits / temperature, -1)
    return temperature**2 * F.kl_div(log_q, p, reduction="batchmean")


EXERCISE = DistillationKL()
