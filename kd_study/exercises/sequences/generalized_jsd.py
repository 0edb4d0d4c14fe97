import math

import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Text,
    check,
    expect,
    expect_close,
    gradient,
    normal,
    outcome,
    shown,
    without,
)
from kd_study.exercises.sequences._jsd import (
    each_jsd,
    kept_logs,
    kl_of_logs,
    log_mixture,
    mean_or_zero,
    require_between,
)
from kd_study.exercises.sequences._masked import MaskedLoss


def whiteboard(student_logits, teacher_logits, beta=0.5, mask=None):
    if not 0 < beta < 1:
        raise ValueError(f"beta lies between 0 and 1, got {beta}")
    if mask is not None:
        student_logits, teacher_logits = student_logits[mask.bool()], teacher_logits[mask.bool()]
    log_q = F.log_softmax(student_logits, dim=-1)
    log_p = F.log_softmax(teacher_logits.detach(), dim=-1)
    log_m = torch.logaddexp(log_p + math.log(beta), log_q + math.log(1 - beta))
    each = beta * (log_p.exp() * (log_p - log_m)) + (1 - beta) * (log_q.exp() * (log_q - log_m))
    return each.sum() / max(each[..., 0].numel(), 1)


class GeneralizedJSD(MaskedLoss):
    against_overflow = Text(
        "stay in the log domain: log m is a logaddexp, and 0 · log 0 is 0",
        "请始终在对数域计算：log m用logaddexp求，而0 · log 0等于0",
    )

    def example(self):
        return {
            "student_logits": normal(2, 4, 3, seed=1),
            "teacher_logits": normal(2, 4, 3, seed=2),
            "beta": 0.3,
            "mask": torch.tensor([[True, True, True, False], [False, True, False, False]]),
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        for beta, expected in ((0.25, 0.063716), (0.75, 0.072444), (0.5, 0.089541)):
            expect_close(
                fn(torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[2.0, 0.0]]]), beta),
                expected,
                f"at beta = {beta} teacher (0.881, 0.119) and student (0.5, 0.5) should cost {expected:.4f}; beta weighs the teacher, both in the mixture and before its KL",
                f"beta = {beta}时，教师(0.881, 0.119)、学生(0.5, 0.5)的损失应为{expected:.4f}；beta是教师的权重，混合时如此，乘在KL前面时也如此",
                tolerance=2e-3,
            )

    @check(
        en="Turning the models round and beta to 1 − beta changes nothing",
        zh="交换两个模型、beta换成1 − beta，结果不变",
    )
    def is_symmetric(self, fn):
        student, teacher = normal(2, 3, 4, seed=3), normal(2, 3, 4, seed=4)
        for beta in (0.2, 0.5):
            expect_close(
                fn(student, teacher, beta),
                fn(teacher, student, 1 - beta),
                f"the loss at beta = {beta} should be the one with the models exchanged at {1 - beta:g}",
                f"beta = {beta}时的损失，应等于交换两个模型、beta取{1 - beta:g}时的损失",
            )

    @check(en="At most the entropy of beta", zh="不超过beta的熵")
    def is_bounded(self, fn):
        half = torch.full((1, 1, 10_000), 50.0)
        student, teacher = torch.cat([half, -half], -1), torch.cat([-half, half], -1)
        for beta in (0.1, 0.5, 0.8):
            bound = -beta * math.log(beta) - (1 - beta) * math.log(1 - beta)
            expect_close(
                fn(student, teacher, beta),
                bound,
                f"at beta = {beta} two models that spread over 10,000 classes each, none in common, should cost −beta log beta − (1 − beta) log(1 − beta) = {bound:.3f}; m mixes probabilities, not logits or logarithms, and a small number inside a logarithm isn't small beside 1/10,000",
                f"beta = {beta}时，两个模型各自平摊到10000个类别、毫无交集，损失应为−beta log beta − (1 − beta) log(1 − beta) = {bound:.3f}；m混合的是概率，不是logits或对数；对数里加的小常数与1/10000相比并不小",
                tolerance=1e-3,
            )
        logits = normal(2, 3, 4)
        expect_close(
            fn(logits + 3.0, logits, 0.3),
            0.0,
            "a student equal to its teacher up to a shift should cost 0",
            "学生与教师只差一个常数时损失应为0",
        )

    @check(en="Near its ends a scaled KL", zh="靠近两端时是缩小的KL")
    def is_a_scaled_kl_near_its_ends(self, fn):
        student, teacher = torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[2.0, 0.0]]])
        for beta, expected, limit in (
            (0.01, 0.0032491, "beta · KL(p ‖ q)"),
            (0.99, 0.0042694, "(1 − beta) · KL(q ‖ p)"),
        ):
            expect_close(
                fn(student, teacher, beta),
                expected,
                f"at beta = {beta} the loss should be {expected:.5f}, about {limit}; beta is taken as it is, neither clamped nor scaled away",
                f"beta = {beta}时损失应为{expected:.5f}，约等于{limit}；beta按原值使用，不截断，也不把比例除掉",
                tolerance=1e-2,
            )

    @check(en="Beta strictly between 0 and 1", zh="beta严格介于0与1之间")
    def refuses_a_beta_outside(self, fn):
        example = self.example()
        for beta in (0.0, 1.0, 0, 1, -0.2, 1.5):
            came = outcome(lambda given=beta: fn(**example | {"beta": given}))
            expect(
                came == "ValueError",
                f"beta = {beta} should raise ValueError, but gave {shown(came)}: at the ends the formula is 0, and any KL returned there would be a jump",
                f"beta = {beta}应抛出ValueError，实际得到{shown(came)}：在端点公式恒为0，若改为返回某个KL，损失就会跳变",
            )

    @check(en="The student's gradient", zh="学生的梯度")
    def has_the_students_gradient(self, fn):
        example = self.example()
        q, p = (example[name].softmax(-1) for name in ("student_logits", "teacher_logits"))
        for beta in (0.1, 0.5, 0.8):
            gap = (q / (beta * p + (1 - beta) * q)).log()
            each = (1 - beta) * q * (gap - (q * gap).sum(-1, keepdim=True))
            arguments = example | {"beta": beta}
            expect_close(
                gradient(
                    lambda leaf, given=arguments: fn(**given | {"student_logits": leaf}),
                    example["student_logits"],
                ),
                each * example["mask"][..., None] / 4,
                f"at beta = {beta} with 4 kept tokens the gradient should be (1 − beta) q (log(q / m) − KL(q ‖ m)) / 4 at a kept token and 0 elsewhere; "
                "it flows through the weights q",
                f"beta = {beta}、计入4个token时，计入处的梯度应为(1 − beta) q (log(q / m) − KL(q ‖ m)) / 4，其余为0；梯度要经过权重q",
            )

    @check(en="Defaults: beta = 0.5, every token counts", zh="默认值：beta = 0.5，每个token都计入")
    def has_its_defaults(self, fn):
        example = self.example()
        expect_close(
            fn(**without(example, "beta")),
            fn(**example | {"beta": 0.5}),
            "without beta the loss should be the one at beta = 0.5",
            "不给beta时应等于beta = 0.5时的损失",
        )
        everything = torch.ones_like(example["mask"])
        expect_close(
            fn(**without(example, "mask")),
            fn(**example | {"mask": everything}),
            "without a mask the loss should be the one under a mask that is true everywhere",
            "不给掩码时，应等于掩码全为真时的损失",
        )
        expect_close(
            fn(*example.values()),
            fn(**example),
            "the arguments should come in the order student, teacher, beta, mask",
            "参数的次序应是学生、教师、beta、mask",
        )

    def probes(self):
        example = self.example()
        return {
            "beta = 0.3": example,
            "beta = 0.97": example | {"beta": 0.97},
            "defaults": without(example, "beta", "mask"),
        }

    def edges(self):
        example = self.example()
        ends = {f"beta = {beta}": example | {"beta": beta} for beta in (0.0, 1.0)}
        return super().edges() | ends


@GeneralizedJSD.wrong(
    en="The mixture's weights are swapped: m = beta · student + (1 − beta) · teacher. At beta = 0.5 nobody sees it.",
    zh="混合的权重写反了：m成了beta · 学生 + (1 − beta) · 教师。beta = 0.5时谁也看不出来。",
    reference="huggingface/trl PR#3043",
)
def swaps_the_mixture(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = log_mixture(log_p, log_q, beta)
    return mean_or_zero(beta * kl_of_logs(log_p, log_m) + (1 - beta) * kl_of_logs(log_q, log_m))


@GeneralizedJSD.wrong(
    en="The weights of the two divergences are swapped: beta belongs to the teacher's. So turned it runs from one KL to the other, but it is another loss than this one.",
    zh="两个散度的权重写反了：beta属于教师那一项。反过来写确实能从一个KL过渡到另一个，但那已经是另一个损失。",
    reference="modelscope/ms-swift PR#10213",
)
def swaps_the_weights(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = log_mixture(log_q, log_p, beta)
    return mean_or_zero((1 - beta) * kl_of_logs(log_p, log_m) + beta * kl_of_logs(log_q, log_m))


@GeneralizedJSD.wrong(
    en="Beta and 1 − beta have changed places throughout: beta is the teacher's share.",
    zh="beta与1 − beta处处对调了：beta是教师所占的份额。",
)
def takes_beta_for_the_students(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    return mean_or_zero(each_jsd(*kept_logs(student_logits, teacher_logits, mask), 1 - beta))


@GeneralizedJSD.wrong(
    en="The divergences go from the mixture to the models, KL(m ‖ ·): they blow up where one model has nothing, which the mixture was to prevent. F.kl_div(log_m, p) is KL(p ‖ m).",
    zh="散度的方向成了从混合到模型，即KL(m ‖ ·)：只要有一个模型概率为零就会爆掉，而引入混合正是为了避免这一点。F.kl_div(log_m, p)才是KL(p ‖ m)。",
)
def goes_from_the_mixture(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = log_mixture(log_q, log_p, beta)
    return mean_or_zero(beta * kl_of_logs(log_m, log_p) + (1 - beta) * kl_of_logs(log_m, log_q))


@GeneralizedJSD.wrong(
    en="The mixture is always half and half; beta is used before the divergences only.",
    zh="混合总是一半对一半；beta只用在了散度前面。",
)
def mixes_half_and_half(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = log_mixture(log_q, log_p, 0.5)
    return mean_or_zero(beta * kl_of_logs(log_p, log_m) + (1 - beta) * kl_of_logs(log_q, log_m))


@GeneralizedJSD.wrong(
    en="The divergences are halved whatever beta is; it is used in the mixture only.",
    zh="无论beta是多少，两个散度都各取一半；beta只用在了混合里。",
)
def weighs_both_alike(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = log_mixture(log_q, log_p, beta)
    return mean_or_zero(kl_of_logs(log_p, log_m) + kl_of_logs(log_q, log_m)) / 2


@GeneralizedJSD.wrong(
    en="Logarithms of probabilities are mixed instead of probabilities: a class that one model rules out is as good as ruled out in m.",
    zh="混合的是概率的对数，而不是概率：只要一个模型排除了某个类别，m里就几乎没有它了。",
    reference="huggingface/trl#2202",
)
def mixes_logarithms(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = beta * log_p + (1 - beta) * log_q
    return mean_or_zero(beta * kl_of_logs(log_p, log_m) + (1 - beta) * kl_of_logs(log_q, log_m))


@GeneralizedJSD.wrong(
    en="Logits are mixed and then put through a softmax: that is the geometric mean of the two models, not their mixture.",
    zh="先混合logits再做softmax：得到的是两个模型的几何平均，而不是混合分布。",
    reference="huggingface/trl#2202",
)
def mixes_logits(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = (beta * log_p + (1 - beta) * log_q).log_softmax(-1)
    return mean_or_zero(beta * kl_of_logs(log_p, log_m) + (1 - beta) * kl_of_logs(log_q, log_m))


@GeneralizedJSD.wrong(
    en="This interpolates the two KLs, (1 − beta) · KL(p ‖ q) + beta · KL(q ‖ p): there is no mixture, and no bound.",
    zh="这是两个KL之间的插值，(1 − beta) · KL(p ‖ q) + beta · KL(q ‖ p)：没有混合分布，也没有上界。",
)
def interpolates_the_kls(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    return mean_or_zero((1 - beta) * kl_of_logs(log_p, log_q) + beta * kl_of_logs(log_q, log_p))


@GeneralizedJSD.wrong(
    en="At beta = 0 and 1 a plain KL comes back. The formula tends to 0 there: the loss jumps, and beta isn't the dial from one KL to the other that this pretends.",
    zh="beta为0和1时返回了普通的KL。而公式在那里趋于0：损失会跳变，beta也并不是这里所暗示的、从一个KL拨到另一个KL的旋钮。",
    reference="modelscope/ms-swift#10078",
)
def returns_a_kl_at_the_ends(student_logits, teacher_logits, beta=0.5, mask=None):
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    if beta == 0:
        return mean_or_zero(kl_of_logs(log_p, log_q))
    if beta == 1:
        return mean_or_zero(kl_of_logs(log_q, log_p))
    return mean_or_zero(each_jsd(log_q, log_p, beta))


@GeneralizedJSD.wrong(
    en="A beta at or beyond its ends is clamped without a word: somebody who asks for beta = 1 trains on nothing. Raise ValueError.",
    zh="beta到了端点或越界时，被悄悄截断了：有人写beta = 1，结果什么也没学到。应当抛出ValueError。",
    reference="verl-project/verl-recipe#151",
)
def clamps_beta(student_logits, teacher_logits, beta=0.5, mask=None):
    return mean_or_zero(
        each_jsd(*kept_logs(student_logits, teacher_logits, mask), min(max(beta, 1e-6), 1 - 1e-6))
    )


@GeneralizedJSD.wrong(
    en="The weights q are detached: what is left of the gradient is not the loss's. Only the teacher and, since its gradient is 0, the mixture may be detached.",
    zh="权重q被detach了：剩下的已不是这个损失的梯度。可以detach的只有教师，以及梯度本来就为0的混合分布。",
)
def detaches_the_weights(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = log_mixture(log_q, log_p, beta)
    students = (log_q.detach().exp() * (log_q - log_m)).sum(-1)
    return mean_or_zero(beta * kl_of_logs(log_p, log_m) + (1 - beta) * students)


@GeneralizedJSD.wrong(
    en="The mask is taken and not used: padding counts like everything else.",
    zh="接收了掩码却没有用：填充与其他token一样计入。",
    reference="linkedin/Liger-Kernel PR#974",
)
def ignores_the_mask(student_logits, teacher_logits, beta=0.5, mask=None):
    return each_jsd(*kept_logs(student_logits, teacher_logits, None), beta).mean()


@GeneralizedJSD.wrong(
    en="Everything is averaged over classes as well as tokens: the loss is C times too small.",
    zh="除了token，连类别也平均了：损失小了C倍。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_classes(student_logits, teacher_logits, beta=0.5, mask=None):
    each = each_jsd(*kept_logs(student_logits, teacher_logits, mask), beta)
    return mean_or_zero(each) / student_logits.shape[-1]


@GeneralizedJSD.wrong(
    en="The sum is divided by the number of sentences, as 'batchmean' does with (N, L, C): the loss grows with the length.",
    zh="总和除以了句子数，正如'batchmean'对(N, L, C)所做的：损失随长度增长。",
    reference="huggingface/trl PR#4105",
)
def divides_by_sentences(student_logits, teacher_logits, beta=0.5, mask=None):
    return each_jsd(*kept_logs(student_logits, teacher_logits, mask), beta).sum() / len(student_logits)


@GeneralizedJSD.wrong(
    en="Multiplying by the mask isn't leaving out: NaN · 0 is NaN. Select the kept tokens before computing.",
    zh="乘以掩码并不等于排除：NaN · 0仍是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def multiplies_by_the_mask(student_logits, teacher_logits, beta=0.5, mask=None):
    each = each_jsd(student_logits.log_softmax(-1), teacher_logits.detach().log_softmax(-1), beta)
    mask = torch.ones_like(each) if mask is None else mask.to(each.dtype)
    return (each * mask).sum() / mask.sum().clamp(min=1)


@GeneralizedJSD.wrong(
    en="A mean over no token at all is 0 / 0: a batch of padding makes the loss NaN, and the student with it.",
    zh="一个token都没有时取平均是0 / 0：全是填充的一批会让损失变成NaN，学生也跟着毁掉。",
)
def takes_the_mean_of_nothing(student_logits, teacher_logits, beta=0.5, mask=None):
    return each_jsd(*kept_logs(student_logits, teacher_logits, mask), beta).mean()


@GeneralizedJSD.wrong(
    en="The logarithm is taken of a mixture that can be 0 in float32: sure models give NaN. Stay in the log domain with logaddexp.",
    zh="对float32里可能变成0的混合分布取了对数：模型很有把握时得到NaN。请用logaddexp留在对数域。",
)
def takes_the_logarithm_of_the_mixture(student_logits, teacher_logits, beta=0.5, mask=None):
    require_between(beta)
    log_q, log_p = kept_logs(student_logits, teacher_logits, mask)
    log_m = (beta * log_p.exp() + (1 - beta) * log_q.exp()).log()
    return mean_or_zero(beta * kl_of_logs(log_p, log_m) + (1 - beta) * kl_of_logs(log_q, log_m))


@GeneralizedJSD.wrong(
    en="The teacher is not detached: a gradient flows into its logits.",
    zh="教师没有detach：梯度会流入它的logits。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, beta=0.5, mask=None):
    kept = torch.ones(student_logits.shape[:2]).bool() if mask is None else mask.bool()
    return mean_or_zero(
        each_jsd(F.log_softmax(student_logits[kept], -1), F.log_softmax(teacher_logits[kept], -1), beta)
    )


@GeneralizedJSD.wrong(
    en="where() mends the value and not the gradient: backward goes through the padding's branch as well, and 0 times its NaN slope is NaN. Select the kept tokens before computing.",
    zh="where()修好了数值，却修不好梯度：反向传播同样会经过填充那一支，0乘以它的NaN斜率还是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def chooses_after_computing(student_logits, teacher_logits, beta=0.5, mask=None):
    each = each_jsd(student_logits.log_softmax(-1), teacher_logits.detach().log_softmax(-1), beta)
    kept = torch.ones_like(each).bool() if mask is None else mask.bool()
    return torch.where(kept, each, 0.0).sum() / kept.sum().clamp(min=1)


EXERCISE = GeneralizedJSD()
