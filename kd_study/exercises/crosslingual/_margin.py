"""The checks of margin_scores, their vectors, and the parts that answers are put together from."""

import torch
import torch.nn.functional as F

from kd_study.exercises.base import (
    Exercise,
    check,
    check_default,
    expect,
    expect_close,
    expect_tensor,
    fresh,
    is_close,
    normal,
    outcome,
    without,
)


class MarginExercise(Exercise):
    def validate(self, result, arguments):
        expect_tensor(result)
        wanted = (len(arguments["source"]),)
        expect(
            result.shape == wanted,
            f"{wanted[0]} pairs should give as many scores, shape {wanted}, but {tuple(result.shape)} came back",
            f"{wanted[0]}个句对应得到同样多的得分，形状为{wanted}，返回的却是{tuple(result.shape)}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            fn(torch.eye(2), torch.tensor([[1.0, 0.0], [0.6, 0.8]]), k=2),
            torch.tensor([1 / 0.65, 0.8 / 0.55]),
            "the cosines are [[1, 0.6], [0, 0.8]]; with k = 2 the sources have means 0.8 and 0.4, the targets 0.5 and 0.7: "
            "1 over the mean of 0.8 and 0.5, 0.8 over that of 0.4 and 0.7",
            "余弦是[[1, 0.6], [0, 0.8]]；k = 2时两个源的均值是0.8和0.4，两个目标是0.5和0.7：1除以0.8与0.5的平均，0.8除以0.4与0.7的平均",
        )

    @check(
        en="The k nearest of the other side, the partner among them", zh="另一侧的k个最近邻，自己的译文也算"
    )
    def averages_over_the_k_nearest_of_the_other_side(self, fn):
        source, target = _fan()
        for k, mean in ((1, 1.0), (2, 0.9), (3, 0.8), (4, 0.6)):
            expect_close(
                fn(source, target, k)[0],
                1 / mean,
                f"the first source has the cosines 1 (its own target), 0.8, 0.6 and 0 with the targets, and its target the same "
                f"with the sources: with k = {k} both means are {mean}",
                f"第一个源与各目标的余弦是1（自己的译文）、0.8、0.6、0，它的译文与各源也是如此：k = {k}时两个均值都是{mean}",
            )
        source, target = torch.eye(3), torch.tensor([[0.8, 0.6, 0.0], [0.0, 1.0, 0.0], [0.0, 0.6, 0.8]])
        expect_close(
            fn(source, target, k=1),
            torch.tensor([1.0, 1.0, 1.0]),
            "every source finds its own target nearest, and every target its own source: with k = 1 all scores are 1",
            "每个源最近的都是自己的目标，每个目标最近的也是自己的源：k = 1时得分全是1",
        )

    @check(en="Both neighbourhoods, in one mean", zh="两侧邻域放进同一个平均")
    def takes_one_mean_of_both_neighbourhoods(self, fn):
        source = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        target = torch.tensor([[0.6, 0.0, 0.8], [0.8, 0.6, 0.0]])
        expect_close(
            fn(source, target, k=1),
            torch.tensor([0.6 / 0.7, 0.6 / 0.7]),
            "the first source's nearest is the other target (0.8), its target's nearest is that source (0.6): 0.6 over their mean, "
            "0.7; the second pair has 0.6 and 0.8",
            "第一个源最近的是另一个目标（0.8），它的目标最近的是这个源（0.6）：0.6除以两者的平均0.7；第二对则是0.6与0.8",
        )
        given = self.example()
        expect_close(
            fn(given["target"], given["source"], given["k"]),
            fn(**given),
            "source and target play the same part: swapped, they should give the same scores",
            "源与目标的地位相同：互换之后得分应不变",
        )

    @check(en="k is cut to the pairs there are", zh="k不超过实有的句对数")
    def cuts_k_to_what_is_there(self, fn):
        for rows in (2, 3, 4):
            source, target = _pairs(rows, seed=3)
            cosines = cosines_of(source, target)
            means = (cosines.mean(0) + cosines.mean(1)) / 2
            for k in (rows, 50):
                expect_close(
                    fn(source, target, k),
                    cosines.diagonal() / means,
                    f"of {rows} pairs and k = {k} the whole other side is the neighbourhood, {rows} vectors",
                    f"{rows}个句对、k = {k}时，另一侧的全部{rows}个向量就是邻域",
                )
        expect_close(
            fn(torch.tensor([[3.0, 4.0]]), torch.tensor([[4.0, 3.0]])),
            torch.tensor([1.0]),
            "a pair alone is its own neighbourhood: 0.96 over 0.96",
            "只有一个句对时，邻域就是它自己：0.96除以0.96",
        )

    looks_at_four_neighbours_by_default = check_default("k", 4)

    @check(en="Pairs at right angles score k, alike ones 1", zh="互相垂直的句对得k，全都一样的得1")
    def goes_from_one_to_k(self, fn):
        for rows, k in ((6, 1), (6, 3), (6, 6), (3, 4)):
            expect_close(
                fn(torch.eye(rows), torch.eye(rows), k),
                torch.full((rows,), float(min(rows, k))),
                f"{rows} pairs at right angles, k = {k}: of {min(rows, k)} neighbours only the partner has a cosine, 1; a score may "
                "well exceed 1",
                f"{rows}个互相垂直的句对、k = {k}：{min(rows, k)}个近邻中只有自己的译文余弦为1，其余为0；得分完全可以超过1",
            )
        same = torch.tensor([[1.0, 2.0, 2.0]]).repeat(5, 1)
        expect_close(
            fn(same, 3 * same, 2),
            torch.ones(5),
            "where all vectors are the same, every cosine is 1 and so is every score: nothing stands out",
            "所有向量都相同时，余弦全是1，得分也全是1：没有哪一对突出",
        )

    @check(en="What is near to everything scores low", zh="与什么都近的得分低")
    def scores_a_hub_low(self, fn):
        source, target = _with_a_hub()
        scores, cosines = fn(source, target, 3), cosines_of(source, target).diagonal()
        expect(
            bool(scores[3] < scores[:3].min()),
            f"the last pair has the highest cosine ({cosines[3]:.3f} against {cosines[0]:.3f}), but both its sides are near to "
            f"everything; it should score below the others, but the scores are {[round(s, 3) for s in scores.tolist()]}",
            f"最后一对的余弦最高（{cosines[3]:.3f}，其余为{cosines[0]:.3f}），但它的两侧与什么都近；得分应低于其他各对，实际得分是"
            f"{[round(s, 3) for s in scores.tolist()]}",
        )

    @check(en="A negative cosine scores below 0", zh="余弦为负，得分也为负")
    def keeps_the_sign(self, fn):
        source, target = _one_opposed()
        expect_close(
            fn(source, target, k=1),
            torch.tensor([-1 / 0.6, 0.28 / 0.6]),
            "the first pair has the cosine −1, and each side a neighbour of cosine 0.6: −1 / 0.6; a filter cuts it off, the score "
            "doesn't",
            "第一对的余弦是−1，两侧各有一个余弦为0.6的近邻：得分−1 / 0.6；该由阈值来过滤，得分本身不要截断",
        )

    @check(en="Every pair for itself, whatever the order", zh="逐对给分，与次序无关")
    def goes_with_the_order_of_the_pairs(self, fn):
        source, target = _pairs(7, seed=5)
        order = torch.tensor([4, 2, 6, 0, 3, 1, 5])
        expect_close(
            fn(source[order], target[order], 3),
            fn(source, target, 3)[order],
            "the same pairs in another order should have the same scores in that order",
            "同样的句对换个次序，得分应不变，只是跟着换次序",
        )
        cosines = cosines_of(source, target[order])
        expect_close(
            fn(source, target[order], 7),
            2 * cosines.diagonal() / (cosines.mean(0) + cosines.mean(1)),
            "row i of source belongs to row i of target: other partners, other scores",
            "source的第i行与target的第i行配对：换了搭档，得分也不同",
        )

    @check(en="Lengths don't matter, from 1e-6 to 1e6", zh="向量长度不影响结果，从1e-6到1e6")
    def is_by_cosine(self, fn):
        source, target = _units()
        expected = fn(source, target, 3)
        for given in _in_other_lengths(source, target):
            expect_close(
                fn(*given, 3),
                expected,
                "longer or shorter vectors of the same directions should get the same scores: divide both sides by their lengths, "
                "and add nothing to these that isn't small beside 1e-6",
                "方向不变、只改长度，得分应当不变：两侧都要除以长度，而且给长度加的数与1e-6相比也必须很小",
            )

    @check(en="Keeps the dtype", zh="保持dtype")
    def keeps_the_dtype(self, fn):
        for dtype in (torch.float32, torch.float64):
            came = fn(*(side.to(dtype) for side in _pairs(5, seed=9)), 2)
            expect(
                came.dtype == dtype,
                f"{dtype} goes in, {came.dtype} comes out",
                f"输入是{dtype}，输出却是{came.dtype}",
            )

    def example(self):
        source, target = _pairs(11, seed=11)
        return {"source": source, "target": target, "k": 3}

    def probes(self):
        found = {}
        for seed, (rows, k) in enumerate(((9, 2), (8, 3), (12, 5))):
            source, target = _pairs(rows, seed=13 + 2 * seed)
            found[f"{rows} pairs, k = {k}"] = {"source": source, "target": target, "k": k}
        source, target = _pairs(7, seed=21)
        found["k = 1"] = {"source": source, "target": target.roll(1, 0), "k": 1}
        return found | {"default": without(self.example(), "k")}

    def edges(self):
        source, target = _pairs(5, seed=23)
        return {
            "k = N": {"source": source, "target": target, "k": 5},
            "k = 6": {"source": source, "target": target, "k": 6},
            "k = 50": {"source": source, "target": target, "k": 50},
            "a negative cosine": dict(zip(("source", "target"), _one_opposed(), strict=True)) | {"k": 1},
        }  # fmt: skip

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["dtype"] = outcome(
            lambda: str(function(*(side.double() for side in _pairs(5, seed=25)), 2).dtype)
        )

        def arguments_afterwards():
            given = fresh(self.example())
            function(**given)
            return given["source"], given["target"]

        edge["arguments"] = outcome(arguments_afterwards)
        edge["lengths"] = outcome(lambda: is_blind_to_lengths(function))
        return ordinary, edge


def _fan() -> tuple[torch.Tensor, torch.Tensor]:
    """Four pairs of equal vectors, of which the first has the cosines 1, 0.8, 0.6 and 0 with the four."""
    rows = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8], [0.0, 1.0]])
    return rows, rows.clone()


def _with_a_hub() -> tuple[torch.Tensor, torch.Tensor]:
    """Three pairs of cosine 0.8, at right angles to one another, and one of cosine 1 in the middle of them."""
    rows = torch.cat([torch.eye(3), torch.ones(1, 3)])
    aside = torch.tensor([[0.5], [0.5], [0.5], [0.0]])
    return torch.cat([rows, aside, 0 * aside], 1), torch.cat([rows, 0 * aside, aside], 1)


def _one_opposed() -> tuple[torch.Tensor, torch.Tensor]:
    """Two pairs in the plane, of which the first points apart, while each side has a neighbour of cosine 0.6."""
    return torch.tensor([[1.0, 0.0], [-0.6, 0.8]]), torch.tensor([[-1.0, 0.0], [0.6, 0.8]])


def _pairs(rows: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Sources and noisy translations, on one side of the origin, so that every neighbourhood has a mean above 0."""
    source = 1.0 + normal(rows, 6, seed=seed, scale=0.8)
    return source, source + normal(rows, 6, seed=seed + 1, scale=0.8)


def _units() -> tuple[torch.Tensor, torch.Tensor]:
    """Six pairs of vectors of length 1."""
    return tuple(F.normalize(side, dim=1) for side in _pairs(6, seed=7))


def _in_other_lengths(source, target) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Six pairs in lengths from 1e-6 to 1e6, of either side or both."""
    lengths = torch.tensor([[1e-6], [1e6], [1.0], [30.0], [1e-3], [0.5]])
    return [
        (source * lengths, target),
        (source, target * lengths),
        (source * lengths, target * lengths.flip(0)),
    ]


def is_blind_to_lengths(function) -> bool:
    """Whether other lengths change no score."""
    expected = function(*_units(), 3)
    return all(is_close(function(*given, 3), expected) for given in _in_other_lengths(*_units()))


def cosines_of(source, target):
    return F.normalize(source, dim=-1) @ F.normalize(target, dim=-1).T


def nearest(cosines, k, dim):
    """The k largest along `dim`, k cut to what is there."""
    return cosines.topk(min(k, len(cosines)), dim).values


def mean_of_both(cosines, k):
    """What each pair's cosine is divided by, as it should be."""
    return (nearest(cosines, k, 1).mean(1) + nearest(cosines, k, 0).mean(0)) / 2
