import torch
import torch.nn.functional as F

from kd_study.exercises.base import Exercise, check, expect, expect_close, expect_float, normal, outcome


def whiteboard(source, target):
    cosines = F.normalize(source, dim=-1) @ F.normalize(target, dim=-1).T
    own = cosines.diag()

    def share(rivals):
        return (rivals == 1).double().mean().item()  # nobody but the pair itself comes as near

    return share((cosines >= own[:, None]).sum(1)), share((cosines >= own[None]).sum(0))


class RetrievalAccuracy(Exercise):
    def validate(self, result, arguments):
        expect(
            isinstance(result, tuple) and len(result) == 2,
            f"a tuple of two numbers, (forward, backward), should come back, but {type(result).__name__} did",
            f"应返回由两个数组成的tuple：(正向, 反向)，返回的却是{type(result).__name__}",
        )
        for share in result:
            expect_float(share)
            expect(
                0 <= share <= 1,
                f"a share lies between 0 and 1, but {share:g} came back",
                f"比例应在0和1之间，返回的却是{share:g}",
            )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.tensor([[1.0, 0.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0], [2.0, 1.0]])),
            (1.0, 0.5),
            "forward both find their own; backward [2, 1] is nearer to [1, 0] (0.894) than to its own [0, 1] (0.447)",
            "正向时两行都找到自己的译文；反向时[2, 1]离[1, 0]（0.894）比离自己的[0, 1]（0.447）更近",
        )

    @check(en="All, none, one", zh="全部找到、全找不到、只有一行")
    def goes_from_none_to_all(self, fn):
        rows = torch.eye(4)
        expect_close(
            fn(rows, rows.clone()), (1.0, 1.0), "every row finds its copy", "每一行都能找到自己的副本"
        )
        expect_close(
            fn(rows, rows.roll(1, 0)), (0.0, 0.0), "every row finds another one", "每一行找到的都是别的行"
        )
        expect_close(
            fn(torch.tensor([[1.0, 2.0]]), torch.tensor([[-2.0, 1.5]])),
            (1.0, 1.0),
            "a single row has no rival: its own translation is the most similar there is",
            "只有一行时没有竞争者：自己的译文就是最相似的",
        )

    @check(en="Forward and backward are told apart", zh="正向与反向不混淆")
    def tells_the_directions_apart(self, fn):
        source, target = _turned(0, 40, 90), _turned(-10, 15, 80)
        expect_close(
            fn(source, target),
            (1.0, 2 / 3),
            "sources at 0°, 40°, 90° and targets at −10°, 15°, 80°: every source finds its own, but searching back the target "
            "at 15° finds the source at 0°",
            "源在0°、40°、90°，目标在−10°、15°、80°：每个源都找到自己的译文，但反向查找时15°的目标找到的是0°的源",
        )
        source, target = _hub()
        expect_close(
            fn(source, target),
            (0.25, 1.0),
            "the last target is a hub, by cosine (0.671) nearer to each of the first three sources than their own (0.6): only the "
            "last source finds its own; searching back all do",
            "最后一个目标是枢纽点，与前三个源的余弦（0.671）都高于它们自己的译文（0.6）：只有最后一个源找到自己的译文；反向则全部找到",
        )
        expect_close(
            fn(target, source),
            (1.0, 0.25),
            "with source and target swapped the two shares should be swapped as well",
            "源与目标互换，两个比例也应互换",
        )

    @check(en="A tie is a miss", zh="并列算作没找到")
    def counts_a_tie_as_a_miss(self, fn):
        same = torch.tensor([[1.0, 0.0]]).repeat(4, 1)
        expect_close(
            fn(same, same.clone()),
            (0.0, 0.0),
            "a student that maps everything onto one vector has found nothing: all cosines are equal",
            "把一切都映射到同一个向量的学生什么也没找到：所有余弦都相等",
        )
        expect_close(
            fn(_turned(0, 1, 90), _turned(0, 1, 90)),
            (1.0, 1.0),
            "vectors 1° apart are close (their cosine is 0.99985), but no tie: every row finds its copy",
            "夹角1°的两个向量很近（余弦0.99985），但不算并列：每一行都能找到自己的副本",
        )
        source, target = torch.eye(3), torch.eye(3)[[0, 0, 2]]
        expect_close(
            fn(source, target),
            (1 / 3, 2 / 3),
            "the targets 1 and 2 are equal: the source 1 can't tell them apart (and the source 2 is far from its own), while "
            "searching back only the second goes wrong",
            "目标1与目标2相同：源1无法区分两者（源2离自己的译文又很远）；反向查找时只有第二行出错",
        )

    @check(en="Lengths don't matter", zh="向量长度不影响结果")
    def is_by_cosine(self, fn):
        source, target = _pair(8)
        before = fn(source, target)
        lengths = torch.tensor([[1e-4], [30.0], [1.0], [5.0], [0.1], [1e4], [2.0], [0.5]])
        for given in (
            (source * lengths, target),
            (source, target * lengths),
            (source * 9, target * lengths.flip(0)),
        ):
            expect_close(
                fn(*given),
                before,
                "longer or shorter vectors of the same directions should find the same; normalise both sides",
                "方向不变、只改长度，查找结果应当不变；请把两边都归一化",
            )

    @check(en="The highest cosine wins, even a negative one", zh="余弦最大者胜出，哪怕是负数")
    def finds_the_highest_even_if_negative(self, fn):
        source = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        expect_close(
            fn(source, torch.tensor([[-0.1, -1.0], [-1.0, -0.1]])),
            (1.0, 1.0),
            "all cosines are negative, and each row's own is the least so: only the order counts",
            "所有余弦都是负数，而自己的那个最大：只看大小顺序",
        )
        expect_close(
            fn(source, -source),
            (0.0, 0.0),
            "the own translation points the opposite way, the other one is at a right angle: two misses",
            "自己的译文方向相反，另一行则成直角：两行都没找到",
        )

    @check(en="A mean over rows, whatever their order", zh="对行取平均，与顺序无关")
    def is_a_mean_over_rows_in_any_order(self, fn):
        source, target = _pair(8)
        order = torch.tensor([5, 2, 7, 0, 3, 1, 6, 4])
        expect_close(
            fn(source[order], target[order]),
            fn(source, target),
            "the same pairs in another order should give the same shares",
            "同样的句对换个顺序，比例应当不变",
        )
        double = [torch.cat([F.pad(side, (0, 5)), F.pad(side, (5, 0))]) for side in (source, target)]
        expect_close(
            fn(*double),
            fn(source, target),
            "two groups of pairs at right angles don't disturb one another: the share stays",
            "互相垂直的两组句对互不干扰：比例应当不变",
        )

    def probes(self):
        return {
            name: dict(zip(("source", "target"), pair, strict=True))
            for name, pair in {
                "noisy": _pair(8),
                "turned": (_turned(0, 40, 90), _turned(-10, 15, 80)),
                "hub": _hub(),
                "unrelated": (normal(12, 5, seed=3), normal(12, 5, seed=4)),
                "lengths": tuple(side * torch.arange(1.0, 9)[:, None] ** 3 for side in _pair(8)),
                "negative": (torch.eye(3), torch.tensor([[-0.1, -1, -1], [-1, -0.1, -1], [-1, -1, -0.1]])),
            }.items()
        }

    def edges(self):
        same = torch.tensor([[1.0, 0.0]]).repeat(4, 1)
        return {
            "collapsed": {"source": same, "target": same},
            "twins": {"source": torch.eye(3), "target": torch.eye(3)[[0, 0, 2]]},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["plain numbers"] = outcome(
            lambda: [isinstance(share, float) for share in function(torch.eye(2), torch.eye(2))]
        )
        return ordinary, edge


def _turned(*degrees: float) -> torch.Tensor:
    """Unit vectors in the plane at these angles."""
    angles = torch.deg2rad(torch.tensor(degrees, dtype=torch.float32))
    return torch.stack([angles.cos(), angles.sin()], 1)


def _hub() -> tuple[torch.Tensor, torch.Tensor]:
    """Four pairs, of which the last target is nearest to all four sources."""
    rows, aside = torch.eye(4)[:3], 0.5 * torch.eye(4)[3]
    return tuple(torch.cat([rows + offset, torch.ones(1, 4)]) for offset in (aside, -aside))


def _pair(rows: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sources and translations that find one another in part."""
    source = normal(rows, 5, seed=1)
    return source, source + normal(rows, 5, seed=2)


def _cosines(source, target):
    return F.normalize(source, dim=-1) @ F.normalize(target, dim=-1).T


def _shares(scores):
    """(forward, backward) for any scores, ties missed."""
    own, others = scores.diagonal(), scores.clone().fill_diagonal_(-torch.inf)
    return tuple((own > others.amax(dim)).float().mean().item() for dim in (1, 0))


@RetrievalAccuracy.wrong(
    en="The plain dot product decides: long vectors win every search. Normalise both sides first.",
    zh="用的是未归一化的点积：长向量会赢得每一次查找。请先把两边归一化。",
)
def searches_by_dot_product(source, target):
    return _shares(source @ target.T)


@RetrievalAccuracy.wrong(
    en="The Euclidean distance decides: the length of a vector counts as much as its direction.",
    zh="用的是欧氏距离：向量的长度和方向一样起作用。",
)
def searches_by_distance(source, target):
    return _shares(-torch.cdist(source, target))


@RetrievalAccuracy.wrong(
    en="Forward and backward are swapped: searching from source to target compares the entries of a row (dim=1).",
    zh="正向与反向写反了：从源查找目标，比较的是同一行的元素（dim=1）。",
)
def swaps_the_directions(source, target):
    return _shares(_cosines(target, source))


@RetrievalAccuracy.wrong(
    en="Both numbers come from the same search. Backward compares within the columns.",
    zh="两个数来自同一个方向的查找。反向应在列内比较。",
)
def searches_forward_twice(source, target):
    forward, _ = _shares(_cosines(source, target))
    return forward, forward


@RetrievalAccuracy.wrong(
    en="The two directions are averaged: what a hub does to one of them can no longer be seen.",
    zh="两个方向取了平均：枢纽点对其中一个方向的影响就看不出来了。",
)
def averages_the_directions(source, target):
    mean = sum(_shares(_cosines(source, target))) / 2
    return mean, mean


@RetrievalAccuracy.wrong(
    en="Ties count as hits (≥): a student that maps everything onto one vector looks perfect.",
    zh="并列算作找到（≥）：把一切都映射到同一个向量的学生会显得完美无缺。",
)
def counts_a_tie_as_a_hit(source, target):
    cosines = _cosines(source, target)
    return tuple((cosines.diagonal() >= cosines.amax(dim)).float().mean().item() for dim in (1, 0))


@RetrievalAccuracy.wrong(
    en="arg max picks the first of several equals: in a tie the order of the rows decides. A tie is a miss.",
    zh="arg max在并列时取第一个：结果由行的顺序决定。并列应算作没找到。",
)
def lets_arg_max_break_ties(source, target):
    cosines, own = _cosines(source, target), torch.arange(len(source))
    return tuple((cosines.argmax(dim) == own).float().mean().item() for dim in (1, 0))


@RetrievalAccuracy.wrong(
    en="The own entry is taken out of the rivals by setting it to 0: where all cosines are negative this 0 wins, and the row "
    "is a miss. Use −∞.",
    zh="用0把自己从竞争者中去掉：当所有余弦都是负数时，这个0反而最大，于是这一行算作没找到。请用−∞。",
)
def fills_the_diagonal_with_zero(source, target):
    cosines = _cosines(source, target)
    others = cosines.clone().fill_diagonal_(0.0)
    return tuple((cosines.diagonal() > others.amax(dim)).float().mean().item() for dim in (1, 0))


@RetrievalAccuracy.wrong(
    en="A row counts as soon as its translation is among the two best: that is accuracy at 2.",
    zh="只要译文在前两名里就算找到：这是前2名准确率。",
)
def looks_at_the_two_best(source, target):
    cosines = _cosines(source, target)
    ranks = ((cosines > cosines.diagonal()[:, None]).sum(1), (cosines > cosines.diagonal()).sum(0))
    return tuple((rank < 2).float().mean().item() for rank in ranks)


@RetrievalAccuracy.wrong(
    en="Only pairs that find one another in both directions count: that is the share of mutual nearest neighbours.",
    zh="只统计两个方向都互相找到的对：这是互为最近邻的比例。",
)
def asks_for_both_directions_at_once(source, target):
    cosines = _cosines(source, target)
    own, others = cosines.diagonal(), cosines.clone().fill_diagonal_(-torch.inf)
    mutual = ((own > others.amax(1)) & (own > others.amax(0))).float().mean().item()
    return mutual, mutual


@RetrievalAccuracy.wrong(
    en="This is the mean cosine of the pairs. It is high for a collapsed student too; what counts is whether the own one is "
    "the *most* similar.",
    zh="这是互译对的平均余弦。塌缩的学生也会很高；要看的是自己的译文是否*最*相似。",
)
def averages_the_cosine(source, target):
    mean = F.cosine_similarity(source, target).mean().clamp(0, 1).item()
    return mean, mean


@RetrievalAccuracy.wrong(
    en="Source is searched among the sources: every row finds itself, whatever the translations are.",
    zh="是在源语言内部查找：无论译文如何，每一行都会找到自己。",
)
def searches_within_one_language(source, target):
    return _shares(_cosines(source, source))[0], _shares(_cosines(target, target))[1]


@RetrievalAccuracy.wrong(
    en="The results are in percent; the contract asks for shares between 0 and 1.",
    zh="结果是百分数；这里要的是0到1之间的比例。",
)
def gives_percent(source, target):
    return tuple(100 * share for share in _shares(_cosines(source, target)))


@RetrievalAccuracy.wrong(
    en="The hits are counted, not averaged: a share lies between 0 and 1.",
    zh="只数了找到的行数，没有取平均：比例应在0和1之间。",
)
def counts_rows(source, target):
    return tuple(len(source) * share for share in _shares(_cosines(source, target)))


@RetrievalAccuracy.wrong(
    en="The results are tensors of no dimension: call .item() on them, or a table and json will stumble over them.",
    zh="返回的是零维张量：请调用.item()，否则制表和json都会出问题。",
)
def returns_tensors(source, target):
    return tuple(torch.tensor(share) for share in _shares(_cosines(source, target)))


@RetrievalAccuracy.wrong(
    en="The cosine is divided by the mean cosine of both neighbourhoods first (ratio margin): that scores pairs against hubs. Here the nearest by cosine counts.",
    zh="先把余弦除以两侧邻域的平均余弦（比值间隔）：那是为了对付枢纽点给句对打分的。这里只看余弦最近的那个。",
    reference="Artetxe & Schwenk 2019, arXiv:1811.01136",
)
def searches_by_margin(source, target):
    cosines = F.normalize(source, dim=1) @ F.normalize(target, dim=1).T
    k = min(4, len(cosines))
    scores = (
        2 * cosines / (cosines.topk(k, 1).values.mean(1, keepdim=True) + cosines.topk(k, 0).values.mean(0))
    )
    own = scores.diagonal()
    others = scores.masked_fill(torch.eye(len(scores), dtype=torch.bool), -torch.inf)
    return (own > others.amax(1)).float().mean().item(), (own > others.amax(0)).float().mean().item()


EXERCISE = RetrievalAccuracy()
