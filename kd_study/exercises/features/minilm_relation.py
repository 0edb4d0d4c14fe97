import torch
import torch.nn.functional as F

from kd_study.exercises.features._minilm import (
    ValueRelationExercise,
    kept,
    kl,
    mean_of_kept,
    relation_kl,
    scores,
    split,
)


def whiteboard(student_values, teacher_values, heads, mask=None):
    n, length, _ = student_values.shape
    real = torch.ones(n, length, dtype=torch.bool) if mask is None else mask.bool()

    def log_relations(values):
        v = values.masked_fill(~real[..., None], 0).view(n, length, heads, -1).transpose(1, 2)
        found = v @ v.transpose(-1, -2) / v.shape[-1] ** 0.5
        found = found.masked_fill(~real[:, None, None, :], -1e9)
        return F.log_softmax(found, dim=-1).transpose(1, 2)[real]

    log_q, log_p = log_relations(student_values), log_relations(teacher_values.detach())
    total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
    return total / max(len(log_q) * heads, 1)


class MiniLMRelation(ValueRelationExercise):
    """Its checks are in `_minilm`."""


def _mean(student_scores, teacher_scores, keep):
    return mean_of_kept(kl(student_scores, teacher_scores), keep)


@MiniLMRelation.wrong(
    en="The mask is taken and not used: padding attends, is attended to, and is averaged in.",
    zh="接收了掩码却没有用：填充既去注意别人，又被别人注意，还参与了平均。",
    reference="NVIDIA/Model-Optimizer PR#892",
)
def ignores_the_mask(student_values, teacher_values, heads, mask=None):
    return relation_kl(student_values, teacher_values, heads, None)


@MiniLMRelation.wrong(
    en="Padded queries are left out of the mean, but padding still takes weight as a key. Mask the scores before the softmax, too.",
    zh="平均时去掉了填充的query，但填充作为key仍在分走权重。softmax之前也要掩码得分。",
    reference="microsoft/unilm#198",
)
def lets_padding_be_a_key(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    everything = torch.ones_like(keep)
    return _mean(scores(student_values, heads, everything), scores(teacher_values, heads, everything), keep)


@MiniLMRelation.wrong(
    en="Masked keys get no weight, but the rows of padded queries are averaged in: the more padding, the smaller the loss.",
    zh="被掩码的key没有权重，但填充的query行也参与了平均：填充越多，损失越小。",
)
def averages_padded_queries_in(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    return kl(scores(student_values, heads, keep), scores(teacher_values, heads, keep)).mean()


@MiniLMRelation.wrong(
    en="The masked keys' scores are 0, filled in so or because only their vectors were zeroed. exp(0) is 1: they still get weight. "
    "A very low number, or −∞, gives them none.",
    zh="被掩码的key的得分是0：也许是直接填的，也许是只把它们的向量置了0。exp(0) = 1：它们仍有权重。要填极小的数或−∞才没有权重。",
)
def fills_with_zero(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    s, t = (
        scores(values, heads, keep).masked_fill(~keep[:, None, None], 0.0)
        for values in (student_values, teacher_values)
    )
    return _mean(s, t, keep)


@MiniLMRelation.wrong(
    en="The mask is turned round: padding is related to padding, and the sentence is left out.",
    zh="掩码用反了：比较的是填充与填充的关系，句子本身反而被排除了。",
)
def turns_the_mask_round(student_values, teacher_values, heads, mask=None):
    mask = None if mask is None else ~mask.bool()
    return relation_kl(student_values, teacher_values, heads, mask)


@MiniLMRelation.wrong(
    en="The scores are masked, but only after the product has met what stands at the padding. The value looks right; a NaN there makes "
    "the gradient NaN. Put 0 there first, with where.",
    zh="得分确实加了掩码，但相乘时已经碰到了填充处的内容。数值看上去没错，可是那里若有NaN，梯度就是NaN。请先用where置0。",
    reference="huggingface/trl PR#5594",
)
def masks_after_the_product(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)

    def relations(values):
        parts = split(values, heads)
        low = torch.finfo(values.dtype).min
        return (parts @ parts.mT / parts.shape[-1] ** 0.5).masked_fill(~keep[:, None, None], low)

    return _mean(relations(student_values), relations(teacher_values), keep)


@MiniLMRelation.wrong(
    en="A batch of nothing but padding divides 0 by 0: one such batch makes every weight NaN. Divide by max(number, 1).",
    zh="一批全是填充时就是0除以0：这样的批只要有一个，所有权重都会变成NaN。请除以max(个数, 1)。",
)
def divides_by_no_token(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    each = kl(scores(student_values, heads, keep), scores(teacher_values, heads, keep))
    return each.transpose(1, 2)[keep].mean()


@MiniLMRelation.wrong(
    en="The sentences' means are averaged: a token of a short sentence weighs more. One mean over all kept queries is asked for.",
    zh="先逐句平均再取平均：短句里的token分量更重。要的是对所有计入的query一次性取平均。",
    reference="modelscope/ms-swift#10076",
)
def is_a_mean_of_means(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    each = kl(scores(student_values, heads, keep), scores(teacher_values, heads, keep))
    return torch.stack([mean_of_kept(one[None], k[None]) for one, k in zip(each, keep, strict=True)]).mean()


@MiniLMRelation.wrong(
    en="The logarithm is taken of a softmax: the weight of a masked key, or of a far smaller score, is rounded to 0, its log is −∞, "
    "and 0 · (−∞ + ∞) is NaN. log_softmax stays finite.",
    zh="先softmax再取对数：被掩码的key、或得分小得多的key，权重会舍入为0，对数就是−∞，而0 · (−∞ + ∞)是NaN。log_softmax则始终有限。",
)
def takes_the_log_of_a_softmax(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    s, t = (scores(values, heads, keep).softmax(-1) for values in (student_values, teacher_values.detach()))
    return mean_of_kept((t * (t.log() - s.log())).sum(-1), keep)


@MiniLMRelation.wrong(
    en="The scores are divided by √D, the root of the whole width. A head is D / heads wide: its scores are shrunk too much.",
    zh="得分除以了整个宽度的平方根√D。一个头的宽度是D / heads：得分被缩得太小了。",
)
def scales_by_the_whole_width(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    s, t = (
        scores(values, heads, keep, values.shape[-1] ** 0.5) for values in (student_values, teacher_values)
    )
    return _mean(s, t, keep)


@MiniLMRelation.wrong(
    en="Both sides are divided by the student's √d. Each has a head size of its own.",
    zh="两边都除以了学生的√d。两边的头大小各不相同，应各用各的。",
)
def scales_both_by_the_students_head(student_values, teacher_values, heads, mask=None):
    root = (student_values.shape[-1] / heads) ** 0.5
    return relation_kl(student_values, teacher_values, heads, mask, root)


@MiniLMRelation.wrong(
    en="The scores are not divided by √d: the wider network's softmax is sharper for its width alone.",
    zh="得分没有除以√d：较宽的网络仅仅因为宽，softmax就更尖锐。",
)
def forgets_to_scale(student_values, teacher_values, heads, mask=None):
    return relation_kl(student_values, teacher_values, heads, mask, 1.0)


@MiniLMRelation.wrong(
    en="The values are normalised to cosines: their lengths, which say how much a token stands out, are lost.",
    zh="把value归一化成了余弦：长度（说明一个token有多突出）丢失了。",
)
def takes_cosines(student_values, teacher_values, heads, mask=None):
    s, t = (
        F.normalize(values.unflatten(-1, (heads, -1)), dim=-1).flatten(-2)
        for values in (student_values, teacher_values)
    )
    return relation_kl(s, t, heads, mask, 1.0)


@MiniLMRelation.wrong(
    en="The heads are not cut: one relation over the whole width. Several let a layer say several things about the same two tokens.",
    zh="没有切分成多个头：整个宽度上只有一个关系。多个头才能对同样两个token说出不同方面的关系。",
)
def cuts_no_heads(student_values, teacher_values, heads, mask=None):
    return relation_kl(student_values, teacher_values, 1, mask)


@MiniLMRelation.wrong(
    en="(N, L, D) is reshaped to (N, heads, L, d) at once, which mixes tokens: a 'head' then holds half of the sentence, whole. Split the "
    "last dimension, then transpose.",
    zh="把(N, L, D)一步reshape成(N, heads, L, d)，token就混在一起了：一个“头”里装的其实是半个句子。应先切最后一维，再转置。",
    reference="microsoft/unilm#354",
)
def mixes_tokens_into_heads(student_values, teacher_values, heads, mask=None):
    def mixed(values):
        return values.reshape(len(values), heads, values.shape[1], -1).transpose(1, 2).flatten(2)

    return relation_kl(mixed(student_values), mixed(teacher_values), heads, mask)


@MiniLMRelation.wrong(
    en="The heads take every other feature (d, heads) instead of one block after the other (heads, d).",
    zh="各个头是隔一个取一个特征（d, heads），而不是一块接一块（heads, d）。",
)
def interleaves_the_heads(student_values, teacher_values, heads, mask=None):
    s, t = (
        values.unflatten(-1, (-1, heads)).transpose(-1, -2).flatten(-2)
        for values in (student_values, teacher_values)
    )
    return relation_kl(s, t, heads, mask)


@MiniLMRelation.wrong(
    en="This is KL(student ‖ teacher), the reverse direction. The teacher's relation is the first one.",
    zh="这是KL(学生 ‖ 教师)，方向反了。教师的关系应在前。",
)
def swaps_the_direction(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    log_q = scores(student_values, heads, keep).log_softmax(-1)
    log_p = scores(teacher_values.detach(), heads, keep).log_softmax(-1)
    return mean_of_kept((log_q.exp() * (log_q - log_p)).sum(-1), keep)


@MiniLMRelation.wrong(
    en="The relations are compared by their squared differences. A row is a distribution; KL minds the small probabilities, too.",
    zh="用平方差来比较关系。每一行是一个分布，KL才顾得上小概率。",
)
def squares_the_differences(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    s, t = (scores(values, heads, keep).softmax(-1) for values in (student_values, teacher_values.detach()))
    return mean_of_kept((s - t).square().sum(-1), keep)


@MiniLMRelation.wrong(
    en="The heads are added up instead of averaged: the loss grows with their number.",
    zh="对各个头求和而不是取平均：损失随头数增长。",
)
def sums_over_heads(student_values, teacher_values, heads, mask=None):
    return heads * relation_kl(student_values, teacher_values, heads, mask)


@MiniLMRelation.wrong(
    en="The mean runs over the keys as well, as reduction='mean' does: the longer the sentence, the smaller the loss.",
    zh="像reduction='mean'那样对key也取了平均：句子越长，损失越小。",
    reference="haitongli/knowledge-distillation-pytorch#2",
)
def averages_over_keys_too(student_values, teacher_values, heads, mask=None):
    return relation_kl(student_values, teacher_values, heads, mask) / student_values.shape[1]


@MiniLMRelation.wrong(
    en="The sum is divided by the number of sentences, as 'batchmean' does on four dimensions: the loss grows with heads and length.",
    zh="总和除以了句子数，四维张量上的'batchmean'就是这样：损失随头数和长度增长。",
    reference="neuralmagic/sparseml PR#592",
)
def divides_by_sentences(student_values, teacher_values, heads, mask=None):
    rows = heads * kept(student_values, mask).sum()
    return (relation_kl(student_values, teacher_values, heads, mask) * rows / len(student_values)).to(
        student_values.dtype
    )


@MiniLMRelation.wrong(
    en="It is the student that is detached: the number is right, and nobody learns from it.",
    zh="detach的是学生：数值没错，却没有人能从中学习。",
    reference="Syencil/mobile-yolov5-pruning-distillation#83",
)
def cuts_the_student_off(student_values, teacher_values, heads, mask=None):
    return relation_kl(student_values.detach(), teacher_values, heads, mask)


@MiniLMRelation.wrong(
    en="The teacher is not detached: its values get a gradient, and a teacher that can move will meet the student.",
    zh="教师没有detach：它的value会得到梯度，能动的教师会反过来迁就学生。",
    reference="open-mmlab/mmrazor PR#100",
)
def trains_the_teacher_too(student_values, teacher_values, heads, mask=None):
    keep = kept(student_values, mask)
    log_q, log_p = (
        scores(values, heads, keep).log_softmax(-1) for values in (student_values, teacher_values)
    )
    return mean_of_kept((log_p.exp() * (log_p - log_q)).sum(-1), keep)


EXERCISE = MiniLMRelation()
