import torch
import torch.nn.functional as F
from torch import Tensor

from kd_study.exercises.base import check, expect_close, gradient, normal, without
from kd_study.exercises.sequences._masked import MaskedLoss
from kd_study.exercises.sequences._shared import kl_of_tokens


def whiteboard(student_logits, teacher_logits, mask=None):
    if mask is not None:
        student_logits, teacher_logits = student_logits[mask.bool()], teacher_logits[mask.bool()]
    log_q = F.log_softmax(student_logits, dim=-1)
    log_p = F.log_softmax(teacher_logits.detach(), dim=-1)
    each = (log_q.exp() * (log_q - log_p)).sum(-1)
    return each.sum() / max(each.numel(), 1)


class ReverseKL(MaskedLoss):
    def example(self):
        return {
            "student_logits": normal(2, 4, 3, seed=1),
            "teacher_logits": normal(2, 4, 3, seed=2),
            "mask": torch.tensor([[True, True, True, False], [False, True, False, False]]),
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[[0.0, 0.0]]]), torch.tensor([[[2.0, 0.0]]])),
            0.43378,
            "0.5 · log(0.5 / 0.881) + 0.5 · log(0.5 / 0.119) = 0.434; the student comes first in the call and weighs the sum",
            "0.5 · log(0.5 / 0.881) + 0.5 · log(0.5 / 0.119) = 0.434；调用时学生在前，加权的也是学生",
            tolerance=1e-3,
        )

    @check(en="It seeks a mode", zh="寻找众数")
    def seeks_a_mode(self, fn):
        two_modes = torch.tensor([[[12.0, 12.0, 0.0, 0.0]]])
        expect_close(
            fn(torch.tensor([[[12.0, 0.0, 0.0, 0.0]]]), two_modes),
            0.69311,
            "a student that keeps to one of its teacher's two modes should pay log 2 = 0.693, not more",
            "学生只守住教师两个众数中的一个，代价应为log 2 = 0.693，而不是更多",
            tolerance=1e-3,
        )
        expect_close(
            fn(torch.zeros(1, 1, 4), two_modes),
            5.30684,
            "a student that spreads over four classes puts half where its teacher has nothing, and should pay 5.307",
            "学生平摊到四个类别，有一半落在教师不给概率的地方，代价应为5.307",
            tolerance=1e-3,
        )

    @check(en="Zero for equal logits up to a shift", zh="logits只差一个平移时为零")
    def is_zero_for_equal_logits(self, fn):
        logits = normal(2, 3, 4)
        expect_close(
            fn(logits + torch.tensor([[[5.0]], [[-3.0]]]), logits),
            0.0,
            "a student equal to its teacher up to a shift should cost 0",
            "学生与教师只差一个常数时损失应为0",
        )

    @check(en="The whole gradient", zh="完整的梯度")
    def has_the_whole_gradient(self, fn):
        example = self.example()
        log_q, log_p = (example[name].log_softmax(-1) for name in ("student_logits", "teacher_logits"))
        gap = log_q - log_p
        each = log_q.exp() * (gap - (log_q.exp() * gap).sum(-1, keepdim=True))
        expect_close(
            gradient(lambda leaf: fn(**example | {"student_logits": leaf}), example["student_logits"]),
            each * example["mask"][..., None] / 4,
            "with 4 kept tokens the gradient should be q (log q − log p − KL) / 4 at a kept token and 0 elsewhere; if the loss is right "
            "and this isn't, the weights q may have been detached",
            "计入4个token时，计入处的梯度应为q (log q − log p − KL) / 4，其余为0；如果损失值对而梯度不对，可能是权重q被detach了",
        )

    @check(en="Sure and wrong costs in proportion", zh="又确定又错误，代价按比例增长")
    def charges_a_sure_mistake_in_full(self, fn):
        for gap in (30.0, 200.0):
            expect_close(
                fn(torch.tensor([[[gap, 0.0]]]), torch.tensor([[[0.0, gap]]])),
                gap,
                f"a student sure of what its teacher is sure to be wrong pays the gap of the logits, {gap:g}; a small number added inside the logarithm, or a clamp, hides it",
                f"学生确信的恰是教师确信为错的，损失应等于logits之差{gap:g}；在对数里加小常数或做截断会把它掩盖掉",
            )

    @check(en="Without a mask every token counts", zh="不给掩码时，每个token都计入")
    def counts_every_token_without_a_mask(self, fn):
        example = self.example()
        everything = torch.ones_like(example["mask"])
        expect_close(
            fn(**without(example, "mask")),
            fn(**example | {"mask": everything}),
            "without a mask the loss should be the one under a mask that is true everywhere",
            "不给掩码时，应等于掩码全为真时的损失",
        )
        student, teacher = example["student_logits"], example["teacher_logits"]
        expect_close(
            fn(student, teacher, example["mask"]),
            fn(**example),
            "the third argument is the mask",
            "第三个参数是掩码",
        )

    def probes(self):
        example = self.example()
        return {"masked": example, "default": without(example, "mask")}


def _kept(student_logits, teacher_logits, mask):
    """The logits of the kept tokens; the teacher's detached."""
    mask = torch.ones(student_logits.shape[:2]) if mask is None else mask
    return student_logits[mask.bool()], teacher_logits.detach()[mask.bool()]


def _each(student_logits: Tensor, teacher_logits: Tensor) -> Tensor:
    """(…, C) → (…): KL(student ‖ teacher) of every token."""
    log_q, log_p = F.log_softmax(student_logits, -1), F.log_softmax(teacher_logits, -1)
    return (log_q.exp() * (log_q - log_p)).sum(-1)


def _mean(each: Tensor) -> Tensor:
    return each.sum() / max(each.numel(), 1)


@ReverseKL.wrong(
    en="This is KL(teacher ‖ student), the forward direction: the teacher weighs the sum, and the student covers every mode. With F.kl_div the student must be the target.",
    zh="这是KL(教师 ‖ 学生)，即正向：由教师加权，学生会去覆盖每个众数。用F.kl_div时，学生要放在target的位置。",
    reference="Gu et al. 2024 (MiniLLM), arXiv:2306.08543",
)
def goes_forward(student_logits, teacher_logits, mask=None):
    return _mean(kl_of_tokens(*_kept(student_logits, teacher_logits, mask)))


@ReverseKL.wrong(
    en="The weights q are detached: the number is right, but Σ q ∇log q is 0, so that the student learns nothing at all. The gradient goes through the weights as well.",
    zh="权重q被detach了：数值没错，但Σ q ∇log q等于0，学生什么也学不到。梯度也要经过权重。",
)
def detaches_the_weights(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    log_q, log_p = F.log_softmax(student, -1), F.log_softmax(teacher, -1)
    return _mean((log_q.detach().exp() * (log_q - log_p)).sum(-1))


@ReverseKL.wrong(
    en="Only −Σ q log p is left: without the student's own entropy the best student puts everything on one class.",
    zh="只剩下−Σ q log p：少了学生自己的熵，最优的学生会把概率全押在一个类别上。",
)
def forgets_the_students_entropy(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    return _mean(-(F.softmax(student, -1) * F.log_softmax(teacher, -1)).sum(-1))


@ReverseKL.wrong(
    en="This is the mean of both directions (Jeffreys): half of it still covers every mode.",
    zh="这是两个方向的平均（Jeffreys散度）：其中一半仍在覆盖所有众数。",
)
def averages_both_directions(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    return _mean(_each(student, teacher) + kl_of_tokens(student, teacher)) / 2


@ReverseKL.wrong(
    en="kl_div got the teacher's probabilities; its first argument must be log-probabilities.",
    zh="传给kl_div的第一个参数是教师的概率；它需要的是对数概率。",
    reference="microsoft/ProDA#20",
)
def passes_probabilities_for_the_teacher(student_logits, teacher_logits, mask=None):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    total = F.kl_div(teacher.softmax(-1), student.softmax(-1), reduction="sum")
    return total / max(len(student), 1)


@ReverseKL.wrong(
    en="The mask is taken and not used: padding counts like everything else.",
    zh="接收了掩码却没有用：填充与其他token一样计入。",
    reference="linkedin/Liger-Kernel PR#974",
)
def ignores_the_mask(student_logits, teacher_logits, mask=None):
    return _each(student_logits, teacher_logits.detach()).mean()


@ReverseKL.wrong(
    en="The mask is turned round: the padding is learned, and the tokens are left out. True means that a token counts.",
    zh="掩码用反了：学的是填充，丢掉的是token。为真表示计入。",
)
def turns_the_mask_round(student_logits, teacher_logits, mask=None):
    turned = None if mask is None else ~mask.bool()
    return _mean(_each(*_kept(student_logits, teacher_logits, turned)))


@ReverseKL.wrong(
    en="The sum over kept tokens is divided by all N · L places: the more padding, the smaller the loss.",
    zh="计入的token求和之后除以了全部N · L个位置：填充越多，损失越小。",
)
def divides_by_all_places(student_logits, teacher_logits, mask=None):
    each = _each(*_kept(student_logits, teacher_logits, mask))
    return each.sum() / student_logits[..., 0].numel()


@ReverseKL.wrong(
    en="The sum is divided by the number of sentences, as 'batchmean' does: the loss grows with the length.",
    zh="总和除以了句子数，正如'batchmean'所做的：损失随长度增长。",
    reference="neuralmagic/sparseml PR#592",
)
def divides_by_sentences(student_logits, teacher_logits, mask=None):
    return _each(*_kept(student_logits, teacher_logits, mask)).sum() / len(student_logits)


@ReverseKL.wrong(
    en="The mean is divided by the number of kept tokens once more.",
    zh="平均之后又除了一次计入的token数。",
    reference="modelscope/easydistill PR#16",
)
def divides_twice(student_logits, teacher_logits, mask=None):
    each = _each(*_kept(student_logits, teacher_logits, mask))
    return _mean(each) / max(len(each), 1)


@ReverseKL.wrong(
    en="This is the mean of the sentences' means: a token in a short sentence weighs more. One mean over all kept tokens is asked for.",
    zh="这是先逐句平均再取平均：短句里的token更重。要的是对所有计入的token一次性取平均。",
    reference="modelscope/ms-swift#10076",
)
def is_a_mean_of_means(student_logits, teacher_logits, mask=None):
    mask = torch.ones(student_logits.shape[:2]) if mask is None else mask
    rows = zip(student_logits, teacher_logits.detach(), mask.bool(), strict=True)
    return torch.stack([_mean(_each(student[kept], teacher[kept])) for student, teacher, kept in rows]).mean()


@ReverseKL.wrong(
    en="Classes are averaged as well as tokens: the loss is C times too small.",
    zh="除了token，连类别也平均了：损失小了C倍。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_classes(student_logits, teacher_logits, mask=None):
    return _mean(_each(*_kept(student_logits, teacher_logits, mask))) / student_logits.shape[-1]


@ReverseKL.wrong(
    en="Multiplying by the mask isn't leaving out: NaN · 0 is NaN. Select the kept tokens before computing.",
    zh="乘以掩码并不等于排除：NaN · 0仍是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def multiplies_by_the_mask(student_logits, teacher_logits, mask=None):
    each = _each(student_logits, teacher_logits.detach())
    mask = torch.ones_like(each) if mask is None else mask.to(each.dtype)
    return (each * mask).sum() / mask.sum().clamp(min=1)


@ReverseKL.wrong(
    en="where() mends the value and not the gradient: 0 times the NaN slope of the padding's branch is NaN. Select the kept tokens before computing.",
    zh="where()修好了数值，却修不好梯度：0乘以填充那一支的NaN斜率还是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def chooses_after_computing(student_logits, teacher_logits, mask=None):
    each = _each(student_logits, teacher_logits.detach())
    mask = torch.ones_like(each) if mask is None else mask
    return torch.where(mask.bool(), each, 0.0).sum() / mask.bool().sum().clamp(min=1)


@ReverseKL.wrong(
    en="A mean over no token at all is 0 / 0: a batch of padding makes the loss NaN, and the student with it.",
    zh="一个token都没有时取平均是0 / 0：全是填充的一批会让损失变成NaN，学生也跟着毁掉。",
)
def takes_the_mean_of_nothing(student_logits, teacher_logits, mask=None):
    return _each(*_kept(student_logits, teacher_logits, mask)).mean()


@ReverseKL.wrong(
    en="For a batch of padding a bare 0 comes back: it has no graph, and backward raises. Let the sum of nothing give the 0.",
    zh="全是填充时返回了一个光秃秃的0：没有计算图，backward会报错。让“空的求和”自己得出0即可。",
    reference="torchtune, kd_losses.py",
)
def returns_a_zero_without_a_graph(student_logits, teacher_logits, mask=None):
    if mask is not None and not mask.any():
        return torch.zeros((), dtype=student_logits.dtype)
    return _each(*_kept(student_logits, teacher_logits, mask)).mean()


@ReverseKL.wrong(
    en="The mask is used as an index as it comes. Of integers, 0 and 1 are taken for row numbers. Call mask.bool() first.",
    zh="直接拿掩码当下标。如果它是整数，0和1会被当成行号。请先调用mask.bool()。",
)
def indexes_with_the_mask_as_it_comes(student_logits, teacher_logits, mask=None):
    mask = torch.ones(student_logits.shape[:2], dtype=torch.bool) if mask is None else mask
    return _mean(_each(student_logits[mask], teacher_logits.detach()[mask]))


@ReverseKL.wrong(
    en="A small number inside the logarithm caps the loss: a student that is sure and wrong pays no more for being wronger. log_softmax needs no such help.",
    zh="在对数里加小常数给损失封了顶：又确定又错误的学生，错得再离谱也不再多付代价。用log_softmax就不需要它。",
    reference="modelscope/easydistill PR#16",
)
def adds_an_epsilon_in_the_logarithm(student_logits, teacher_logits, mask=None):
    q, p = (logits.softmax(-1) for logits in _kept(student_logits, teacher_logits, mask))
    return _mean((q * ((q + 1e-8).log() - (p + 1e-8).log())).sum(-1))


@ReverseKL.wrong(
    en="The logarithm is taken of a softmax that has become 0: extreme logits give infinity or NaN. Use log_softmax.",
    zh="对已经变成0的softmax取对数：logits极端时得到无穷或NaN。请用log_softmax。",
)
def takes_the_logarithm_of_a_softmax(student_logits, teacher_logits, mask=None):
    q, p = (logits.softmax(-1) for logits in _kept(student_logits, teacher_logits, mask))
    return _mean((q * (q.log() - p.log())).sum(-1))


@ReverseKL.wrong(
    en="The teacher is not detached: a gradient flows into its logits, and a teacher that can move will meet the student.",
    zh="教师没有detach：梯度会流入它的logits，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, mask=None):
    mask = torch.ones(student_logits.shape[:2]) if mask is None else mask
    return _mean(_each(student_logits[mask.bool()], teacher_logits[mask.bool()]))


EXERCISE = ReverseKL()
