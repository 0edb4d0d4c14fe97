import torch
import torch.nn.functional as F

from kd_study.exercises.base import check, expect_close, gradient, normal, without
from kd_study.exercises.loss import LossExercise


def whiteboard(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    def split(logits):
        z = logits / temperature
        is_target = F.one_hot(targets, z.shape[1]).bool()
        rest = z[~is_target].view(len(z), -1)
        pair = torch.stack([z[is_target], rest.logsumexp(1)], dim=1)
        return F.log_softmax(pair, dim=1), F.log_softmax(rest, dim=1)

    def kl(log_q, log_p):
        return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)

    (pair_q, rest_q), (pair_p, rest_p) = split(student_logits), split(teacher_logits.detach())
    return temperature**2 * (alpha * kl(pair_q, pair_p) + beta * kl(rest_q, rest_p))


class DKDLoss(LossExercise):
    def example(self):
        return {
            "student_logits": normal(3, 4, seed=1),
            "teacher_logits": normal(3, 4, seed=2),
            "targets": torch.tensor([3, 0, 1]),
            "alpha": 1.5,
            "beta": 2.0,
            "temperature": 3.0,
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        student, teacher = torch.zeros(1, 3), torch.tensor([[0.2, 0.2, 0.6]]).log()
        for alpha, beta, expected, en, zh in (
            (1.0, 0.0, 0.0437, "0.2 · log(0.2 / 0.333) + 0.8 · log(0.8 / 0.667) = 0.0437, target against rest",
             "目标与其余：0.2 · log(0.2 / 0.333) + 0.8 · log(0.8 / 0.667) = 0.0437"),
            (0.0, 1.0, 0.1308, "0.25 · log(0.25 / 0.5) + 0.75 · log(0.75 / 0.5) = 0.1308, among the others",
             "其他类别之间：0.25 · log(0.25 / 0.5) + 0.75 · log(0.75 / 0.5) = 0.1308"),
            (1.0, 2.0, 0.3053, "0.0437 + 2 · 0.1308 = 0.305", "0.0437 + 2 · 0.1308 = 0.305"),
        ):  # fmt: skip
            expect_close(
                fn(student, teacher, torch.tensor([0]), alpha, beta, 1.0), expected, en, zh, tolerance=2e-3
            )

    @check(en="A copy of a certain teacher costs nothing", zh="与十分肯定的教师完全一致时，损失为零")
    def is_zero_for_a_copy_of_a_certain_teacher(self, fn):
        certain = torch.tensor([[1e4, 0.0, -1e4], [0.0, 1e4, -1e4]])
        expect_close(
            fn(certain, certain, torch.tensor([0, 0]), temperature=1.0),
            0.0,
            "a student that says the same as its teacher has nothing to learn, however certain the teacher is",
            "学生与教师说的完全一样，无论教师多么肯定，损失都应为0",
        )

    @check(en="With beta = 1 − p_t a row is the plain KL", zh="beta = 1 − p_t时，每一行就是普通KL")
    def is_distillation_where_beta_is_the_rest(self, fn):
        for student, teacher, target in zip(*self._rows(), strict=True):
            for temperature in (0.5, 1.0, 3.0):
                q, p = (logits.div(temperature).softmax(-1) for logits in (student, teacher))
                beta = 1 - p[0, target].item()
                arguments = {"alpha": 1.0, "beta": beta, "temperature": temperature}
                expect_close(
                    fn(student, teacher, target, **arguments),
                    temperature**2 * (p * (p / q).log()).sum(),
                    f"at T = {temperature:g} with beta = 1 − p_t = {beta:.3f} a row's loss should be T² · KL of the "
                    "whole row",
                    f"T = {temperature:g}、beta = 1 − p_t = {beta:.3f}时，这一行的损失应等于整行的T² · KL",
                )
                expect_close(
                    gradient(lambda leaf, a=arguments, t=teacher, y=target: fn(leaf, t, y, **a), student),
                    temperature * (q - p),
                    f"at T = {temperature:g} with beta = 1 − p_t the gradient of a row should be T (q − p)",
                    f"T = {temperature:g}、beta = 1 − p_t时，这一行的梯度应为T (q − p)",
                )

    @check(en="The second part doesn't see the target's logit", zh="第二部分看不到目标类别的logit")
    def shares_out_the_rest_without_the_target(self, fn):
        arguments = self.example() | {"alpha": 0.0, "temperature": 1.0}
        at_target = F.one_hot(arguments["targets"], 4)
        for name in ("student_logits", "teacher_logits"):
            expect_close(
                fn(**arguments | {name: arguments[name] + 2000.0 * at_target}),
                fn(**arguments),
                f"with alpha = 0 raising the target's logit in {name}, be it by 2000, should change nothing",
                f"alpha = 0时，提高{name}中目标类别的logit，哪怕提高2000，也不应改变损失",
                tolerance=1e-2,
            )

    @check(en="The first part sees only target and rest", zh="第一部分只看目标与其余")
    def weighs_the_target_against_the_rest(self, fn):
        arguments = self.example() | {"beta": 0.0}
        shuffled = arguments["student_logits"].clone()
        for row, target in zip(shuffled, arguments["targets"], strict=True):
            others = torch.arange(4) != target
            row[others] = row[others].flip(0)
        expect_close(
            fn(**arguments | {"student_logits": shuffled}),
            fn(**arguments),
            "with beta = 0 it should not matter which of the other classes has which probability",
            "beta = 0时，其他类别之间的概率如何互换都不应改变损失",
        )
        sure = torch.tensor([[1e4, -1e4]])
        expect_close(
            fn(sure, -sure, torch.tensor([0]), 1.0, 0.0, 1.0),
            2e4,
            "the KL of target and rest has two terms, and here the second, that of the rest, is the gap of the "
            "student's logits; a clamp, or a small number in the logarithm, hides it",
            "目标与其余的KL有两项，这里其余的一项等于学生logits之差；截断或在对数里加小常数会把它掩盖掉",
        )

    @check(en="With two classes nothing is left for beta", zh="只有两个类别时，beta不起作用")
    def has_no_second_part_for_two_classes(self, fn):
        student, teacher, targets = normal(3, 2, seed=5), normal(3, 2, seed=6), torch.tensor([0, 1, 1])
        expect_close(
            fn(student, teacher, targets, 0.0, 8.0, 2.0),
            0.0,
            "with two classes there is a single other class, and nothing to share out: the second part is 0",
            "只有两个类别时，其他类别只有一个，无从分配，第二部分为0",
        )

    @check(en="alpha and beta weigh their own parts", zh="alpha与beta各管各的部分")
    def is_linear_in_its_weights(self, fn):
        arguments = self.example()
        first = fn(**arguments | {"alpha": 1.0, "beta": 0.0})
        second = fn(**arguments | {"alpha": 0.0, "beta": 1.0})
        for alpha, beta in ((0.0, 0.0), (1.0, 1.0), (0.5, 10.0)):
            expect_close(
                fn(**arguments | {"alpha": alpha, "beta": beta}),
                alpha * first + beta * second,
                f"alpha = {alpha:g} and beta = {beta:g} should give {alpha:g} · first + {beta:g} · second part",
                f"alpha = {alpha:g}、beta = {beta:g}时，损失应为{alpha:g} · 第一部分 + {beta:g} · 第二部分",
            )

    @check(en="A mean over rows, not over classes", zh="对行取平均，而不是对类别")
    def is_a_mean_over_rows_only(self, fn):
        arguments = self.example()
        one = fn(**arguments)
        weights = {name: arguments[name] for name in ("alpha", "beta", "temperature")}
        rows = [
            fn(student, teacher, target, **weights)
            for student, teacher, target in zip(*self._rows(), strict=True)
        ]
        expect_close(
            one,
            torch.stack(rows).mean(),
            "the loss of a batch should be the mean of its rows' losses",
            "一批样本的损失应为各行损失的平均",
        )
        empty = torch.full((3, 4), -60.0)
        wider = {
            name: torch.cat([arguments[name], empty], 1) for name in ("student_logits", "teacher_logits")
        }
        expect_close(
            fn(**arguments | wider),
            one,
            "four more classes without any probability should change nothing; is something divided by the number of classes?",
            "增加四个概率为零的类别不应改变损失；是不是多除了类别数？",
        )

    @check(en="Defaults: alpha = 1, beta = 8, T = 4", zh="默认值：alpha = 1，beta = 8，T = 4")
    def has_the_defaults_of_the_contract(self, fn):
        given = self.example()
        tensors = without(given, "alpha", "beta", "temperature")
        for name, default in (("alpha", 1.0), ("beta", 8.0), ("temperature", 4.0)):
            expect_close(
                fn(**without(given, name)),
                fn(**given | {name: default}),
                f"{name} should be {default:g} where it is not given",
                f"不给{name}时应取{default:g}",
            )
        expect_close(
            fn(*tensors.values()),
            fn(*tensors.values(), 1.0, 8.0, 4.0),
            "the weights and the temperature come in the order alpha, beta, temperature",
            "参数的顺序应为alpha、beta、temperature",
        )

    def probes(self):
        example = self.example()
        return {
            "example": example,
            "defaults": without(example, "alpha", "beta", "temperature"),
            "T = 1": example | {"temperature": 1.0},
        }

    def _rows(self):
        example = self.example()
        return [example[name].split(1) for name in ("student_logits", "teacher_logits", "targets")]


def _parts(student_logits, teacher_logits, targets, temperature):
    """(log q, log p) of {target, rest}, and of the others among themselves."""
    pairs, rests = [], []
    for logits in (student_logits / temperature, teacher_logits / temperature):
        others = logits[F.one_hot(targets, logits.shape[1]) == 0].view(len(logits), -1)
        pair = torch.cat([logits.gather(1, targets[:, None]), others.logsumexp(1, keepdim=True)], 1)
        pairs.append(pair.log_softmax(1))
        rests.append(others.log_softmax(1))
    return pairs, rests


def _kl(log_q, log_p):
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def _probabilities(student_logits, teacher_logits, temperature):
    return (student_logits / temperature).softmax(-1), (teacher_logits.detach() / temperature).softmax(-1)


@DKDLoss.wrong(
    en="The weights are swapped: alpha belongs to target against rest, beta to the others among themselves.",
    zh="两个权重互换了：alpha属于“目标对其余”，beta属于其他类别之间。",
)
def swaps_the_weights(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, rests = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    return temperature**2 * (beta * _kl(*pairs) + alpha * _kl(*rests)).mean()


@DKDLoss.wrong(
    en="T² is missing: the gradient shrinks with the square of the temperature.",
    zh="漏了T²：梯度会随温度系数的平方缩小。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, rests = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    return (alpha * _kl(*pairs) + beta * _kl(*rests)).mean()


@DKDLoss.wrong(
    en="The other classes keep their probabilities of the whole row: divided by 1 − p_t they become a distribution of "
    "their own, which is what frees them of the teacher's confidence.",
    zh="其他类别用的仍是整行的概率：除以1 − p_t之后它们才自成一个分布，才能摆脱教师确定程度的影响。",
)
def forgets_to_normalise_the_rest(
    student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0
):
    pairs, _ = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    log_q, log_p = ((z / temperature).log_softmax(-1) for z in (student_logits, teacher_logits.detach()))
    terms = log_p.exp() * (log_p - log_q) * (F.one_hot(targets, log_p.shape[1]) == 0)
    return temperature**2 * (alpha * _kl(*pairs) + beta * terms.sum(-1)).mean()


@DKDLoss.wrong(
    en="The target's logit is multiplied by 0. A logit of 0 is a class like any other; to leave it out, drop it or set "
    "it to a very negative number.",
    zh="把目标的logit乘以0。logit为0仍是一个普通的类别；要排除它，应去掉这一列，或设成很小的负数。",
)
def sets_the_target_to_zero(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, _ = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    keep = F.one_hot(targets, student_logits.shape[1]) == 0
    log_q, log_p = (
        (keep * z / temperature).log_softmax(-1) for z in (student_logits, teacher_logits.detach())
    )
    return temperature**2 * (alpha * _kl(*pairs) + beta * _kl(log_q, log_p)).mean()


@DKDLoss.wrong(
    en="The first part has one term only, p_t log(p_t / q_t). The KL of [p_t, 1 − p_t] has a second, for the rest.",
    zh="第一部分只有p_t log(p_t / q_t)一项。[p_t, 1 − p_t]的KL还有“其余”的一项。",
)
def forgets_the_rest_of_the_pair(
    student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0
):
    (log_q, log_p), rests = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    first = _kl(log_q[:, :1], log_p[:, :1])
    return temperature**2 * (alpha * first + beta * _kl(*rests)).mean()


@DKDLoss.wrong(
    en="The second part is multiplied by 1 − p_t again: that is the coupling which DKD was made to remove.",
    zh="第二部分又乘上了1 − p_t：这正是DKD要解开的耦合。",
)
def couples_the_parts_again(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, rests = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    rest = pairs[1][:, 1].exp()
    return temperature**2 * (alpha * _kl(*pairs) + beta * rest * _kl(*rests)).mean()


@DKDLoss.wrong(
    en="The row is cut at the teacher's favourite class instead of the target.",
    zh="拆分时用的是教师的首选类别，而不是目标类别。",
)
def cuts_at_the_teachers_choice(
    student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0
):
    pairs, rests = _parts(student_logits, teacher_logits.detach(), teacher_logits.argmax(-1), temperature)
    return temperature**2 * (alpha * _kl(*pairs) + beta * _kl(*rests)).mean()


@DKDLoss.wrong(
    en="Both parts are averaged over their classes as well: the first is 2, the second C − 1 times too small.",
    zh="两部分都多除了各自的类别数：第一部分小了2倍，第二部分小了C − 1倍。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_classes(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, rests = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    means = [F.kl_div(log_q, log_p.exp(), reduction="none").mean() for log_q, log_p in (pairs, rests)]
    return temperature**2 * (alpha * means[0] + beta * means[1])


@DKDLoss.wrong(
    en="The rows are summed, not averaged: the loss, and with it the best learning rate, grows with the batch.",
    zh="对各行求和而没有平均：损失（以及合适的学习率）会随批大小变化。",
)
def sums_over_rows(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, rests = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    return temperature**2 * (alpha * _kl(*pairs) + beta * _kl(*rests)).sum()


@DKDLoss.wrong(
    en="Both divergences go from student to teacher; the teacher must weigh the sums.",
    zh="两个散度的方向都是从学生到教师；求和应由教师加权。",
)
def swaps_the_direction(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    (log_q, log_p), (log_q_rest, log_p_rest) = _parts(
        student_logits, teacher_logits.detach(), targets, temperature
    )
    return temperature**2 * (alpha * _kl(log_p, log_q) + beta * _kl(log_p_rest, log_q_rest)).mean()


@DKDLoss.wrong(
    en="The first part is read at T = 1. Both parts of the KL live at the same temperature.",
    zh="第一部分取了T = 1。KL的两部分应处在同一个温度系数下。",
)
def softens_the_rest_only(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, _ = _parts(student_logits, teacher_logits.detach(), targets, 1.0)
    _, rests = _parts(student_logits, teacher_logits.detach(), targets, temperature)
    return temperature**2 * (alpha * _kl(*pairs) + beta * _kl(*rests)).mean()


@DKDLoss.wrong(
    en="The teacher is not detached: its logits get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的logits会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0):
    pairs, rests = _parts(student_logits, teacher_logits, targets, temperature)
    return temperature**2 * (alpha * _kl(*pairs) + beta * _kl(*rests)).mean()


@DKDLoss.wrong(
    en="The published code: it takes logarithms of probabilities that may have become 0, and takes the target out by "
    "subtracting 1000, which a logit of 10,000 survives. Extreme logits give infinity or NaN: use logsumexp.",
    zh="这是公开发布的写法：对可能已变成0的概率取对数，又靠减去1000来排除目标，而logit为10000时这样排除不掉。"
    "logits极端时得到无穷大或NaN；请用logsumexp计算。",
    reference="megvii-research/mdistiller, mdistiller/distillers/DKD.py",
)
def takes_a_thousand_for_infinity(
    student_logits, teacher_logits, targets, alpha=1.0, beta=8.0, temperature=4.0
):
    target = F.one_hot(targets, student_logits.shape[1])
    q, p = _probabilities(student_logits, teacher_logits, temperature)
    pairs = [torch.stack([(x * target).sum(1), (x * (1 - target)).sum(1)], 1) for x in (q, p)]
    scaled = (z / temperature - 1000.0 * target for z in (student_logits, teacher_logits.detach()))
    first = F.kl_div(pairs[0].log(), pairs[1], reduction="none").sum(-1)
    return temperature**2 * (alpha * first + beta * _kl(*(z.log_softmax(-1) for z in scaled))).mean()


EXERCISE = DKDLoss()
