import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    check_blind_to_scale,
    check_default,
    expect,
    expect_close,
    expect_tensor,
    normal,
    outcome,
    without,
)


def whiteboard(source, target, k=10):
    cosines = F.normalize(source, dim=-1) @ F.normalize(target, dim=-1).T
    near_source = cosines.topk(min(k, cosines.shape[1]), dim=1).values.mean(1, keepdim=True)
    near_target = cosines.topk(min(k, cosines.shape[0]), dim=0).values.mean(0, keepdim=True)
    return 2 * cosines - near_source - near_target


class CSLS(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        wanted = (len(arguments["source"]), len(arguments["target"]))
        expect(
            result.shape == wanted,
            f"{wanted[0]} sources and {wanted[1]} targets should give scores of shape {wanted}, but "
            f"{tuple(result.shape)} came back",
            f"{wanted[0]}个源与{wanted[1]}个目标应得到形状为{wanted}的得分，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.eye(2), torch.tensor([[1.0, 0.0], [0.6, 0.8]]), k=1),
            torch.tensor([[0.0, -0.6], [-1.8, 0.0]]),
            "the cosines are [[1, 0.6], [0, 0.8]]; with k = 1 both r are [1, 0.8]; above on the right 2 · 0.6 − 1 − 0.8 = −0.6",
            "余弦是[[1, 0.6], [0, 0.8]]；k = 1时两边的r都是[1, 0.8]；右上角是2 · 0.6 − 1 − 0.8 = −0.6",
        )

    @check(en="The mean over k neighbours of the other side", zh="对另一侧k个最近邻取平均")
    def averages_over_neighbours_of_the_other_side(self, fn):
        source = torch.tensor([[1.0, 0.0]])
        target = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]])
        for k, r in ((1, 1.0), (2, 0.9), (3, 0.8), (4, 0.6)):
            expect_close(
                fn(source, target, k),
                torch.tensor([[1.0, 0.8, 0.6, 0.0]]) - r,
                f"the cosines are 1, 0.8, 0.6, 0, so r(x) = {r} with k = {k}; a target's only neighbour is this source, so "
                "that r(y) = cos, and cos − r(x) is left",
                f"余弦是1、0.8、0.6、0，k = {k}时r(x) = {r}；目标只有这一个源作邻居，所以r(y) = cos，剩下的是cos − r(x)",
            )

    @check(en="The same from both sides", zh="两边互换，结果转置")
    def treats_both_sides_alike(self, fn):
        source, target = normal(4, 3, seed=1), normal(6, 3, seed=2)
        for k in (1, 3, 5):
            expect_close(
                fn(source, target, k),
                fn(target, source, k).T,
                f"with k = {k}, swapping source and target should transpose the scores and change nothing else",
                f"k = {k}时，源与目标互换，得分应只是转置",
            )

    @check(en="A hub loses its crown", zh="枢纽点不再通吃")
    def takes_the_crown_from_a_hub(self, fn):
        source = torch.eye(4)[:3] + 0.5 * torch.eye(4)[3]
        target = torch.cat([torch.eye(4)[:3] - 0.5 * torch.eye(4)[3], torch.ones(1, 4)])
        best = fn(source, target, 2).argmax(1).tolist()
        expect(
            best == [0, 1, 2],
            "the last target is by cosine the nearest to all three sources; corrected, each source should find its own "
            f"(0, 1, 2), but {best} came out",
            f"最后一个目标按余弦离三个源都最近；校正之后每个源应找到自己的译文（0、1、2），实际却是{best}",
        )

    @check(en="k is cut to what is there", zh="k不超过实有的个数")
    def cuts_k_to_what_is_there(self, fn):
        for rows, columns in ((2, 5), (5, 2), (1, 1), (3, 3)):
            source, target = normal(rows, 4, seed=3), normal(columns, 4, seed=4)
            cosines = _cosines(source, target)
            expect_close(
                fn(source, target, 50),
                2 * cosines - cosines.mean(1, keepdim=True) - cosines.mean(0, keepdim=True),
                f"with {rows} sources, {columns} targets and k = 50 all of the other side are neighbours: r is their mean "
                "cosine",
                f"{rows}个源、{columns}个目标、k = 50时，另一侧全部都是邻居：r就是对它们的平均余弦",
            )
        source, target = normal(2, 4, seed=5), normal(5, 4, seed=6)
        cosines = _cosines(source, target)
        nearest = cosines.sort(1, descending=True).values[:, :3].mean(1, keepdim=True)
        expect_close(
            fn(source, target, 3),
            2 * cosines - nearest - cosines.mean(0, keepdim=True),
            "2 sources, 5 targets, k = 3: a source has 3 neighbours, a target only 2; each side is cut for itself",
            "2个源、5个目标、k = 3：一个源有3个邻居，一个目标只有2个；两侧要分别截断",
        )

    looks_at_ten_neighbours_by_default = check_default("k", 10)

    @check(en="Lengths don't matter", zh="向量长度不影响结果")
    def is_by_cosine(self, fn):
        source, target = normal(3, 4, seed=9), normal(5, 4, seed=10)
        lengths = torch.tensor([[0.05], [20.0], [3.0], [7.0], [0.5]])
        expect_close(
            fn(source * lengths[:3], target * lengths, 2),
            fn(source, target, 2),
            "longer or shorter vectors of the same directions should get the same scores; normalise both sides",
            "方向不变、只改长度，得分应当不变；请把两边都归一化",
        )

    is_blind_to_scale = check_blind_to_scale("source", "target")

    @check(en="Keeps the dtype", zh="保持dtype")
    def keeps_the_dtype(self, fn):
        for dtype in (torch.float64, torch.float16):  # NumPy, which may be used here, has no bfloat16
            came = fn(normal(3, 4).to(dtype), normal(2, 4).to(dtype), 2)
            expect(
                came.dtype == dtype,
                f"{dtype} goes in, {came.dtype} comes out",
                f"输入是{dtype}，输出却是{came.dtype}",
            )

    def example(self):
        return {"source": normal(13, 5, seed=11), "target": normal(12, 5, seed=12), "k": 3}

    def probes(self):
        return {
            "k = 2": {"source": normal(5, 3, seed=13), "target": normal(4, 3, seed=14), "k": 2},
            "square": {"source": normal(4, 3, seed=15), "target": normal(4, 3, seed=16), "k": 2},
            "k = 1": {"source": normal(4, 3, seed=17), "target": normal(4, 3, seed=18), "k": 1},
            "default": without(self.example(), "k"),
        }

    def edges(self):
        source, target = normal(2, 4, seed=19), normal(5, 4, seed=20)
        return {
            "k = 3": {"source": source, "target": target, "k": 3},
            "k = 4": {"source": target, "target": source, "k": 4},
            "k = 50": {"source": source, "target": target, "k": 50},
        }

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["dtype"] = outcome(lambda: str(function(normal(2, 3).double(), normal(2, 3).double(), 1).dtype))
        return ordinary, edge


def _cosines(source, target):
    return F.normalize(source, dim=-1) @ F.normalize(target, dim=-1).T


def _neighbours(cosines, k, dim):
    """The mean of the k largest along `dim`, k cut to what is there."""
    return cosines.topk(min(k, cosines.shape[dim]), dim).values.mean(dim, keepdim=True)


def _corrected(cosines, k, factor=2):
    return factor * cosines - _neighbours(cosines, k, 1) - _neighbours(cosines, k, 0)


@CSLS.wrong(
    en="The dot products aren't divided by the lengths: a long vector looks like a hub. Normalise both sides.",
    zh="点积没有除以长度：长向量看上去就像枢纽点。请把两边归一化。",
)
def forgets_to_normalise(source, target, k=10):
    return _corrected(source @ target.T, k)


@CSLS.wrong(
    en="The 2 is missing: two neighbourhoods are subtracted from one cosine.",
    zh="漏了系数2：从一个余弦里减去了两个邻域。",
)
def forgets_the_factor_two(source, target, k=10):
    return _corrected(_cosines(source, target), k, factor=1)


@CSLS.wrong(
    en="Only the source's neighbourhood is subtracted. It is the same for all of a query's candidates: the hubs keep winning.",
    zh="只减去了源一侧的邻域。它对同一查询的所有候选都一样：枢纽点照样通吃。",
)
def corrects_the_source_only(source, target, k=10):
    cosines = _cosines(source, target)
    return 2 * cosines - _neighbours(cosines, k, 1)


@CSLS.wrong(
    en="Only the target's neighbourhood is subtracted: the ranking of one query is right, but scores of two queries can't be "
    "compared.",
    zh="只减去了目标一侧的邻域：单个查询的排名是对的，但不同查询的得分无法比较。",
)
def corrects_the_target_only(source, target, k=10):
    cosines = _cosines(source, target)
    return 2 * cosines - _neighbours(cosines, k, 0)


@CSLS.wrong(
    en="The neighbourhoods are added: hubs, close to everything, win even more often. Subtract them.",
    zh="把邻域加了上去：与什么都近的枢纽点会更占上风。应当减去。",
)
def adds_the_neighbourhoods(source, target, k=10):
    cosines = _cosines(source, target)
    return 2 * cosines + _neighbours(cosines, k, 1) + _neighbours(cosines, k, 0)


@CSLS.wrong(
    en="k isn't used: r is the mean over the whole other side. Far vectors say nothing about a neighbourhood.",
    zh="没有用到k：r成了对另一侧全体的平均。远处的向量说明不了邻域。",
)
def averages_over_everything(source, target, k=10):
    return _corrected(_cosines(source, target), max(len(source), len(target)))


@CSLS.wrong(
    en="The k neighbours are added up, not averaged: r grows with k.",
    zh="对k个近邻求了和而不是平均：r会随k增大。",
)
def sums_the_neighbours(source, target, k=10):
    cosines = _cosines(source, target)
    r_source = cosines.topk(min(k, len(target)), 1).values.sum(1, keepdim=True)
    return 2 * cosines - r_source - cosines.topk(min(k, len(source)), 0).values.sum(0, keepdim=True)


@CSLS.wrong(
    en="The k smallest cosines are taken: those are the farthest vectors, not the neighbours.",
    zh="取了最小的k个余弦：那是最远的向量，不是近邻。",
)
def takes_the_farthest(source, target, k=10):
    cosines = _cosines(source, target)
    return 2 * cosines + _neighbours(-cosines, k, 1) + _neighbours(-cosines, k, 0)


@CSLS.wrong(
    en="The neighbours are sought within the own language. A hub is measured by what it is to the *other* side.",
    zh="近邻是在同一种语言内部找的。枢纽点要看它对*另一侧*的影响。",
)
def looks_for_neighbours_at_home(source, target, k=10):
    r_source = _neighbours(_cosines(source, source), k, 1)
    return 2 * _cosines(source, target) - r_source - _neighbours(_cosines(target, target), k, 1).T


@CSLS.wrong(
    en="Only the k-th neighbour's cosine is subtracted; r is the mean over all k.",
    zh="只减去了第k个近邻的余弦；r是全部k个的平均。",
)
def takes_the_kth_neighbour(source, target, k=10):
    cosines = _cosines(source, target)
    r_source = cosines.topk(min(k, len(target)), 1).values[:, -1:]
    return 2 * cosines - r_source - cosines.topk(min(k, len(source)), 0).values[-1:]


@CSLS.wrong(
    en="Only the nearest neighbour is subtracted, whatever k says; one odd vector then decides alone.",
    zh="无论k是几，都只减去最近的那一个；一个偶然的向量就能左右结果。",
)
def takes_the_nearest_only(source, target, k=10):
    return _corrected(_cosines(source, target), 1)


@CSLS.wrong(
    en="Rows and columns are mixed up: r of a source is taken along its column. With as many sources as targets no error says "
    "so.",
    zh="行和列弄混了：源的r取自它所在的列。源与目标数量相同时不会报错。",
)
def swaps_rows_and_columns(source, target, k=10):
    cosines = _cosines(source, target)
    return 2 * cosines - _neighbours(cosines, k, 0).T - _neighbours(cosines, k, 1).T


@CSLS.wrong(
    en="The scores come back transposed, (M, N): a row belongs to a source.",
    zh="得分返回时转置成了(M, N)：一行应对应一个源。",
)
def returns_the_transpose(source, target, k=10):
    return _corrected(_cosines(source, target), k).T


@CSLS.wrong(
    en="topk gets a k larger than the side has: an error with few candidates. Use min(k, size), for each side on its own.",
    zh="传给topk的k超过了实有个数：候选少时会报错。请对每一侧分别用min(k, 个数)。",
)
def asks_for_more_neighbours_than_there_are(source, target, k=10):
    cosines = _cosines(source, target)
    r_source = cosines.topk(k, dim=1).values.mean(1, keepdim=True)
    return 2 * cosines - r_source - cosines.topk(k, dim=0).values.mean(0, keepdim=True)


@CSLS.wrong(
    en="The sum over the neighbours that are there is divided by k: with fewer than k, r comes out too small. Divide by how many "
    "there are.",
    zh="把实有邻居之和除以了k：不足k个时r会偏小。应除以实际的个数。",
)
def divides_by_k_even_if_fewer(source, target, k=10):
    cosines = _cosines(source, target)
    r_source = cosines.topk(min(k, len(target)), 1).values.sum(1, keepdim=True) / k
    return 2 * cosines - r_source - cosines.topk(min(k, len(source)), 0).values.sum(0, keepdim=True) / k


@CSLS.wrong(
    en="k is cut to the smaller of both sides for both: a source with many targets then looks at too few neighbours.",
    zh="两侧都把k截到了较小一侧的个数：目标很多时，源看到的邻居就太少了。",
)
def cuts_both_sides_alike(source, target, k=10):
    return _corrected(_cosines(source, target), min(k, len(source), len(target)))


@CSLS.wrong(
    en="This is the ratio margin, the cosine over the mean of both neighbourhoods. CSLS subtracts the neighbourhoods.",
    zh="这是比值间隔：余弦除以两侧邻域的平均。CSLS是减去邻域。",
    reference="Artetxe & Schwenk 2019, arXiv:1811.01136",
)
def divides_by_the_neighbourhoods(source, target, k=10):
    cosines = _cosines(source, target)
    return 2 * cosines / (_neighbours(cosines, k, 1) + _neighbours(cosines, k, 0))


EXERCISE = CSLS()
