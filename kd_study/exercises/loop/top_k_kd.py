import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    check,
    check_default,
    expect,
    expect_close,
    gradient,
    normal,
    shown,
    without,
)
from kd_study.exercises.loss import LossExercise
from kd_study.exercises.sequences._shared import kl_of_tokens


def whiteboard(student_logits, top_values, top_indices, temperature=1.0):
    log_q, p = F.log_softmax(student_logits / temperature, dim=-1), top_values.detach()
    log_top = log_q.gather(-1, top_indices)
    if p.shape[-1] < log_q.shape[-1]:  # one more class for all the others
        log_rest = log_q.scatter(-1, top_indices, -torch.inf).logsumexp(-1, keepdim=True)
        log_top = torch.cat([log_top, log_rest], dim=-1)
        p = torch.cat([p, (1 - p.sum(-1, keepdim=True)).clamp(min=0)], dim=-1)
    return temperature**2 * F.kl_div(log_top, p, reduction="none").sum(-1).mean()


class TopKKD(LossExercise):
    teacher_arguments = ("top_values",)

    def example(self):
        top = (normal(3, 5, seed=2) / 2).softmax(-1).topk(2)
        return {
            "student_logits": normal(3, 5, seed=1),
            "top_values": top.values,
            "top_indices": top.indices,
            "temperature": 2.0,
        }

    def _extremes(self):
        """Only the student's logits are; probabilities of 0 and 1 are as extreme as the teacher's get."""
        example = self.example()
        sure = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
        return example | {
            "student_logits": example["student_logits"].sign() * self.extreme,
            "top_values": sure,
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.zeros(1, 3), torch.tensor([[0.8]]), torch.tensor([[2]])),
            0.45958,
            "0.8 · log(0.8 · 3) for the class and 0.2 · log(0.2 · 1.5) for the tail make 0.460",
            "该类别的0.8 · log(0.8 · 3)加上尾部的0.2 · log(0.2 · 1.5)，得0.460",
            tolerance=1e-3,
        )

    @check(en="k = C is distillation_kl", zh="k = C时等于distillation_kl")
    def is_the_whole_kl_where_all_classes_are_given(self, fn):
        student, teacher = normal(3, 4, seed=3), normal(3, 4, seed=4)
        for temperature in (1.0, 3.0):
            top = (teacher / temperature).softmax(-1).topk(4)
            expect_close(
                fn(student, top.values, top.indices, temperature),
                temperature**2 * kl_of_tokens(student, teacher, temperature).mean(),
                f"with all 4 classes given, at T = {temperature:g}, this should be the whole KL times T²",
                f"4个类别全部给出、T = {temperature:g}时，应等于完整的KL乘T²",
            )
            found = gradient(lambda leaf, t=temperature, top=top: fn(leaf, *top, t), student)
            expect_close(
                found,
                temperature * ((student / temperature).softmax(-1) - (teacher / temperature).softmax(-1)) / 3,
                "with all classes given the gradient should be T (q − p) / N; the empty tail must not spoil it",
                "类别全部给出时，梯度应为T (q − p) / N；空的尾部不能破坏它",
            )

    @check(en="The tail is one bucket", zh="尾部是一个桶")
    def takes_the_tail_as_one_bucket(self, fn):
        q = torch.tensor([[0.6, 0.1, 0.25, 0.05]])
        top_indices = torch.tensor([[0, 2]])
        for tail in ((0.1, 0.05), (0.01, 0.14)):
            student = torch.tensor([[0.6, tail[0], 0.25, tail[1]]]).log()
            expect_close(
                fn(student, q[:, [0, 2]], top_indices),
                0.0,
                f"a student with the teacher's top probabilities and a tail of 0.15 made of {tail} should cost 0: how the tail is shared out isn't known",
                f"学生在前k个上与教师一致，尾部0.15由{tail}组成，损失应为0：尾部内部如何分配并不知道",
                tolerance=1e-2,
            )
        expect_close(
            fn(torch.tensor([[0.8, 0.02, 0.15, 0.03]]).log(), q[:, [0, 2]], top_indices),
            0.11989,
            "a student that leaves 0.05 to the tail instead of 0.15 should pay for it: 0.6 · log(0.6 / 0.8) + 0.25 · log(0.25 / 0.15) + 0.15 · log(0.15 / 0.05) = 0.120",
            "学生只给尾部留了0.05而不是0.15，应为此付出代价：0.6 · log(0.6 / 0.8) + 0.25 · log(0.25 / 0.15) + 0.15 · log(0.15 / 0.05) = 0.120",
            tolerance=1e-3,
        )

    @check(en="The gradient, T² included", zh="梯度，含T²")
    def has_the_gradient_of_merged_classes(self, fn):
        example = self.example()
        sure = torch.full((3, 5), -9.0).scatter(-1, example["top_indices"], 9.0)  # leaves the tail 2e-8
        ordinary = example["student_logits"]
        for temperature, k, student in (
            (1.0, 2, ordinary),
            (2.0, 1, ordinary),
            (5.0, 2, ordinary),
            (1.0, 2, sure),
        ):
            values, indices = (example[name][:, :k] for name in ("top_values", "top_indices"))
            q = (student.double() / temperature).softmax(-1)
            rest = q.scatter(-1, indices, 0.0)
            share = rest / rest.sum(-1, keepdim=True)
            tail = 1 - values.double().sum(-1, keepdim=True)
            p = (share * tail).scatter(-1, indices, values.double())
            expect_close(
                gradient(
                    lambda leaf, top=(values, indices, temperature): fn(leaf, *top),
                    student,
                ),
                temperature * (q - p) / 3,
                f"at T = {temperature:g} and k = {k}, where the student leaves the tail as little as {rest.sum(-1).min():.2g}, the gradient "
                "should be T (q − p) / N, with the teacher's tail shared out as the student shares out its own; top_values are at the "
                "temperature already",
                f"T = {temperature:g}、k = {k}，学生给尾部最少只留了{rest.sum(-1).min():.2g}时，梯度应为T (q − p) / N，其中教师的尾部按学生自己的"
                "比例分配；top_values本来就是该温度系数下的概率",
            )

    @check(en="In any order of the k, a mean over rows", zh="k个的次序任意，对行取平均")
    def depends_on_no_order(self, fn):
        example = self.example()
        turned = {name: example[name].flip(-1) for name in ("top_values", "top_indices")}
        expect_close(
            fn(**example | turned),
            fn(**example),
            "the k pairs of value and class in another order should change nothing",
            "k对（概率，类别）换个次序，结果不应变化",
        )
        twice = {name: torch.cat([value, value]) for name, value in example.items() if name != "temperature"}
        expect_close(
            fn(**twice, temperature=2.0),
            fn(**example),
            "the same batch twice over should cost the same: it is a mean over rows",
            "同一批样本重复两遍，损失应当不变：它是对行的平均",
        )

    @check(en="A sure student, and rounded probabilities", zh="很有把握的学生，以及舍入过的概率")
    def survives_small_tails(self, fn):
        values = torch.tensor([[0.9, 0.1 + 1e-7], [0.9, 0.1]])
        indices = torch.tensor([[0, 1], [0, 1]])
        for name, student in (("sure", torch.tensor([[60.0, 55.0, 0.0, 0.0]])), ("even", torch.zeros(1, 4))):
            student = student.repeat(2, 1)
            found = gradient(lambda leaf: fn(leaf, values, indices), student)
            loss = fn(student, values, indices)
            expect(
                bool(found.isfinite().all()) and bool(loss.isfinite()),
                f"with a tail of about 0 and a student that is {name} about it, the loss is {shown(loss)} and its gradient "
                f"{shown(found)}; rounding can make 1 − Σ p negative: clamp it at 0, and let 0 · log 0 be 0",
                f"尾部约为0时，损失是{shown(loss)}，梯度是{shown(found)}；舍入会让1 − Σ p变成负数：请截断到0，并让0 · log 0等于0",
            )
        all_classes = fn(torch.zeros(1, 2), torch.tensor([[0.9, 0.1 - 1e-6]]), torch.tensor([[0, 1]]))
        expect(
            bool(all_classes.isfinite()),
            f"with all classes given and probabilities that sum to 0.999999 the loss is {shown(all_classes)}; there is no class "
            "left for a tail, however large 1 − Σ p",
            f"类别全部给出、概率之和为0.999999时，损失是{shown(all_classes)}；已经没有类别可归入尾部，无论1 − Σ p有多大",
        )
        loss = fn(torch.tensor([[60.0, 0.0, 0.0]]), torch.tensor([[0.8]]), torch.tensor([[0]]))
        expect(
            bool(loss.isfinite()) and loss.item() > 1,
            f"a student that leaves the tail nothing, where the teacher leaves it 0.2, should pay dearly, not {shown(loss)}",
            f"教师给尾部留了0.2，学生却什么也没留，代价应当很大，而不是{shown(loss)}",
        )

    has_temperature_one_by_default = check_default("temperature", 1.0)

    def probes(self):
        example = self.example()
        return {"k = 2": example, "default": without(example, "temperature")}

    def edges(self):
        example = self.example()
        p, order = (normal(3, 5, seed=2) / 2).softmax(-1).topk(5)
        rounded = torch.tensor([[0.9, 0.1 + 1e-7]]).repeat(3, 1)
        return {
            "k = C": example | {"top_values": p, "top_indices": order},
            "rounded": example | {"top_values": rounded},
        }


def _logs(student_logits, top_indices, temperature):
    """log q of the k classes, log q of the tail."""
    log_q = F.log_softmax(student_logits / temperature, -1)
    return log_q.gather(-1, top_indices), log_q.scatter(-1, top_indices, -torch.inf).logsumexp(-1)


def _kl(p, log_q):
    """The KL of every row, where 0 · log 0 is 0."""
    return (torch.xlogy(p, p) - torch.where(p > 0, p * log_q, 0)).sum(-1)


def _merged(student_logits, top_values, top_indices, temperature):
    """The k + 1 probabilities of the teacher and log-probabilities of the student."""
    log_top, log_tail = _logs(student_logits, top_indices, temperature)
    p = top_values.detach()
    if p.shape[-1] == student_logits.shape[-1]:
        return p, log_top
    tail = (1 - p.sum(-1, keepdim=True)).clamp(min=0)
    return torch.cat([p, tail], -1), torch.cat([log_top, log_tail[..., None]], -1)


@TopKKD.wrong(
    en="The tail is left out: the k probabilities are compared as they are. The sum can be negative, and it rewards putting more on the k than the teacher does.",
    zh="漏了尾部：只拿k个概率直接比较。这个和可能为负，会奖励学生在那k个上放得比教师还多。",
    reference="Anshumann et al. 2025, arXiv:2503.16870",
)
def leaves_the_tail_out(student_logits, top_values, top_indices, temperature=1.0):
    log_top, _ = _logs(student_logits, top_indices, temperature)
    return temperature**2 * _kl(top_values.detach(), log_top).mean()


@TopKKD.wrong(
    en="Both are made to sum to 1 over the k classes: the student isn't told how much it may put elsewhere.",
    zh="把双方都在k个类别上重新归一化：没有人告诉学生该给别处留多少。",
    reference="huggingface/trl#3055",
)
def renormalises_both(student_logits, top_values, top_indices, temperature=1.0):
    log_q = F.log_softmax(student_logits.gather(-1, top_indices) / temperature, -1)
    p = top_values.detach()
    return temperature**2 * _kl(p / p.sum(-1, keepdim=True), log_q).mean()


@TopKKD.wrong(
    en="The teacher is made to sum to 1 over the k classes: all the tail's probability is handed to the k, and the student is driven to be surer than the teacher.",
    zh="把教师在k个类别上重新归一化：尾部的概率全给了那k个，学生会被逼得比教师还有把握。",
    reference="Anshumann et al. 2025, arXiv:2503.16870",
)
def renormalises_the_teacher(student_logits, top_values, top_indices, temperature=1.0):
    log_top, _ = _logs(student_logits, top_indices, temperature)
    p = top_values.detach()
    return temperature**2 * _kl(p / p.sum(-1, keepdim=True), log_top).mean()


@TopKKD.wrong(
    en="The teacher's tail is spread evenly over the other classes. Nothing is known about them but their sum: compare the sums.",
    zh="把教师的尾部平均摊给了其余类别。关于它们只知道总和：应当比较总和。",
    reference="arcee-ai/DistillKit, SYMMETRIC_UNIFORM",
)
def spreads_the_tail_evenly(student_logits, top_values, top_indices, temperature=1.0):
    p, others = top_values.detach(), max(student_logits.shape[-1] - top_values.shape[-1], 1)
    tail = ((1 - p.sum(-1, keepdim=True)).clamp(min=0) / others).expand_as(student_logits)
    full = tail.scatter(-1, top_indices, p)
    return temperature**2 * _kl(full, F.log_softmax(student_logits / temperature, -1)).mean()


@TopKKD.wrong(
    en="top_values are taken for logits. They are probabilities: a second softmax makes them nearly even.",
    zh="把top_values当成了logits。它们已经是概率：再做一次softmax，就几乎变成均匀分布。",
)
def takes_the_values_for_logits(student_logits, top_values, top_indices, temperature=1.0):
    log_q = F.log_softmax(student_logits.gather(-1, top_indices) / temperature, -1)
    return temperature**2 * _kl((top_values.detach() / temperature).softmax(-1), log_q).mean()


@TopKKD.wrong(
    en="The temperature is applied to the teacher once more. top_values are at the temperature already.",
    zh="对教师又用了一次温度系数。top_values本来就是该温度系数下的概率。",
)
def softens_the_teacher_again(student_logits, top_values, top_indices, temperature=1.0):
    p, log_q = _merged(student_logits, top_values, top_indices, temperature)
    softer = p ** (1 / temperature)
    return temperature**2 * _kl(softer / softer.sum(-1, keepdim=True), log_q).mean()


@TopKKD.wrong(
    en="The student is read at T = 1, while top_values are at the temperature.",
    zh="学生是在T = 1下读的，而top_values是该温度系数下的概率。",
)
def forgets_the_students_temperature(student_logits, top_values, top_indices, temperature=1.0):
    return temperature**2 * _kl(*_merged(student_logits, top_values, top_indices, 1.0)).mean()


@TopKKD.wrong(
    en="T² is missing: the gradient shrinks with the square of the temperature.",
    zh="漏了T²：梯度会随温度系数的平方缩小。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, top_values, top_indices, temperature=1.0):
    return _kl(*_merged(student_logits, top_values, top_indices, temperature)).mean()


@TopKKD.wrong(
    en="The mean is taken over the k + 1 buckets as well as over rows: the loss is k + 1 times too small.",
    zh="除了行，连k + 1个桶也平均了：损失小了k + 1倍。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_buckets(student_logits, top_values, top_indices, temperature=1.0):
    p, log_q = _merged(student_logits, top_values, top_indices, temperature)
    return temperature**2 * _kl(p, log_q).mean() / p.shape[-1]


@TopKKD.wrong(
    en="top_indices are not used: the teacher's k largest are compared with the student's first k classes.",
    zh="没有用到top_indices：教师最大的k个，被拿去和学生的前k个类别比较。",
)
def ignores_the_indices(student_logits, top_values, top_indices, temperature=1.0):
    first = torch.arange(top_values.shape[-1], device=top_indices.device).expand_as(top_indices)
    return temperature**2 * _kl(*_merged(student_logits, top_values, first, temperature)).mean()


@TopKKD.wrong(
    en="The teacher's k largest are compared with the student's own k largest, whatever classes those are.",
    zh="教师最大的k个，被拿去和学生自己最大的k个比较，而不管它们是哪些类别。",
)
def compares_with_the_students_own_top(student_logits, top_values, top_indices, temperature=1.0):
    own = student_logits.topk(top_values.shape[-1]).indices
    return temperature**2 * _kl(*_merged(student_logits, top_values, own, temperature)).mean()


@TopKKD.wrong(
    en="The student's tail is 1 − Σ q: once the student is sure, that is 0 in float32, its logarithm −∞, and the gradient NaN. Use logsumexp over the others.",
    zh="学生的尾部用1 − Σ q计算：学生一旦很有把握，它在float32里就是0，对数是−∞，梯度成了NaN。请对其余类别做logsumexp。",
)
def subtracts_from_one(student_logits, top_values, top_indices, temperature=1.0):
    q = F.softmax(student_logits / temperature, -1).gather(-1, top_indices)
    p = top_values.detach()
    if p.shape[-1] < student_logits.shape[-1]:
        p, q = (torch.cat([x, 1 - x.sum(-1, keepdim=True)], -1) for x in (p, q))
    return temperature**2 * _kl(p.clamp(min=0), q.log()).mean()


@TopKKD.wrong(
    en="With k = C the tail is empty, and 0 · log(0 / 0) makes the loss NaN. Leave the bucket out there.",
    zh="k = C时尾部为空，0 · log(0 / 0)让损失变成NaN。这时应去掉这个桶。",
)
def keeps_an_empty_bucket(student_logits, top_values, top_indices, temperature=1.0):
    log_top, log_tail = _logs(student_logits, top_indices, temperature)
    p = top_values.detach()
    tail = (1 - p.sum(-1)).clamp(min=0)
    each = _kl(p, log_top) + torch.xlogy(tail, tail) - tail * log_tail
    return temperature**2 * each.mean()


@TopKKD.wrong(
    en="Rounding can make 1 − Σ p slightly negative, and its logarithm is NaN. Clamp it at 0.",
    zh="舍入会让1 − Σ p略小于0，对它取对数就是NaN。请截断到0。",
)
def trusts_the_rounding(student_logits, top_values, top_indices, temperature=1.0):
    p, log_q = _merged(student_logits, top_values, top_indices, temperature)
    if p.shape[-1] > top_values.shape[-1]:
        p = torch.cat([top_values.detach(), 1 - top_values.detach().sum(-1, keepdim=True)], -1)
    return temperature**2 * (torch.xlogy(p, p) - torch.where(p != 0, p * log_q, 0)).sum(-1).mean()


@TopKKD.wrong(
    en="The teacher is not detached: a gradient flows into top_values.",
    zh="教师没有detach：梯度会流入top_values。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, top_values, top_indices, temperature=1.0):
    p, log_q = _merged(student_logits, top_values, top_indices, temperature)
    attached = top_values * 0 + p[..., : top_values.shape[-1]] + (top_values - top_values.detach())
    p = torch.cat([attached, p[..., top_values.shape[-1] :]], -1)
    return temperature**2 * _kl(p, log_q).mean()


@TopKKD.wrong(
    en="The k probabilities are brought to a sum of 1 and a cross-entropy is taken with them: the tail is forgotten, and a student equal to its teacher still pays the teacher's entropy.",
    zh="把k个概率重新归一化后算交叉熵：尾部被忘掉了，与教师相同的学生也仍要付出教师的熵。",
)
def takes_a_cross_entropy_with_the_renormalised(student_logits, top_values, top_indices, temperature=1.0):
    p = top_values.detach() / top_values.detach().sum(-1, keepdim=True)
    log_top, _ = _logs(student_logits, top_indices, temperature)
    return -(temperature**2) * (p * log_top).sum(-1).mean()


EXERCISE = TopKKD()
