import torch
import torch.nn.functional as F

from kd_study.exercises.base import Text
from kd_study.exercises.minilm_checks import RelationExercise
from kd_study.exercises.minilm_parts import kept, kl, mean_of_kept, relation_kl, scores, split


class MiniLMRelation(RelationExercise):
    name = "minilm_relation"
    topic = "features"
    level = "hard"
    minutes = 25
    lesson = "06_features_and_relations"
    sources = (
        "Wang et al. 2020, arXiv:2002.10957 (MiniLM)",
        "Wang et al. 2021, arXiv:2012.15828 (MiniLMv2, relation heads)",
        "microsoft/unilm#198",
        "microsoft/unilm#354",
    )
    statement = Text(
        en=r"""
How do the tokens of a sentence relate to one another in a layer? Cut the value vectors of every token into `heads` equal parts
of size d, one after the other, and let each part attend to its like:

$$R_h = \mathrm{softmax}\!\left(\frac{V_h V_h^\top}{\sqrt{d}}\right) \in \mathbb{R}^{L \times L}, \qquad
\mathcal{L} = \text{mean over heads and kept queries of } \mathrm{KL}\big(R_h^{\text{teacher}} \,\|\, R_h^{\text{student}}\big).$$

`student_values` has the shape (N, L, D), `teacher_values` (N, L, D'); D and D' may differ, and so may d, of which each side has
its own. The softmax runs over the keys, the last dimension. `mask` (N, L) is bool or 0 and 1 of any dtype, true where a token
counts; None keeps all. A masked token is no key (its weight is 0) and no query (its row isn't averaged), and what stands there,
NaN included, changes neither value nor gradient. With no token left the loss is 0, with a graph. The mean is one mean over all
heads and kept queries of the batch. No gradient may reach the teacher.
One head, d = 4, two tokens: teacher (2, 0, 0, 0), (0, 0, 0, 0) has the scores [2, 0] and [0, 0]; a student of zeros has uniform
rows; the loss is (0.328 + 0) / 2 = 0.164.""",
        zh=r"""
一层之中，句子里的各个token彼此是什么关系？把每个token的value向量依次切成`heads`个大小为d的等份，让每一份与同类相互“注意”：

$$R_h = \mathrm{softmax}\!\left(\frac{V_h V_h^\top}{\sqrt{d}}\right) \in \mathbb{R}^{L \times L}, \qquad
\mathcal{L} = \mathrm{KL}\big(R_h^{\text{教师}} \,\|\, R_h^{\text{学生}}\big)\ \text{对各个头和计入的query取平均}。$$

`student_values`的形状是(N, L, D)，`teacher_values`是(N, L, D')；D与D'可以不同，d也可以不同，两边各用各的d。softmax沿key，也就是最后一维。
掩码`mask`的形状是(N, L)，可以是bool，也可以是任何dtype的0和1，为真的token才计入；None表示全部计入。被掩码的token既不作key（权重为0），
也不作query（它那一行不参与平均）；那里的内容，哪怕是NaN，也不影响数值与梯度。一个token都不计入时，损失为0，并带有计算图。
平均是对整批所有头和计入的query一次性取的。梯度不得流入教师模型。
例如，一个头，d = 4，两个token：教师(2, 0, 0, 0)、(0, 0, 0, 0)的得分是[2, 0]和[0, 0]；全零的学生各行均匀；损失是(0.328 + 0) / 2 = 0.164。""",
    )
    hints = (
        Text(
            en="This is self-attention with values in the place of queries and keys. What does a mask do there before the softmax?",
            zh="这就是自注意力，只是query和key都换成了value。在那里，softmax之前掩码起什么作用？",
        ),
        Text(
            en="`values.unflatten(-1, (heads, -1)).transpose(1, 2)` is (N, heads, L, d). Put 0 where a token is masked *before* the product "
            "(NaN · 0 is NaN, so use where), fill the masked keys' scores with −∞ or a very low number, take log_softmax, and choose the "
            "kept queries before the mean.",
            zh="`values.unflatten(-1, (heads, -1)).transpose(1, 2)`的形状是(N, heads, L, d)。在相乘*之前*就把被掩码的token置0"
            "（NaN · 0还是NaN，要用where），再把被掩码的key的得分填成−∞或极小的数，做log_softmax，取平均之前选出计入的query。",
        ),
        Text(
            en="```python\nkeep = ... if mask is None else mask.bool()\n\ndef log_relations(values):\n"
            "    parts = torch.where(keep[..., None], values, 0).unflatten(-1, (heads, -1)).transpose(1, 2)\n"
            "    scores = parts @ ... / ...\n    return scores.masked_fill(~keep[:, None, None], -1e30).log_softmax(...)\n\n"
            "log_q, log_p = log_relations(student_values), log_relations(....detach())\n"
            "each = (log_p.exp() * (...)).sum(-1).transpose(1, 2)[keep]  # (kept, heads)\nreturn each.sum() / max(..., 1)\n```",
            zh="```python\nkeep = ... if mask is None else mask.bool()\n\ndef log_relations(values):\n"
            "    parts = torch.where(keep[..., None], values, 0).unflatten(-1, (heads, -1)).transpose(1, 2)\n"
            "    scores = parts @ ... / ...\n    return scores.masked_fill(~keep[:, None, None], -1e30).log_softmax(...)\n\n"
            "log_q, log_p = log_relations(student_values), log_relations(....detach())\n"
            "each = (log_p.exp() * (...)).sum(-1).transpose(1, 2)[keep]  # (计入的token数, heads)\nreturn each.sum() / max(..., 1)\n```",
        ),
    )
    discussion = Text(
        en="""
An L × L relation knows neither the width nor the number of attention heads: join all heads' values, cut them anew into relation
heads, and only this number must agree (microsoft/unilm#349 asks just that). No projector, and one
layer is enough: the student is free in all the others, so no layer map either. Reported for multilingual MiniLM: 71.1 on XNLI with
21 million transformer parameters, against 74.5 for XLM-R base with 85 million.

Padding has two roles, and each needs its own mask: as key it takes weight from real tokens, as query it adds rows that nobody
reads. The authors confirm that the value relations are masked like the attention.

A row of a relation is a distribution, so KL is in place, teacher first. Forget √d and the softmax of the wider network is sharper
for no reason other than its width.
Asked for next: queries' and keys' relations (v2 adds both), which teacher layer (an upper middle one for large teachers), what it
costs: O(N L² D) and N · heads · L² numbers, like attention itself, and it needs the same tokenizer on both sides, for token i must
be token i.""",
        zh="""
L × L的关系里既没有宽度，也没有注意力头数：把所有头的value拼起来，重新切成若干“关系头”，只要这个数目两边一致就行
（microsoft/unilm#349问的正是这个）。不需要投影层，而且一层就够：其余各层学生可以自由安排，所以也不需要层映射。
据报告，多语言MiniLM用2100万的Transformer参数在XNLI上得到71.1，XLM-R base用8500万得到74.5。

填充有两个角色，要分别掩掉：作为key，它会抢走真实token的权重；作为query，它会添上没人要的行。作者确认过，value关系与注意力一样要加掩码。

关系的每一行都是一个分布，所以用KL，教师在前。忘了√d，较宽的网络softmax就会更尖锐，而原因仅仅是它更宽。
面试官接着会问：query与key的关系（v2把两者也加上了）；用教师的哪一层（大教师用中间偏上的一层）；代价如何：时间O(N L² D)，
内存N · heads · L²个数，与注意力本身一样；两边还必须用同一个tokenizer，因为第i个token必须就是第i个token。""",
    )


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
