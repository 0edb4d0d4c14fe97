import torch
import torch.nn.functional as F

from kd_study.exercises.base import check, check_default, expect_close, gradient, normal, without
from kd_study.exercises.sequences._masked import MaskedLoss
from kd_study.exercises.sequences._shared import kl_of_tokens


def whiteboard(student_logits, teacher_logits, mask, temperature=1.0):
    kept = mask.bool()
    log_q = F.log_softmax(student_logits[kept] / temperature, dim=-1)
    log_p = F.log_softmax(teacher_logits[kept].detach() / temperature, dim=-1)
    total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
    return temperature**2 * total / max(len(log_q), 1)


class MaskedKD(MaskedLoss):
    def example(self):
        return {
            "student_logits": normal(2, 4, 3, seed=1),
            "teacher_logits": normal(2, 4, 3, seed=2),
            "mask": torch.tensor([[True, True, True, False], [False, True, False, False]]),
            "temperature": 2.0,
        }

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        student = torch.tensor([[[0.0, 0.0], [9.0, 9.0]]])
        teacher = torch.tensor([[[2.0, 0.0], [0.0, 7.0]]])
        expect_close(
            fn(student, teacher, torch.tensor([[True, False]])),
            0.3278,
            "the second token is padding: the loss should be the first one's, 0.328",
            "第二个token是填充：损失应只是第一个token的0.328",
            tolerance=1e-3,
        )

        zero, far = torch.zeros(2, 4, 2), torch.zeros(2, 4, 2)
        far[0, :, 0], far[1, :, 0] = 2.0, 4.0  # costs 0.3278 and 0.6040 a token
        mask = torch.tensor([[True, True, True, False], [True, False, False, False]])
        expect_close(
            fn(zero, far, mask),
            (3 * 0.32778 + 0.60307) / 4,
            "three tokens cost 0.328 each and one of the other sentence 0.603: the mean over the four is 0.397, not the "
            "mean of the sentences' means, nor the sum over 8 places or 2 sentences",
            "一句有三个token，各0.328；另一句有一个，0.603：四个的平均是0.397，而不是逐句平均再平均，也不是除以8个位置或2个句子",
            tolerance=1e-3,
        )

    @check(
        en="Each token costs its distillation_kl, T² included", zh="每个token的损失是distillation_kl，含T²"
    )
    def is_the_kl_of_each_token(self, fn):
        example = self.example()
        for temperature, scale in ((1.0, 1.0), (4.0, 1.0), (1.0, 300.0)):
            student, teacher = (example[name] * scale for name in ("student_logits", "teacher_logits"))
            q, p = (logits.div(temperature).softmax(-1) for logits in (student, teacher))
            arguments = example | {"teacher_logits": teacher, "temperature": temperature}
            expect_close(
                gradient(
                    lambda leaf, given=arguments: fn(**given | {"student_logits": leaf}),
                    student,
                ),
                temperature * (q - p) * example["mask"][..., None] / 4,
                f"at T = {temperature:g} with 4 kept tokens and logits of about {2 * scale:g} the gradient should be T (q − p) / 4 at a kept "
                "token, with no ε and no clamp, and 0 elsewhere",
                f"T = {temperature:g}、计入4个token、logits约为{2 * scale:g}时，计入处的梯度应为T (q − p) / 4（不加ε，也不截断），其余为0",
            )
        expect_close(
            fn(example["teacher_logits"] + 3.0, example["teacher_logits"], example["mask"], 2.0),
            0.0,
            "a student equal to the teacher up to a shift should cost 0",
            "学生与教师只差一个常数时损失应为0",
        )

    has_temperature_one_by_default = check_default("temperature", 1.0)

    def probes(self):
        example = self.example()
        return {"T = 2": example, "default": without(example, "temperature")}


def _kept(student_logits, teacher_logits, mask):
    return student_logits[mask.bool()], teacher_logits[mask.bool()]


@MaskedKD.wrong(
    en="The mask is taken and not used: padding counts like everything else, and there is a lot of it.",
    zh="接收了掩码却没有用：填充与其他token一样计入，而填充往往很多。",
    reference="peremartra/optipfair#34",
)
def ignores_the_mask(student_logits, teacher_logits, mask, temperature=1.0):
    return temperature**2 * kl_of_tokens(student_logits, teacher_logits, temperature).mean()


@MaskedKD.wrong(
    en="The sum over kept tokens is divided by all N · L places: the more padding, the smaller the loss.",
    zh="计入的token求和之后除以了全部N · L个位置：填充越多，损失越小。",
)
def divides_by_all_places(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(*_kept(student_logits, teacher_logits, mask), temperature)
    return temperature**2 * each.sum() / mask.numel()


@MaskedKD.wrong(
    en="The sum is divided by the number of sentences, as 'batchmean' does: the loss grows with the length.",
    zh="总和除以了句子数，正如'batchmean'所做的：损失随长度增长。",
    reference="neuralmagic/sparseml PR#592",
)
def divides_by_sentences(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(*_kept(student_logits, teacher_logits, mask), temperature)
    return temperature**2 * each.sum() / len(mask)


@MaskedKD.wrong(
    en="This is the mean of the sentences' means: a token in a short sentence weighs more than one in a long sentence. One mean over all kept tokens is asked for.",
    zh="这是先逐句平均再取平均：短句里的token比长句里的更重。要的是对所有计入的token一次性取平均。",
    reference="modelscope/ms-swift#10076",
)
def is_a_mean_of_means(student_logits, teacher_logits, mask, temperature=1.0):
    means = [
        kl_of_tokens(student[kept], teacher[kept], temperature).sum() / kept.sum().clamp(min=1)
        for student, teacher, kept in zip(student_logits, teacher_logits, mask.bool(), strict=True)
    ]
    return temperature**2 * torch.stack(means).mean()


@MaskedKD.wrong(
    en="Multiplying by the mask isn't leaving out: NaN · 0 is NaN. Select the kept tokens before computing.",
    zh="乘以掩码并不等于排除：NaN · 0仍是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def multiplies_by_the_mask(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(student_logits, teacher_logits, temperature) * mask
    return (temperature**2 * each.sum() / mask.sum().clamp(min=1)).to(student_logits.dtype)


@MaskedKD.wrong(
    en="where() mends the value and not the gradient: backward goes through the padding's branch as well, and 0 times its NaN slope is NaN. Select the kept tokens before computing.",
    zh="where()修好了数值，却修不好梯度：反向传播同样会经过填充那一支，0乘以它的NaN斜率还是NaN。请在计算之前就选出计入的token。",
    reference="huggingface/trl PR#5594",
)
def chooses_after_computing(student_logits, teacher_logits, mask, temperature=1.0):
    each = torch.where(mask.bool(), kl_of_tokens(student_logits, teacher_logits, temperature), 0.0)
    return (temperature**2 * each.sum() / mask.sum().clamp(min=1)).to(student_logits.dtype)


@MaskedKD.wrong(
    en="The mask is turned round: the padding is learned, and the tokens are left out. True means that a token counts.",
    zh="掩码用反了：学的是填充，丢掉的是token。为真表示计入。",
)
def turns_the_mask_round(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(*_kept(student_logits, teacher_logits, ~mask.bool()), temperature)
    return temperature**2 * each.sum() / max(len(each), 1)


@MaskedKD.wrong(
    en="A mean over no token at all is 0 / 0: a batch of padding makes the loss NaN, and the student with it.",
    zh="一个token都没有时取平均是0 / 0：全是填充的一批会让损失变成NaN，学生也跟着毁掉。",
)
def takes_the_mean_of_nothing(student_logits, teacher_logits, mask, temperature=1.0):
    return temperature**2 * kl_of_tokens(*_kept(student_logits, teacher_logits, mask), temperature).mean()


@MaskedKD.wrong(
    en="For a batch of padding a bare 0 comes back: it has no graph, and backward raises. Let the sum of nothing give the 0.",
    zh="全是填充时返回了一个光秃秃的0：没有计算图，backward会报错。让“空的求和”自己得出0即可。",
    reference="torchtune, kd_losses.py",
)
def returns_a_zero_without_a_graph(student_logits, teacher_logits, mask, temperature=1.0):
    if not mask.any():
        return torch.zeros((), dtype=student_logits.dtype)
    return temperature**2 * kl_of_tokens(*_kept(student_logits, teacher_logits, mask), temperature).mean()


@MaskedKD.wrong(
    en="The mask is used as an index as it comes. Of integers, 0 and 1 are taken for row numbers. Call mask.bool() first.",
    zh="直接拿掩码当下标。如果它是整数，0和1会被当成行号。请先调用mask.bool()。",
)
def indexes_with_the_mask_as_it_comes(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(student_logits[mask], teacher_logits[mask], temperature)
    return temperature**2 * each.sum() / max(each.numel(), 1)


@MaskedKD.wrong(
    en="Classes are averaged as well as tokens: the loss is C times too small.",
    zh="除了token，连类别也平均了：损失小了C倍。",
    reference="haitongli/knowledge-distillation-pytorch#48",
)
def averages_over_classes(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(*_kept(student_logits, teacher_logits, mask), temperature) / student_logits.shape[-1]
    return temperature**2 * each.sum() / max(len(each), 1)


@MaskedKD.wrong(
    en="T² is missing: the gradient shrinks with the square of the temperature.",
    zh="漏了T²：梯度会随温度系数的平方缩小。",
    reference="Hinton et al. 2015, section 2",
)
def forgets_the_square(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(*_kept(student_logits, teacher_logits, mask), temperature)
    return each.sum() / max(len(each), 1)


@MaskedKD.wrong(
    en="This is KL(student ‖ teacher), the reverse direction.",
    zh="这是KL(学生 ‖ 教师)，方向反了。",
    reference="Gu et al. 2024 (MiniLLM), arXiv:2306.08543",
)
def swaps_the_direction(student_logits, teacher_logits, mask, temperature=1.0):
    student, teacher = _kept(student_logits, teacher_logits.detach(), mask)
    log_q, log_p = (F.log_softmax(logits / temperature, -1) for logits in (student, teacher))
    each = (log_q.exp() * (log_q - log_p)).sum(-1)
    return temperature**2 * each.sum() / max(len(each), 1)


@MaskedKD.wrong(
    en="The teacher is not detached: a gradient flows into its logits.",
    zh="教师没有detach：梯度会流入它的logits。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_logits, teacher_logits, mask, temperature=1.0):
    student, teacher = _kept(student_logits, teacher_logits, mask)
    log_q, log_p = (F.log_softmax(logits / temperature, -1) for logits in (student, teacher))
    each = (log_p.exp() * (log_p - log_q)).sum(-1)
    return temperature**2 * each.sum() / max(len(each), 1)


@MaskedKD.wrong(
    en="This is the cross-entropy with the teacher's probabilities, not the KL: a student equal to its teacher still pays the teacher's entropy at every token.",
    zh="这是与教师概率的交叉熵，不是KL：与教师相同的学生，在每个token上仍要付出教师的熵。",
)
def gives_the_cross_entropy(student_logits, teacher_logits, mask, temperature=1.0):
    student, teacher = _kept(student_logits, teacher_logits.detach(), mask)
    each = -((teacher / temperature).softmax(-1) * F.log_softmax(student / temperature, -1)).sum(-1)
    return temperature**2 * each.sum() / max(len(each), 1)


@MaskedKD.wrong(
    en="The sum is divided by the number of kept tokens twice: once by a mean, once more by hand.",
    zh="除了两遍计入的token数：mean除了一次，手工又除了一次。",
)
def divides_twice(student_logits, teacher_logits, mask, temperature=1.0):
    each = kl_of_tokens(*_kept(student_logits, teacher_logits, mask), temperature)
    return temperature**2 * each.sum() / max(len(each), 1) ** 2


EXERCISE = MaskedKD()
