import math

from kd_study.exercises.base import Exercise, check, expect, expect_close, expect_float, outcome


class LanguageWeights(Exercise):
    def validate(self, result, arguments):
        expect(
            isinstance(result, dict),
            f"a dict from language to probability should come back, but {type(result).__name__} did",
            f"应返回从语言到概率的dict，返回的却是{type(result).__name__}",
        )
        expect(
            result.keys() == arguments["counts"].keys(),
            f"the keys should be those of counts, {sorted(arguments['counts'])}, but are {sorted(result)}",
            f"键应与counts相同（{sorted(arguments['counts'])}），实际是{sorted(result)}",
        )
        for value in result.values():
            expect_float(value)

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        expect_close(
            _values(fn({"de": 10_000, "ga": 100}, 0.5)),
            [10 / 11, 1 / 11],
            "the roots are 100 and 10: 100 / 110 and 10 / 110",
            "平方根是100和10：100 / 110与10 / 110",
        )

    @check(en="Odds are the counts' odds to the power alpha", zh="概率之比等于计数之比的alpha次幂")
    def raises_the_odds_to_alpha(self, fn):
        for alpha in (0.1, 0.3, 0.7, 1.0, 2.0):
            came = fn({"de": 32_000, "ga": 500, "hu": 20}, alpha)
            expect_close(
                [math.log(came["de"] / came["ga"]), math.log(came["ga"] / came["hu"])],
                [alpha * math.log(64), alpha * math.log(25)],
                f"at alpha = {alpha:g} log(p_de / p_ga) and log(p_ga / p_hu) should be alpha · log of the ratio of the counts",
                f"alpha = {alpha:g}时，log(p_de / p_ga)与log(p_ga / p_hu)应为alpha · log(计数之比)",
            )

    @check(en="Probabilities that sum to 1", zh="概率之和为1")
    def sums_to_one(self, fn):
        for alpha in (0.0, 0.3, 1.0):
            for counts in ({"de": 7, "fr": 90, "it": 3}, {"ja": 5, "ko": 0}, {"zh": 12}, {"a": 1, "b": 1}):
                came = fn(counts, alpha)
                expect_close(
                    sum(came.values()),
                    1.0,
                    f"the probabilities of {counts} at alpha = {alpha:g} don't sum to 1",
                    f"{counts}在alpha = {alpha:g}时各概率之和不为1",
                )
                expect(min(came.values()) >= 0, "a probability is negative", "出现了负的概率")

    @check(en="alpha = 1: the shares; alpha = 0: all alike", zh="alpha = 1：原有比例；alpha = 0：平均")
    def goes_from_shares_to_all_alike(self, fn):
        counts = {"de": 60, "fr": 30, "ga": 10}
        expect_close(
            _values(fn(counts, 1.0)), [0.6, 0.3, 0.1], "alpha = 1 keeps the shares", "alpha = 1时保持原有比例"
        )
        expect_close(
            _values(fn(counts, 0.0)),
            [1 / 3] * 3,
            "alpha = 0 draws all three evenly; 0 is a value, not 'not given'",
            "alpha = 0时三者平均抽取；0是一个取值，不是“没有给出”",
        )
        expect_close(
            _values(fn({"de": 40, "fr": 40}, 0.3)),
            [0.5, 0.5],
            "equal counts, equal chances",
            "计数相同，机会相同",
        )

    @check(en="Without sentences, never drawn", zh="没有句子就不抽")
    def never_draws_a_language_without_data(self, fn):
        for alpha in (0.0, 0.3, 1.0):
            came = fn({"de": 100, "xx": 0, "fr": 100}, alpha)
            expect_close(
                [came["de"], came["xx"], came["fr"]],
                [0.5, 0.0, 0.5],
                f"at alpha = {alpha:g} a language without sentences should get exactly 0 (in Python 0 ** 0 is 1)",
                f"alpha = {alpha:g}时，没有句子的语言概率应恰为0（Python中0 ** 0等于1）",
            )
        expect(
            fn({"de": 100, "xx": 0}, 0.3)["xx"] == 0,
            "no smoothing: there is nothing to draw from a language without sentences",
            "不要平滑：没有句子的语言根本无从抽取",
        )

    @check(en="alpha = 0.3 unless told", zh="默认alpha = 0.3")
    def has_alpha_of_0_3_by_default(self, fn):
        came = fn({"de": 1000, "ga": 1})
        expect_close(
            came["de"] / came["ga"],
            1000**0.3,
            "without alpha it should be 0.3: a thousand times the data, 7.94 times the draws",
            "不给alpha时应取0.3：数据多一千倍，抽到的次数多7.94倍",
        )

    @check(en="Only ratios of counts matter", zh="只看计数之比")
    def looks_at_ratios_only(self, fn):
        small, large = {"de": 8, "fr": 1, "it": 2}, {"de": 8 * 10**9, "fr": 10**9, "it": 2 * 10**9}
        expect_close(
            _values(fn(large, 0.3)),
            _values(fn(small, 0.3)),
            "a billion times as many sentences in every language should change nothing",
            "每种语言的句子都多十亿倍，结果不应变化",
        )
        reordered = fn({"it": 2, "de": 8, "fr": 1}, 0.3)
        expect_close(
            _values(reordered),
            _values(fn(small, 0.3)),
            "the order of the languages in the dict should not matter",
            "dict中语言的次序不应影响结果",
        )

    @check(en="The counts stay as they are", zh="不改动counts")
    def leaves_the_counts_alone(self, fn):
        counts = {"de": 9, "xx": 0}
        fn(counts, 0.5)
        expect(
            counts == {"de": 9, "xx": 0},
            f"counts came out changed, as {counts}; make a new dict",
            f"counts被改成了{counts}；请新建一个dict",
        )

    def probes(self):
        counts = {"de": 32_000, "fr": 900, "ga": 20}
        return {
            "0.3": {"counts": counts, "alpha": 0.3},
            "0.5": {"counts": counts, "alpha": 0.5},
            "1": {"counts": counts, "alpha": 1.0},
            "default": {"counts": counts},
        }

    def edges(self):
        counts = {"de": 50, "xx": 0, "fr": 100}
        return {
            "zero": {"counts": counts, "alpha": 0.5},
            "zero at 0": {"counts": counts, "alpha": 0.0},
            "0": {"counts": {"de": 50, "fr": 100}, "alpha": 0.0},
        }

    def observe(self, function, arguments):
        return outcome(lambda: function(dict(arguments.pop("counts")), **arguments))

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)

        def counts_afterwards():
            counts = {"de": 9, "fr": 4}
            function(counts, 0.5)
            return counts

        edge["counts"] = outcome(counts_afterwards)
        return ordinary, edge


def _values(result: dict) -> list[float]:
    """The probabilities in alphabetical order, for the contract asks for none."""
    return [result[language] for language in sorted(result)]


def _normalised(weights: dict) -> dict:
    total = sum(weights.values())
    return {language: weight / total for language, weight in weights.items()}


@LanguageWeights.wrong(
    en="alpha isn't used: these are the shares as they are, and the small languages are hardly seen.",
    zh="没有用到alpha：这只是原有的比例，小语种几乎见不到。",
)
def ignores_alpha(counts, alpha=0.3):
    return _normalised(counts)


@LanguageWeights.wrong(
    en="All languages are drawn alike whatever alpha is: the few sentences of a small one are learned by heart.",
    zh="无论alpha是多少都平均抽取：小语种那几句会被背下来。",
)
def draws_all_alike(counts, alpha=0.3):
    return _normalised({language: 1.0 if n else 0.0 for language, n in counts.items()})


@LanguageWeights.wrong(
    en="The exponent is 1/alpha, as if alpha were a temperature: the large languages get larger still. T = 1/alpha, so n^alpha.",
    zh="指数写成了1/alpha，好像alpha是温度系数：大语种会更大。T = 1/alpha，所以是n^alpha。",
)
def takes_alpha_for_a_temperature(counts, alpha=0.3):
    largest = max(counts.values())
    return _normalised({x: (n / largest) ** (1 / alpha) if n else 0.0 for x, n in counts.items()})


@LanguageWeights.wrong(
    en="The shares are raised to alpha, but not normalised again: they no longer sum to 1.",
    zh="对比例取了alpha次幂，却没有重新归一化：总和不再是1。",
)
def raises_shares_without_normalising(counts, alpha=0.3):
    return {x: share**alpha if share else 0.0 for x, share in _normalised(counts).items()}


@LanguageWeights.wrong(
    en="The powers are divided by the sum of the *counts*, not of the powers: they don't sum to 1.",
    zh="幂除以了*计数*之和，而不是幂之和：总和不为1。",
)
def divides_by_the_sum_of_counts(counts, alpha=0.3):
    total = sum(counts.values())
    return {language: (n**alpha if n else 0.0) / total for language, n in counts.items()}


@LanguageWeights.wrong(
    en="The exponent is −alpha: the less data a language has, the more it is drawn, beyond all alike.",
    zh="指数成了−alpha：数据越少抽得越多，比平均还要偏。",
)
def inverts_the_counts(counts, alpha=0.3):
    return _normalised({language: n**-alpha if n else 0.0 for language, n in counts.items()})


@LanguageWeights.wrong(
    en="Shares and even chances are mixed, alpha to 1 − alpha. It has the same ends, but between them every small language gets "
    "nearly the same, however much it has.",
    zh="把原有比例与均匀分布按alpha和1 − alpha线性混合。两端相同，但在中间，各小语种无论数据多少都几乎一样。",
)
def mixes_shares_with_even_chances(counts, alpha=0.3):
    having = sum(n > 0 for n in counts.values())
    return {x: alpha * p + ((1 - alpha) / having if p else 0.0) for x, p in _normalised(counts).items()}


@LanguageWeights.wrong(
    en="The counts are divided by the largest, not by the sum: the largest language gets 1.",
    zh="除以了最大值而不是总和：最大的语言得到1。",
)
def divides_by_the_largest(counts, alpha=0.3):
    largest = max(counts.values())
    return {language: (n / largest) ** alpha if n else 0.0 for language, n in counts.items()}


@LanguageWeights.wrong(
    en="The log of the counts is weighed by alpha and not exponentiated: this is another, much flatter curve.",
    zh="用的是计数的对数乘alpha，没有再取指数：那是另一条平缓得多的曲线。",
)
def forgets_to_exponentiate(counts, alpha=0.3):
    return _normalised({language: alpha * math.log1p(n) if n else 0.0 for language, n in counts.items()})


@LanguageWeights.wrong(
    en="The default is 0.7, as in later versions of XLM. The contract's is XLM-R's 0.3.",
    zh="默认值用了0.7（XLM后来版本的取值）。这里约定的是XLM-R的0.3。",
)
def has_another_default(counts, alpha=0.7):
    return _normalised({language: n**alpha if n else 0.0 for language, n in counts.items()})


@LanguageWeights.wrong(
    en="With alpha = 0 a language without a single sentence is drawn as often as the others; in Python 0 ** 0 is 1, for one.",
    zh="alpha = 0时，一句话也没有的语言抽得和其他语言一样多；常见的原因是Python中0 ** 0等于1。",
)
def draws_from_nothing_at_alpha_zero(counts, alpha=0.3):
    return _normalised({language: n**alpha for language, n in counts.items()})


@LanguageWeights.wrong(
    en="1 is added to every count: a language without sentences is drawn, and the draw finds nothing.",
    zh="给每个计数都加了1：没有句子的语言也会被抽中，抽到了却什么都没有。",
)
def smooths_the_counts(counts, alpha=0.3):
    return _normalised({language: (n + 1) ** alpha for language, n in counts.items()})


@LanguageWeights.wrong(
    en="Languages without sentences are left out of the dict: whoever looks one up gets a KeyError. Give them 0.",
    zh="没有句子的语言被排除在dict之外：查到它就会抛出KeyError。应给它0。",
)
def leaves_languages_out(counts, alpha=0.3):
    return _normalised({language: n**alpha for language, n in counts.items() if n})


@LanguageWeights.wrong(
    en="`alpha or 0.3` takes 0 for 'not given': whoever asks for even chances gets another distribution.",
    zh="`alpha or 0.3`把0当成了“没有给出”：想要平均抽取的人得到的是另一个分布。",
)
def takes_zero_for_not_given(counts, alpha=0.3):
    alpha = alpha or 0.3
    return _normalised({language: n**alpha if n else 0.0 for language, n in counts.items()})


@LanguageWeights.wrong(
    en="The dict that was passed in is overwritten: the next call takes probabilities for counts.",
    zh="传入的dict被覆盖了：下次调用会把概率当成计数。",
)
def overwrites_the_counts(counts, alpha=0.3):
    counts.update(_normalised({language: n**alpha if n else 0.0 for language, n in counts.items()}))
    return counts


@LanguageWeights.wrong(
    en="These are ratios of the new to the old probability, by which a corpus is repeated, not the probabilities themselves.",
    zh="这是新旧概率之比，即语料该重复多少遍，而不是概率本身。",
)
def gives_the_ratio_of_up_sampling(counts, alpha=0.3):
    total = sum(counts.values())
    weights = _normalised({language: n**alpha if n else 0.0 for language, n in counts.items()})
    return {language: weights[language] * total / n if n else 0.0 for language, n in counts.items()}


@LanguageWeights.wrong(
    en="The exponent is written as 1 / (1 / alpha): alpha = 0, all languages alike, raises ZeroDivisionError.",
    zh="指数写成了1 / (1 / alpha)：alpha = 0（各语言一视同仁）时会抛出ZeroDivisionError。",
)
def divides_by_alpha(counts, alpha=0.3):
    smoothing = 1 / alpha
    return _normalised({language: n ** (1 / smoothing) if n else 0.0 for language, n in counts.items()})


EXERCISE = LanguageWeights()
