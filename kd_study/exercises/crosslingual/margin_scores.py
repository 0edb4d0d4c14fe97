import torch
import torch.nn.functional as F

from kd_study.exercises.crosslingual._margin import MarginExercise, cosines_of, mean_of_both, nearest


class MarginScores(MarginExercise):
    """Its checks are in `_margin`."""


@MarginScores.wrong(
    en="The dot products aren't divided by the lengths; an index for inner products doesn't do it either. Normalise both sides.",
    zh="点积没有除以长度；内积索引也不会替你除。请把两侧都归一化。",
    reference="UKPLab/sentence-transformers PR#2944",
)
def forgets_to_normalise(source, target, k=4):
    products = source @ target.T
    return products.diagonal() / mean_of_both(products, k)


@MarginScores.wrong(
    en="The neighbourhoods are subtracted: this is the *distance* margin, CSLS halved. Here the cosine is divided by them.",
    zh="减去了邻域：这是*距离*型margin，即CSLS的一半。这里要用余弦除以它。",
    reference="Artetxe & Schwenk 2019, arXiv:1811.01136; LASER's --margin distance",
)
def subtracts_the_neighbourhoods(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() - mean_of_both(cosines, k)


@MarginScores.wrong(
    en="This is the plain cosine. Its scale differs from sentence to sentence, so that no threshold fits all.",
    zh="这只是普通余弦。它的尺度因句而异，没有一个阈值对所有句子都合适。",
    reference="Artetxe & Schwenk 2019, arXiv:1811.01136; LASER's --margin absolute",
)
def takes_the_plain_cosine(source, target, k=4):
    return F.cosine_similarity(source, target, dim=1)


@MarginScores.wrong(
    en="Only the source's neighbourhood is looked at: a target that is near to everything goes unpunished.",
    zh="只看了源一侧的邻域：与什么都近的目标不受惩罚。",
)
def looks_from_the_source_only(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / nearest(cosines, k, 1).mean(1)


@MarginScores.wrong(
    en="Only the target's neighbourhood is looked at: a source that is near to everything goes unpunished.",
    zh="只看了目标一侧的邻域：与什么都近的源不受惩罚。",
)
def looks_from_the_target_only(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / nearest(cosines, k, 0).mean(0)


@MarginScores.wrong(
    en="The two neighbourhoods are added, not averaged: all scores are half of what they should be, and no published threshold fits.",
    zh="两侧邻域是相加而不是平均：得分全都只有一半，文献中的阈值都不适用。",
)
def adds_both_neighbourhoods(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / (2 * mean_of_both(cosines, k))


@MarginScores.wrong(
    en="The k neighbours are added up, not averaged: the score falls with k.",
    zh="对k个近邻求了和而不是平均：k越大，得分越低。",
)
def sums_the_neighbours(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / ((nearest(cosines, k, 1).sum(1) + nearest(cosines, k, 0).sum(0)) / 2)


@MarginScores.wrong(
    en="The cosine is divided by each neighbourhood by itself, and the two ratios are averaged. The neighbourhoods are averaged "
    "first, then divided by once.",
    zh="余弦分别除以两侧邻域，再对两个比值取平均。应当先对两侧邻域取平均，再除一次。",
)
def averages_two_ratios(source, target, k=4):
    cosines = cosines_of(source, target)
    own = cosines.diagonal()
    return (own / nearest(cosines, k, 1).mean(1) + own / nearest(cosines, k, 0).mean(0)) / 2


@MarginScores.wrong(
    en="The pair's own partner is left out of the neighbourhoods: the score of a pair that stands alone explodes. It counts among the "
    "nearest where it is near.",
    zh="邻域里排除了自己的译文：孤立的句对得分会暴涨。它只要够近，就算在近邻之内。",
)
def leaves_the_partner_out(source, target, k=4):
    cosines = cosines_of(source, target)
    others = cosines.clone().fill_diagonal_(-torch.inf)
    cut = max(min(k, len(cosines) - 1), 1)
    return cosines.diagonal() / (
        (others.topk(cut, 1).values.mean(1) + others.topk(cut, 0).values.mean(0)) / 2
    )


@MarginScores.wrong(
    en="The nearest neighbour is dropped as if it were the vector itself. Within one set it would be; here the neighbours are on the "
    "other side, and the nearest is usually the translation.",
    zh="把最近的那个当作向量自己丢掉了。在同一个集合里确实如此；这里的近邻在另一侧，最近的通常正是译文。",
)
def drops_the_nearest(source, target, k=4):
    cosines = cosines_of(source, target)
    rows, columns = nearest(cosines, k + 1, 1)[:, 1:], nearest(cosines, k + 1, 0)[1:]
    return cosines.diagonal() / ((rows.mean(1) + columns.mean(0)) / 2)


@MarginScores.wrong(
    en="The neighbours are sought within the own language. What makes a pair stand out are the rivals of its partner, on the other side.",
    zh="近邻是在同一种语言内部找的。一个句对是否突出，要看另一侧有哪些句子在与它的译文竞争。",
)
def looks_for_neighbours_at_home(source, target, k=4):
    home = [nearest(cosines_of(side, side), k, 1).mean(1) for side in (source, target)]
    return cosines_of(source, target).diagonal() / (sum(home) / 2)


@MarginScores.wrong(
    en="topk gets a k larger than the number of pairs: an error for a small document. Use min(k, N).",
    zh="传给topk的k超过了句对数：文档小的时候会报错。请用min(k, N)。",
    reference="facebookresearch/LASER#57",
)
def asks_for_more_neighbours_than_there_are(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / ((cosines.topk(k, 1).values.mean(1) + cosines.topk(k, 0).values.mean(0)) / 2)


@MarginScores.wrong(
    en="k is cut to N − 1, as if the vector itself were among the N. The other side has N vectors, all of them candidates.",
    zh="k截到了N − 1，好像N个里包含向量自己。另一侧有N个向量，个个都是候选。",
)
def cuts_k_to_one_less(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / mean_of_both(cosines, max(min(k, len(cosines) - 1), 1))


@MarginScores.wrong(
    en="The sum over the neighbours that are there is divided by k (the paper's formula has 2k): with fewer than k it comes out too small.",
    zh="把实有近邻之和除以了k（论文公式里写的是2k）：不足k个时会偏小。",
)
def divides_by_k_even_if_fewer(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() * 2 * k / (nearest(cosines, k, 1).sum(1) + nearest(cosines, k, 0).sum(0))


@MarginScores.wrong(
    en="k isn't used: the mean is over the whole other side, and says how near a vector is to the centre, not to its rivals.",
    zh="没有用到k：对另一侧全体取了平均，说明的是离中心有多近，而不是离竞争者有多近。",
)
def averages_over_everything(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / mean_of_both(cosines, len(cosines))


@MarginScores.wrong(
    en="Only the nearest neighbour counts, whatever k is: every pair that finds its translation scores 1, and the filter sees no difference.",
    zh="无论k是几，都只看最近的那一个：只要找到了译文，得分都是1，过滤时看不出差别。",
)
def takes_the_nearest_only(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / mean_of_both(cosines, 1)


@MarginScores.wrong(
    en="Only the k-th neighbour is taken; the neighbourhood is the mean of all k.",
    zh="只取了第k个近邻；邻域是全部k个的平均。",
)
def takes_the_kth_neighbour(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / ((nearest(cosines, k, 1)[:, -1] + nearest(cosines, k, 0)[-1]) / 2)


@MarginScores.wrong(
    en="The k smallest cosines are taken: those are the farthest vectors. For similarities topk is right as it is.",
    zh="取了最小的k个余弦：那是最远的向量。对相似度来说，topk原样使用就对了。",
)
def takes_the_farthest(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / -mean_of_both(-cosines, k)


@MarginScores.wrong(
    en="The neighbourhoods are in squared Euclidean distances, as an index gives them by default, and the cosine is divided by these. "
    "For unit vectors cos = 1 − d²/2.",
    zh="邻域用的是欧氏距离的平方（索引默认给出的就是它），余弦除以了它。对单位向量，cos = 1 − d²/2。",
    reference="huggingface/sentence-transformers PR#4022",
)
def divides_by_squared_distances(source, target, k=4):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / (2 - 2 * mean_of_both(cosines, k))


@MarginScores.wrong(
    en="The numerator is the cosine *distance*, 1 − cos: the best pairs score lowest.",
    zh="分子用了余弦*距离*1 − cos：最好的句对得分最低。",
    reference="facebookresearch/stopes#23, by its wording",
)
def takes_the_cosine_distance(source, target, k=4):
    cosines = cosines_of(source, target)
    return (1 - cosines.diagonal()) / mean_of_both(cosines, k)


@MarginScores.wrong(
    en="What comes back is each source's best score with any target: that is mining. A filter scores the pair that is there.",
    zh="返回的是每个源与任意目标的最高得分：那是挖掘。过滤要给现有的这一对打分。",
    reference="facebookresearch/stopes#23",
)
def scores_the_best_candidate(source, target, k=4):
    cosines = cosines_of(source, target)
    rows, columns = nearest(cosines, k, 1).mean(1, keepdim=True), nearest(cosines, k, 0).mean(0)
    return (2 * cosines / (rows + columns)).amax(1)


@MarginScores.wrong(
    en="All N × N scores come back; the aligned pairs are the diagonal.",
    zh="返回了全部N × N个得分；互译的句对在对角线上。",
)
def returns_all_pairs(source, target, k=4):
    cosines = cosines_of(source, target)
    return 2 * cosines / (nearest(cosines, k, 1).mean(1, keepdim=True) + nearest(cosines, k, 0).mean(0))


@MarginScores.wrong(
    en="The scores are averaged to one number; a filter needs one for each pair.",
    zh="把得分平均成了一个数；过滤需要逐对的得分。",
)
def averages_the_scores(source, target, k=4):
    cosines = cosines_of(source, target)
    return (cosines.diagonal() / mean_of_both(cosines, k)).mean()


@MarginScores.wrong(
    en="The scores are cut to at most 1. It is a ratio, not a similarity: a pair that stands out has more than 1, and the good "
    "pairs are told apart just there.",
    zh="得分被截断到不超过1。它是比值，不是相似度：突出的句对大于1，好的句对正是在那里分出高下。",
    reference="facebookresearch/LASER#127, where the range is asked for",
)
def cuts_at_one(source, target, k=4):
    cosines = cosines_of(source, target)
    return (cosines.diagonal() / mean_of_both(cosines, k)).clamp(max=1.0)


@MarginScores.wrong(
    en="Negative cosines are set to 0: all pairs that point apart look alike, and the neighbourhoods change as well.",
    zh="把负的余弦置为0：方向相反的句对全都一样了，邻域也随之改变。",
)
def cuts_at_zero(source, target, k=4):
    cosines = cosines_of(source, target).clamp(min=0.0)
    return cosines.diagonal() / mean_of_both(cosines, k)


@MarginScores.wrong(
    en="The default k is 10, as for CSLS. The contract's is LASER's 4.",
    zh="k的默认值用了10，那是CSLS的。这里约定的是LASER的4。",
)
def has_another_default(source, target, k=10):
    cosines = cosines_of(source, target)
    return cosines.diagonal() / mean_of_both(cosines, k)


@MarginScores.wrong(
    en="A small number is added to the lengths: beside a length of 1e-6 even 1e-8 isn't small. Guard against 0 alone.",
    zh="给长度加了一个小常数：长度为1e-6时，连1e-8也不算小。只需防止除以0。",
)
def adds_a_small_number_to_the_lengths(source, target, k=4):
    cosines = (source / (source.norm(dim=1, keepdim=True) + 1e-8)) @ (
        target / (target.norm(dim=1, keepdim=True) + 1e-8)
    ).T
    return cosines.diagonal() / mean_of_both(cosines, k)


@MarginScores.wrong(
    en="Everything is made float32, as an index wants it, and comes back so: float64 in should be float64 out.",
    zh="全都转成了float32（索引只收float32），返回时也没有转回：输入float64，输出也应是float64。",
)
def comes_back_in_float32(source, target, k=4):
    cosines = cosines_of(source.float(), target.float())
    return cosines.diagonal() / mean_of_both(cosines, k)


@MarginScores.wrong(
    en="The vectors are normalised in place: the caller's are changed, and whoever trains on them afterwards trains on others.",
    zh="原地归一化了传入的向量：调用者的数据被改动，之后用它们训练，就是在用另外的数据训练。",
    reference="facebookresearch/faiss#1335, on normalize_L2",
)
def normalises_in_place(source, target, k=4):
    source /= source.norm(dim=1, keepdim=True)
    target /= target.norm(dim=1, keepdim=True)
    cosines = source @ target.T
    return cosines.diagonal() / mean_of_both(cosines, k)


EXERCISE = MarginScores()
