import statistics

import torch

from kd_study.exercises.base import Exercise, check, expect, expect_close, normal, outcome
from kd_study.exercises.measuring._interval import alone, ends, expect_interval


def whiteboard(a, b, samples=10_000, seed=0):
    d = torch.as_tensor(a, dtype=torch.float64) - torch.as_tensor(b, dtype=torch.float64)
    drawn = torch.randint(len(d), (samples, len(d)), generator=torch.Generator().manual_seed(seed))
    low, high = d[drawn].mean(1).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64))
    return d.mean().item(), low.item(), high.item()


class PairedBootstrap(Exercise):
    def validate(self, result, arguments):
        expect_interval(result)

    @check(en="The observed mean of a − b", zh="观测到的a − b的平均")
    def starts_with_the_observed_mean(self, fn):
        mean, low, high = fn([3.0, 1.0, 2.0, 7.0], [1.0, 1.5, 0.0, 1.0], samples=200)
        expect_close(
            mean,
            2.375,
            "the first number is the mean of a − b itself, (2 − 0.5 + 2 + 6) / 4, not that of the resampled means",
            "第一个数就是a − b的平均(2 − 0.5 + 2 + 6) / 4，而不是重采样均值的平均",
        )
        expect_close(
            fn([1.0, 1.5, 0.0, 1.0], [3.0, 1.0, 2.0, 7.0], samples=200)[0],
            -2.375,
            "with a and b swapped the mean changes its sign",
            "a与b互换后，均值变号",
        )
        expect(
            low <= mean <= high,
            f"the interval goes from low to high around the mean, but {low:.3g} to {high:.3g} came back",
            f"区间应从low到high，把均值夹在中间，返回的却是{low:.3g}到{high:.3g}",
        )

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            torch.tensor(fn([0.0, 1.0], [0.0, 0.0], samples=2000)),
            torch.tensor([0.5, 0.0, 1.0]),
            "of two pairs a resample takes the first twice or the second twice in a quarter of the cases each, so the "
            "interval is [0, 1]",
            "只有两对时，重采样有四分之一的机会两次都是第一对，四分之一两次都是第二对，所以区间是[0, 1]",
        )

    @check(en="Pairs stay together", zh="成对抽样，不拆开")
    def keeps_pairs_together(self, fn):
        a = [0.0, 100.0, 7.0, -40.0, 3.0]
        expect_close(
            torch.tensor(fn(a, [value - 1.5 for value in a], samples=200)),
            torch.tensor([1.5, 1.5, 1.5]),
            "where every pair differs by 1.5, every resample does: draw pairs, not each side by itself",
            "每一对都恰好相差1.5时，每次重采样也是如此：要成对地抽，不能两边各抽各的",
        )

    @check(en="Percentiles of the means: 2.5 and 97.5", zh="均值的第2.5与第97.5百分位数")
    def takes_the_percentiles_of_the_means(self, fn):
        for a, expected, en, zh in (
            ([0, 0, 3], [1.0, 0.0, 3.0],
             "a resample of [0, 0, 3] is all threes in 1 of 27 cases, more than 2.5 %, and has none in 8 of 27",
             "对[0, 0, 3]重采样，27次里有1次全是3（超过2.5%），8次一个3也没有"),
            ([0, 0, 0, 5, 5], [2.0, 0.0, 4.0],
             "a resample of [0, 0, 0, 5, 5] has a mean of 5 in 1 % of the cases and of 4 in 8 %: 97.5 % lies at 4",
             "对[0, 0, 0, 5, 5]重采样，均值为5的占1%，为4的占8%：97.5%处是4"),
        ):  # fmt: skip
            expect_close(torch.tensor(fn(a, [0] * len(a), samples=4000)), torch.tensor(expected), en, zh)

    @check(en="As wide as theory says", zh="宽度与理论一致")
    def is_as_wide_as_theory_says(self, fn):
        a, b = normal(60, seed=1).tolist(), normal(60, seed=2).tolist()
        _, low, high = fn(a, b, 4000)
        expect_close(
            high - low,
            _theoretical_width(a, b),
            "with 60 pairs the interval should be about 2 · 1.96 · σ / √n wide, σ the spread of the differences: each "
            "resample has n pairs, and 95 % of the means lie inside",
            "60对时，区间宽度应约为2 · 1.96 · σ / √n（σ是差的标准差）：每次重采样抽n对，95%的均值落在区间内",
            tolerance=0.09,
        )

    @check(en="The seed decides, and nothing else", zh="由seed决定，且只由它决定")
    def depends_on_its_seedalone(self, fn):
        a, b = normal(20, seed=3).tolist(), normal(20, seed=4).tolist()
        one = fn(a, b, 500, 7)
        torch.rand(3)  # somebody else draws in between
        expect(
            tuple(one) == tuple(fn(a, b, 500, 7)),
            "the same seed should give the same interval; draw from a generator of your own that is seeded with it",
            "同一个seed应得到同一个区间；请用以它为种子的、自己的生成器来抽样",
        )
        expect(
            len({tuple(fn(a, b, 500, seed)) for seed in range(3)}) > 1,
            "three seeds give the very same interval: is the seed used?",
            "三个不同的seed得到完全相同的区间：seed用上了吗？",
        )

    @check(en="Defaults: 10,000 samples, seed 0", zh="默认值：10000次重采样，seed为0")
    def has_the_defaults_of_the_contract(self, fn):
        a, b = normal(12, seed=5).tolist(), normal(12, seed=6).tolist()
        expect(
            tuple(fn(a, b)) == tuple(fn(a, b, samples=10_000, seed=0)),
            "without samples and seed these should be 10,000 and 0",
            "不给samples和seed时应取10000和0",
        )
        ends = [fn(a, b, samples=2, seed=seed)[1:] for seed in range(20)]
        width = statistics.fmean(high - low for low, high in ends)
        expect(
            width < _theoretical_width(a, b) / 2,
            f"two resamples have two means, and the interval lies between them: over 20 seeds its width should be about 0.3 "
            f"times that of 10,000, but is {width / _theoretical_width(a, b):.2g} times; is `samples` used?",
            f"只重采样两次时只有两个均值，区间就在它们之间：对20个seed平均，宽度应约为10000次时的0.3倍，"
            f"实际是{width / _theoretical_width(a, b):.2g}倍；samples用上了吗？",
        )

    @check(en="Lists or tensors, of whole numbers too", zh="列表或张量，整数也可以")
    def takes_lists_and_tensors(self, fn):
        hits, others = [1, 0, 1, 1], [0, 0, 1, 0]
        expected = torch.tensor(fn([float(x) for x in hits], [float(x) for x in others], 200))
        for kind, a, b in (
            ("lists of whole numbers", hits, others),
            ("tensors of whole numbers", torch.tensor(hits), torch.tensor(others)),
            ("float tensors", torch.tensor(hits).float(), torch.tensor(others).float()),
        ):
            expect_close(
                torch.tensor(fn(a, b, 200)),
                expected,
                f"{kind} should give what lists of floats give",
                "列表、整数张量和浮点张量应得到相同的结果",
            )

    @check(en="One pair", zh="只有一对")
    def copes_with_one_pair(self, fn):
        expect_close(
            torch.tensor(fn([2.0], [0.5], 50)),
            torch.tensor([1.5, 1.5, 1.5]),
            "one pair can only be drawn again and again: mean, low and high are its difference",
            "只有一对时，每次抽到的都是它：mean、low、high都等于它的差",
        )

    def probes(self):
        return {
            "three pairs": {"a": [0, 0, 3], "b": [0, 0, 0]},
            "five pairs": {"a": [0, 0, 0, 5, 5], "b": [0, 0, 0, 0, 0]},
            "equal pairs": {"a": [0, 2], "b": [0, 2]},
            "a negative mean": {"a": [0.0, 0.0, 0.0], "b": [0.0, 3.0, 0.0]},
        }

    def observe(self, function, arguments):
        """Rounded, for any two ways of drawing must come out alike: the ends lie on a few levels here."""
        return outcome(lambda: [round(float(value), 1) for value in alone(function, **arguments)])

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        a, b = normal(20, seed=3).tolist(), normal(20, seed=4).tolist()
        mean = statistics.fmean(a) - statistics.fmean(b)
        call = {"a": a, "b": b, "samples": 300}
        ordinary["width"] = outcome(lambda: _width_against_theory(function, a, b))
        edge["the observed mean"] = outcome(lambda: abs(float(alone(function, **call)[0]) - mean) < 6e-3)
        edge["plain numbers"] = outcome(
            lambda: all(isinstance(x, int | float) for x in alone(function, **call))
        )
        edge["the same again"] = outcome(lambda: ends(function, **call) == ends(function, **call))
        edge["another seed"] = outcome(lambda: ends(function, **call) == ends(function, **call, seed=1))
        edge["one resample"] = outcome(lambda: len(set(ends(function, **call | {"samples": 1}))) == 1)
        edge["leaves the global state"] = outcome(lambda: _leaves_the_global_state(function, **call))
        return ordinary, edge


def _theoretical_width(a, b):
    return 2 * 1.96 * statistics.pstdev(x - y for x, y in zip(a, b, strict=True)) / len(a) ** 0.5


def _width_against_theory(function, a, b):
    """In steps of a half, for which numbers were drawn must not show."""
    low, high = ends(function, a=a, b=b, samples=3000)
    return round(2 * (high - low) / _theoretical_width(a, b)) / 2


def _leaves_the_global_state(function, **arguments):
    with torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        function(**arguments)
        return torch.equal(before, torch.get_rng_state())


def _differences(a, b):
    return torch.as_tensor(a, dtype=torch.float64) - torch.as_tensor(b, dtype=torch.float64)


def _means(d, samples, seed):
    generator = torch.Generator().manual_seed(seed)
    return d[torch.randint(len(d), (samples, len(d)), generator=generator)].mean(1)


def _interval(mean, values, low=0.025, high=0.975):
    return mean.item(), values.quantile(low).item(), values.quantile(high).item()


@PairedBootstrap.wrong(
    en="The difference is b − a: the sign of every number is turned around.",
    zh="算成了b − a：每个数的符号都反了。",
)
def subtracts_the_other_way_round(a, b, samples=10_000, seed=0):
    d = _differences(b, a)
    return _interval(d.mean(), _means(d, samples, seed))


@PairedBootstrap.wrong(
    en="Each side is resampled by itself: what makes a sentence hard for both no longer cancels, and the interval is "
    "much too wide.",
    zh="两边各自独立重采样：句子对两者共同的难度不再抵消，区间宽得多。",
)
def breaks_up_the_pairs(a, b, samples=10_000, seed=0):
    sides = [torch.as_tensor(side, dtype=torch.float64) for side in (a, b)]
    means = _means(sides[0], samples, seed) - _means(sides[1], samples, seed + 1)
    return _interval(sides[0].mean() - sides[1].mean(), means)


@PairedBootstrap.wrong(
    en="The percentiles are 5 and 95: that is a 90 % interval. A 95 % interval leaves 2.5 % on either side.",
    zh="取了第5和第95百分位数：这是90%的区间。95%的区间每侧只留2.5%。",
)
def leaves_five_percent_on_each_side(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    return _interval(d.mean(), _means(d, samples, seed), 0.05, 0.95)


@PairedBootstrap.wrong(
    en="The interval goes from the smallest to the largest resampled mean: the more samples, the wider it is. (Percentiles "
    "that count to 100, given 0.025, end up close to this.)",
    zh="区间取了重采样均值的最小值到最大值：samples越多，区间越宽。（百分位函数要的是0到100的数，传了0.025也接近这种结果。）",
)
def takes_the_extremes(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    return _interval(d.mean(), _means(d, samples, seed), 0.0, 1.0)


@PairedBootstrap.wrong(
    en="One standard deviation to either side: that covers about 68 %, not 95 %.",
    zh="左右各取一个标准差：只覆盖约68%，而不是95%。",
)
def goes_one_deviation_to_each_side(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    deviation = d.std(correction=0).item() / len(d) ** 0.5
    return d.mean().item(), d.mean().item() - deviation, d.mean().item() + deviation


@PairedBootstrap.wrong(
    en="1.96 standard errors to either side: the normal approximation, always symmetric. The percentiles of the resampled "
    "means follow the data where they are skewed.",
    zh="左右各取1.96个标准误：这是正态近似，永远对称。数据偏斜时，重采样均值的百分位数会跟着偏。",
)
def assumes_a_normal_distribution(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    error = 1.96 * d.std(correction=0).item() / len(d) ** 0.5
    return d.mean().item(), d.mean().item() - error, d.mean().item() + error


@PairedBootstrap.wrong(
    en="These are percentiles of the single differences: they say how pairs vary, not how sure the mean is, and don't "
    "shrink with more data.",
    zh="这是单个差值的百分位数：它说明各对之间差多少，而不是均值有多可靠，数据再多也不会变窄。",
)
def takes_percentiles_of_the_pairs(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    return _interval(d.mean(), d)


@PairedBootstrap.wrong(
    en="The pairs are drawn without replacement: every resample is the whole set, and the interval has no width.",
    zh="抽样没有放回：每次重采样都是原来的全体，区间宽度为零。",
)
def draws_without_replacement(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    generator = torch.Generator().manual_seed(seed)
    means = torch.stack(
        [d[torch.randperm(len(d), generator=generator)].mean() for _ in range(min(samples, 50))]
    )
    return _interval(d.mean(), means)


@PairedBootstrap.wrong(
    en="The percentiles are reflected at the mean, 2 · mean − percentile: that is the basic bootstrap interval, not the "
    "percentile interval.",
    zh="把百分位数对均值做了反射，2 · mean − 百分位数：这是基本（basic）自助区间，而不是百分位区间。",
)
def reflects_the_percentiles(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    mean, low, high = _interval(d.mean(), _means(d, samples, seed))
    return mean, 2 * mean - high, 2 * mean - low


@PairedBootstrap.wrong(
    en="The ends come back as (high, low).",
    zh="区间两端的次序反了，成了(high, low)。",
)
def swaps_theends(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    return _interval(d.mean(), _means(d, samples, seed), 0.975, 0.025)


@PairedBootstrap.wrong(
    en="The first number is the mean of the resampled means: close, but it carries the luck of the draw. The observed mean "
    "is known exactly.",
    zh="第一个数是重采样均值的平均：虽然接近，却带着抽样的运气。观测均值是精确已知的。",
)
def averages_the_resamples(a, b, samples=10_000, seed=0):
    means = _means(_differences(a, b), samples, seed)
    return _interval(means.mean(), means)


@PairedBootstrap.wrong(
    en="The global seed is set: from here on every other draw of the program is changed as well. Use a generator of your "
    "own.",
    zh="设置了全局种子：程序里此后的所有随机抽样都被改变了。请用自己的生成器。",
)
def sets_the_global_seed(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    torch.manual_seed(seed)
    means = d[torch.randint(len(d), (samples, len(d)))].mean(1)
    return _interval(d.mean(), means)


@PairedBootstrap.wrong(
    en="The generator always starts from 0: the seed is taken and never used.",
    zh="生成器总是从0开始：参数seed根本没有用到。",
)
def ignores_the_seed(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    return _interval(d.mean(), _means(d, samples, 0))


@PairedBootstrap.wrong(
    en="The three numbers are tensors: call .item() on them, or a table and json will stumble over them.",
    zh="返回的三个数是张量：请调用.item()，否则制表和json都会出问题。",
)
def returns_tensors(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    means = _means(d, samples, seed)
    return d.mean(), means.quantile(0.025), means.quantile(0.975)


@PairedBootstrap.wrong(
    en="Each resample has half as many pairs as there are: the interval is √2 times too wide.",
    zh="每次重采样只抽一半的对数：区间宽了√2倍。",
)
def draws_half_as_many(a, b, samples=10_000, seed=0):
    d = _differences(a, b)
    generator = torch.Generator().manual_seed(seed)
    drawn = d[torch.randint(len(d), (samples, max(1, len(d) // 2)), generator=generator)]
    return _interval(d.mean(), drawn.mean(1))


EXERCISE = PairedBootstrap()
