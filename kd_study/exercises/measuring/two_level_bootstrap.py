import itertools
import math
import statistics

import numpy as np
import torch

from kd_study.exercises.base import Exercise, check, expect, expect_close, normal, outcome
from kd_study.exercises.measuring._interval import alone, ends, expect_interval


class TwoLevelBootstrap(Exercise):
    first_are_rows = False

    def validate(self, result, arguments):
        expect_interval(result)

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            torch.tensor(fn([0.0, 2.0, 5.0], ["a", "a", "b"], samples=4000)),
            torch.tensor([3.0, 0.5, 5.0]),
            "the groups' means are 1 and 5. A quarter of the resamples is b twice, 5; a quarter is a twice, each time two rows drawn "
            "anew, so that all four are 0 in 1.6 % of the cases and three of them in 6.3 % more: 2.5 % lies at 0.5",
            "两组的均值是1和5。四分之一的重采样两次都是b，得5；四分之一两次都是a，每次都重新抽两行，四行全为0的占1.6%，"
            "恰有三行为0的另占6.3%：2.5%处是0.5",
        )

    @check(en="Both levels are drawn, each time anew", zh="两层都抽，每次都重新抽")
    def draws_both_levels_anew(self, fn):
        expect_close(
            torch.tensor(fn(_BOTH, ["x", "x", "y", "y", "y", "z"], samples=4000)),
            torch.tensor([22 / 3, 8 / 3, 12.0]),
            "three groups, [12, 0], [4, 4, 4] and [12]: a resample is three groups drawn with replacement, and whichever is "
            "drawn twice counts twice, with rows drawn anew each time",
            "三个组[12, 0]、[4, 4, 4]和[12]：一次重采样有放回地抽三个组，抽到两次的组就算两次，每次都重新抽它的行",
        )

    @check(
        en="Every group counts the same, and stays one wherever its rows are",
        zh="各组同等重要，行分散在各处也是一组",
    )
    def counts_every_group_alike(self, fn):
        expect_close(
            torch.tensor(fn(**_six(_SIX), samples=4000)),
            torch.tensor([3.0, 1.0, 5.0]),
            "three groups of one row are 0, three of five rows are 6: the mean of the groups' means is 3 however many rows "
            "each has, and of six groups drawn one at least is of either kind in all but 3.1 % of the cases",
            "三个单行组为0，三个五行组为6：不论各组有几行，各组均值的平均都是3；抽六个组时，除3.1%的情况外，两类都至少各有一个",
        )

    @check(en="One group; one row each", zh="只有一组；每组一行")
    def falls_back_on_one_level(self, fn):
        for groups, en, zh in (
            ([7, 7, 7], "with one group only rows are left to draw", "只有一个组时，能抽的只有行"),
            ([1, 2, 3], "with one row a group only groups are left to draw", "每组只有一行时，能抽的只有组"),
        ):
            expect_close(
                torch.tensor(fn([0, 0, 3], groups, samples=4000)),
                torch.tensor([1.0, 0.0, 3.0]),
                f"{en}: of [0, 0, 3] all are 3 in 1 of 27 cases, more than 2.5 %, and none in 8 of 27",
                f"{zh}：对[0, 0, 3]，27次里有1次全是3（超过2.5%），8次一个3也没有",
            )
        expect_close(
            torch.tensor(fn([1.5, 1.5, 1.5, 1.5], ["a", "b", "b", "b"], 50)),
            torch.tensor([1.5, 1.5, 1.5]),
            "where all differences are 1.5, mean, low and high are",
            "差全部是1.5时，mean、low、high也都是1.5",
        )

    @check(en="As wide as theory says", zh="宽度与理论一致")
    def is_as_wide_as_theory_says(self, fn):
        for data, en, zh in (
            (_noisy(0.6), "differing, the small ones noisy", "各组有差别，小组噪声大"),
            (_noisy(0.0), "of one mean, the small ones noisy", "各组均值相同，小组噪声大"),
        ):
            _, low, high = fn(*data, 2000)
            expect_close(
                (high - low) / _theoretical_width(*data),
                1.0,
                f"10 groups, {en}: the interval should be about 2 · 1.96 · √((V + W) / 10) wide, V the variance of the groups' means "
                "and W the mean over groups of (variance of its rows) / (how many rows it has)",
                f"10个组，{zh}：区间宽度应约为2 · 1.96 · √((V + W) / 10)，V是各组均值的方差，W是各组“行的方差 / 行数”的平均",
                tolerance=0.12,
            )

    @check(en="Any ids, lists or tensors", zh="任意的组标识，列表或张量")
    def takes_any_ids(self, fn):
        differences, groups = [3, 0, 1, 1, 2], [0, 1, 0, 2, 1]
        expected = torch.tensor(fn([float(d) for d in differences], groups, 200))
        ids = {
            "strings": ["turn on", "turn off", "weather"],
            "numbers with gaps": [900, -3, 17],
            "numbers, texts, tuples and None mixed": [("de", 1), "de", None],
        }
        for kind, names in ids.items():
            expect_close(
                torch.tensor(fn(differences, [names[group] for group in groups], 200))[0],
                expected[0],
                f"ids that are {kind} should do as well: whatever can be the key of a dict",
                "组标识可以是任何能当字典键的东西：字符串、不连续的整数、元组、None，也可以混用",
            )
        for kind in (torch.int64, torch.float32):
            expect_close(
                torch.tensor(fn(torch.tensor(differences, dtype=kind), torch.tensor(groups), 200)),
                expected,
                "tensors should give what lists give; a number in a tensor is no key by itself, .tolist() makes it one",
                "张量应与列表得到相同的结果；张量里的数本身不能当键，先用.tolist()转换",
            )

    @check(en="The seed decides, and nothing else", zh="由seed决定，且只由它决定")
    def depends_on_its_seed_alone(self, fn):
        data = _noisy(0.6)
        one = fn(*data, 200, 7)
        torch.rand(3)  # somebody else draws in between
        expect(
            tuple(one) == tuple(fn(*data, 200, 7)),
            "the same seed should give the same interval; draw from a generator of your own that is seeded with it",
            "同一个seed应得到同一个区间；请用以它为种子的、自己的生成器来抽样",
        )
        expect(
            len({tuple(fn(*data, 200, seed)) for seed in range(3)}) > 1,
            "three seeds give the very same interval: is the seed used?",
            "三个不同的seed得到完全相同的区间：seed用上了吗？",
        )

    @check(en="Defaults: 10,000 samples, seed 0", zh="默认值：10000次重采样，seed为0")
    def has_the_defaults_of_the_contract(self, fn):
        data = normal(8, seed=5).tolist(), [0] * 8
        full = fn(*data)
        expect(
            tuple(full) == tuple(fn(*data, samples=10_000, seed=0)),
            "without samples and seed these should be 10,000 and 0",
            "不给samples和seed时应取10000和0",
        )
        ends = [fn(*data, samples=2, seed=seed)[1:] for seed in range(20)]
        share = statistics.fmean(high - low for low, high in ends) / (full[2] - full[1])
        expect(
            share < 0.5,
            "two resamples have two means, and the interval lies between them: over 20 seeds its width should be about 0.3 "
            f"times that of 10,000, but is {share:.2g} times; is `samples` used?",
            f"只重采样两次时只有两个均值，区间就在它们之间：对20个seed平均，宽度应约为10000次时的0.3倍，实际是{share:.2g}倍；"
            "samples用上了吗？",
        )

    def probes(self):
        return {
            "three groups": {"differences": _BOTH, "groups": [1, 1, 2, 2, 2, 3], "samples": 5000},
            "in one piece": _six(sorted(_SIX)) | {"samples": 5000},
            "one group": {"differences": [0, 0, 3], "groups": [4, 4, 4], "samples": 5000},
        }

    def edges(self):
        tensors = torch.tensor(_BOTH), torch.tensor([1, 1, 2, 2, 2, 3])
        return {
            "in pieces": _six(_SIX) | {"samples": 5000},
            "tensors": {"differences": tensors[0], "groups": tensors[1], "samples": 5000},
            "mixed ids": {"differences": [0, 2, 5], "groups": [None, None, "b"], "samples": 5000},
        }

    def observe(self, function, arguments):
        """In steps of a half, for any two ways of drawing must come out alike: the ends lie on a few levels here."""
        return outcome(lambda: [round(2 * float(value)) / 2 for value in alone(function, **arguments)])

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        differences, groups = _noisy(0.6)
        few = {"differences": differences, "groups": groups, "samples": 300}
        mean = _mean_and_variance(differences, groups)[0]
        ordinary["width of noisy small groups"] = outcome(lambda: _width_in_steps(function, *_noisy(0.0)))
        edge["the observed mean"] = outcome(lambda: abs(float(alone(function, **few)[0]) - mean) < 1e-3)
        edge["the same again"] = outcome(lambda: ends(function, **few) == ends(function, **few))
        edge["another seed"] = outcome(lambda: ends(function, **few) == ends(function, **few, seed=1))
        return ordinary, edge


_BOTH = [12.0, 0.0, 4.0, 4.0, 4.0, 12.0]  # whoever errs in how groups and rows are drawn finds other ends
_SIX = ["d", "a", "e", "f", "d", "e", "b", "f", "d", "e", "f", "c", "d", "e", "f", "d", "e", "f"]


def _six(groups: list) -> dict:
    """Three groups of one row each, 0, and three of five rows, 6."""
    return {"differences": [6.0 * (group in "def") for group in groups], "groups": groups}


def _noisy(between: float) -> tuple[list, list]:
    """10 groups, half of 3 rows, half of 12 rows with a fifth of the noise; their means `between` or less from 0."""
    differences, groups = [], []
    for group in range(10):
        n, scale = (12, 0.2) if group % 2 else (3, 1.0)
        noise = normal(n, seed=group)
        noise = scale * (noise - noise.mean()) / noise.std(correction=0)
        differences += (noise + between * math.cos(1.7 * group)).tolist()
        groups += [group] * n
    return differences, groups


def _mean_and_variance(differences, groups) -> tuple[float, float]:
    """Of the means of resamples, by theory."""
    rows = _rows(differences, groups)
    means = [statistics.fmean(own) for own in rows]
    within = statistics.fmean(statistics.pvariance(own) / len(own) for own in rows)
    return statistics.fmean(means), (statistics.pvariance(means) + within) / len(rows)


def _theoretical_width(differences, groups) -> float:
    return 2 * 1.96 * _mean_and_variance(differences, groups)[1] ** 0.5


def _width_in_steps(function, differences, groups) -> str:
    """In steps of a half, for which numbers were drawn must not show; a text, for two mistakes' widths don't add up."""
    low, high = ends(function, differences=differences, groups=groups, samples=2000)
    return f"{round(2 * (high - low) / _theoretical_width(differences, groups)) / 2} times"


def _rows(differences, groups):
    """The differences of each group."""
    rows = {}
    for difference, group in zip(differences, getattr(groups, "tolist", lambda: groups)(), strict=True):
        rows.setdefault(group, []).append(float(difference))
    return list(rows.values())


def _fresh_means(rows, chosen, rng, size=None):
    """For each group chosen the mean of its rows, drawn anew."""
    means = np.empty(chosen.shape)
    for group, own in enumerate(rows):
        here = chosen == group
        means[here] = rng.choice(own, (here.sum(), size or len(own))).mean(1)
    return means


def _interval(rows, means, low=2.5, high=97.5):
    low, high = np.percentile(means, [low, high])
    return statistics.fmean(map(statistics.fmean, rows)), float(low), float(high)


def _start(differences, groups, samples, seed):
    """(rows of each group, groups drawn for each sample, generator)."""
    rows, rng = _rows(differences, groups), np.random.default_rng(seed)
    return rows, rng.integers(len(rows), size=(samples, len(rows))), rng


@TwoLevelBootstrap.wrong(
    en="The groups aren't used: rows are drawn from all, as if sentences of one template were independent. The interval is too "
    "narrow, often by far.",
    zh="没有用到组：从全部的行里抽，好像同一模板的句子彼此独立似的。区间会偏窄，而且常常窄得多。",
    reference="https://github.com/UKGovernmentBEIS/inspect_ai/issues/1251",
)
def takes_rows_for_independent(differences, groups, samples=10_000, seed=0):
    rows, rng = np.concatenate(_rows(differences, groups)), np.random.default_rng(seed)
    return _interval([rows], rng.choice(rows, (samples, len(rows))).mean(1))


@TwoLevelBootstrap.wrong(
    en="All rows drawn go into one mean: a template with a hundred sentences counts a hundred times. Average within the groups "
    "first, then over them.",
    zh="把抽到的所有行放在一起平均：有一百句的模板就算了一百次。应先在组内平均，再对各组平均。",
    reference="https://github.com/METR/eval-analysis-public/issues/8",
)
def weighs_groups_by_their_rows(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    sizes = np.array([len(own) for own in rows])[chosen]
    means = (_fresh_means(rows, chosen, rng) * sizes).sum(1) / sizes.sum(1)
    return _interval([np.concatenate(rows)], means)


@TwoLevelBootstrap.wrong(
    en="Only groups are drawn, each with its own mean: that is the cluster bootstrap, a narrower scheme, and blind where there is "
    "one group. Here the rows of a group drawn are drawn as well.",
    zh="只抽了组，每组用它自己的均值：这是聚类自助法，区间更窄，而且只有一个组时什么也看不出来。这里抽到组之后，还要抽组里的行。",
)
def draws_groups_only(differences, groups, samples=10_000, seed=0):
    rows, chosen, _ = _start(differences, groups, samples, seed)
    return _interval(rows, np.array([np.mean(own) for own in rows])[chosen].mean(1))


@TwoLevelBootstrap.wrong(
    en="Only rows are drawn, every group stays: the interval holds for these templates, not for others that users may say.",
    zh="只抽了行，每个组都保留：这个区间只对这些模板成立，对用户可能说出的其他模板不成立。",
)
def draws_rows_only(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    return _interval(rows, _fresh_means(rows, np.zeros_like(chosen) + np.arange(len(rows)), rng).mean(1))


@TwoLevelBootstrap.wrong(
    en="A group drawn twice counts once: a set, `isin` or SQL's IN drops the repeats, and a third of the groups is missing from "
    "every resample.",
    zh="抽到两次的组只算了一次：集合、`isin`或SQL的IN会丢掉重复，每次重采样都少了约三分之一的组。",
    reference="https://github.com/py-econometrics/duckreg/issues/19",
)
def drops_repeated_groups(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    every = np.zeros_like(chosen) + np.arange(len(rows))
    there = (chosen[:, :, None] == np.arange(len(rows))).any(1)
    return _interval(rows, (_fresh_means(rows, every, rng) * there).sum(1) / there.sum(1))


@TwoLevelBootstrap.wrong(
    en="Each group's rows are drawn once a resample, and a group drawn twice brings the same rows twice. Draw them anew.",
    zh="每次重采样，每组的行只抽一次，抽到两次的组两次用的是同样的行。应当重新抽。",
)
def brings_the_same_rows_twice(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    every = _fresh_means(rows, np.zeros_like(chosen) + np.arange(len(rows)), rng)
    return _interval(rows, np.take_along_axis(every, chosen, 1).mean(1))


@TwoLevelBootstrap.wrong(
    en="From every group as many rows are drawn as a group has on average: a small one looks surer than it is, a large one less.",
    zh="每组抽的行数都取各组的平均行数：小组显得比实际更可靠，大组则更不可靠。",
)
def draws_equally_many_rows(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    size = round(len(differences) / len(rows))
    return _interval(rows, _fresh_means(rows, chosen, rng, size).mean(1))


@TwoLevelBootstrap.wrong(
    en="The groups are drawn from the rows' ids, repeats and all: a group with many rows comes up as many times as often.",
    zh="从各行的组标识里（含重复）抽组：行数多的组被抽到的机会也成倍地多。",
)
def draws_groups_by_their_size(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    shares = np.array([len(own) for own in rows]) / len(differences)
    return _interval(rows, _fresh_means(rows, rng.choice(len(rows), chosen.shape, p=shares), rng).mean(1))


@TwoLevelBootstrap.wrong(
    en="itertools.groupby makes a new group wherever the id changes: rows of one group that don't stand together become several.",
    zh="itertools.groupby在标识变化处就另起一组：同一组的行若不相邻，就被拆成了好几组。",
)
def splits_groups_that_are_apart(differences, groups, samples=10_000, seed=0):
    pairs = zip(getattr(groups, "tolist", lambda: groups)(), differences, strict=True)
    pieces = enumerate(list(part) for _, part in itertools.groupby(pairs, key=lambda pair: pair[0]))
    named = [(number, difference) for number, part in pieces for _, difference in part]
    rows, chosen, rng = _start([d for _, d in named], [number for number, _ in named], samples, seed)
    return _interval(rows, _fresh_means(rows, chosen, rng).mean(1))


@TwoLevelBootstrap.wrong(
    en="The elements of a tensor are keys of a dict: each is an object of its own, equal to no other, so that every row is a group. "
    "Take groups.tolist().",
    zh="拿张量的元素当字典的键：每个元素都是独立的对象，与谁都不相等，于是每一行自成一组。请用groups.tolist()。",
)
def takes_tensors_for_keys(differences, groups, samples=10_000, seed=0):
    rows, rng = {}, np.random.default_rng(seed)
    for difference, group in zip(differences, groups, strict=True):
        rows.setdefault(group, []).append(float(difference))
    rows = list(rows.values())
    chosen = rng.integers(len(rows), size=(samples, len(rows)))
    return _interval(rows, _fresh_means(rows, chosen, rng).mean(1))


@TwoLevelBootstrap.wrong(
    en="The ids are sorted: texts and None, or texts and numbers, have no order. Keys of a dict need none.",
    zh="对组标识排序：字符串与None、字符串与数字之间没有大小之分。字典的键不需要次序。",
)
def sorts_the_ids(differences, groups, samples=10_000, seed=0):
    sorted(set(getattr(groups, "tolist", lambda: groups)()))
    rows, chosen, rng = _start(differences, groups, samples, seed)
    return _interval(rows, _fresh_means(rows, chosen, rng).mean(1))


@TwoLevelBootstrap.wrong(
    en="The percentiles are 5 and 95: that is a 90 % interval. A 95 % interval leaves 2.5 % on either side.",
    zh="取了第5和第95百分位数：这是90%的区间。95%的区间每侧只留2.5%。",
)
def leaves_five_percent_on_each_side(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    return _interval(rows, _fresh_means(rows, chosen, rng).mean(1), 5, 95)


@TwoLevelBootstrap.wrong(
    en="The first number is the mean of the resamples: close, but it carries the luck of the draw. The observed one is known "
    "exactly.",
    zh="第一个数是重采样均值的平均：虽然接近，却带着抽样的运气。观测值是精确已知的。",
)
def averages_the_resamples(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, seed)
    means = _fresh_means(rows, chosen, rng).mean(1)
    return float(means.mean()), *_interval(rows, means)[1:]


@TwoLevelBootstrap.wrong(
    en="The generator always starts from 0: the seed is taken and never used.",
    zh="生成器总是从0开始：参数seed根本没有用到。",
)
def ignores_the_seed(differences, groups, samples=10_000, seed=0):
    rows, chosen, rng = _start(differences, groups, samples, 0)
    return _interval(rows, _fresh_means(rows, chosen, rng).mean(1))


EXERCISE = TwoLevelBootstrap()
