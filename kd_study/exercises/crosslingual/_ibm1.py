"""IBM model 1 without its mistakes: the checks, the corpora, and the parts that answers are put together from."""

import copy
import math
from collections import defaultdict

from kd_study.exercises.base import Exercise, check, expect, expect_close, expect_float, outcome

HOUSE = [
    (["das", "Haus"], ["the", "house"]),
    (["das", "Buch"], ["the", "book"]),
    (["ein", "Buch"], ["a", "book"]),
]


class AlignmentExercise(Exercise):
    first_are_rows = False  # it has no tensors

    def validate(self, result, arguments):
        expect(
            isinstance(result, dict),
            f"a dict from (source word, target word) to probability should come back, but {type(result).__name__} did",
            f"应返回从(源词, 目标词)到概率的dict，返回的却是{type(result).__name__}",
        )
        for key, value in result.items():
            expect(
                isinstance(key, tuple) and len(key) == 2,
                f"the keys should be tuples (source word, target word) as in the table, but one is {key!r}",
                f"键应与table一样是(源词, 目标词)的tuple，实际有一个是{key!r}",
            )
            expect_float(value)

    @check(en="A worked example", zh="手算例子")
    def agrees_with_a_worked_example(self, fn):
        _expect_table(
            _answer(fn, HOUSE[:2], _uniform(HOUSE[:2])),
            {
                ("das", "the"): 1 / 2, ("das", "house"): 1 / 4, ("das", "book"): 1 / 4,
                ("Haus", "the"): 1 / 2, ("Haus", "house"): 1 / 2, ("Buch", "the"): 1 / 2, ("Buch", "book"): 1 / 2,
            },
            "das Haus → the house, das Buch → the book, all t equal: every target word is shared out half and half, so das "
            "has 1/2 + 1/2 of 'the', 1/2 of 'house' and 1/2 of 'book', 2 in all",
            "das Haus → the house，das Buch → the book，所有t相等：每个目标词各分一半，于是das分到the的1/2 + 1/2、house的1/2、book的1/2，"
            "合计2",
        )  # fmt: skip

    @check(en="Shares in proportion to the table", zh="按table的比例分摊")
    def shares_in_proportion_to_the_table(self, fn):
        table = {("a", "x"): 0.2, ("b", "x"): 0.6, ("a", "y"): 0.8, ("b", "y"): 0.4}
        _expect_table(
            _answer(fn, [(["a", "b"], ["x", "y"])], table),
            {("a", "x"): 3 / 11, ("a", "y"): 8 / 11, ("b", "x"): 9 / 13, ("b", "y"): 4 / 13},
            "t(x | a) = 0.2 and t(x | b) = 0.6 give a a quarter of x; t(y | a) = 0.8 and t(y | b) = 0.4 give it two thirds of y: "
            "of its 11/12 x has 3/12",
            "t(x | a) = 0.2、t(x | b) = 0.6，a分到x的四分之一；t(y | a) = 0.8、t(y | b) = 0.4，a分到y的三分之二：a合计11/12，其中x占3/12",
        )

    @check(en="For each source word they sum to 1", zh="对每个源词，概率之和为1")
    def sums_to_one_for_each_source_word(self, fn):
        for pairs, table in (_corpus(0), _corpus(1), (HOUSE, _uniform(HOUSE))):
            came = _answer(fn, pairs, table)
            for source in sorted({word for words, _ in pairs for word in words}):
                expect_close(
                    sum(t for (other, _), t in came.items() if other == source),
                    1.0,
                    f"t(· | {source}), summed over the target words, should be 1",
                    f"t(· | {source})对目标词求和应为1",
                )

    @check(en="A source word alone: plain counting", zh="只有一个源词：直接计数")
    def counts_where_there_is_no_choice(self, fn):
        for table in ({("a", "x"): 0.5, ("a", "y"): 0.5}, {("a", "x"): 0.01, ("a", "y"): 0.99}):
            _expect_table(
                _answer(fn, [(["a"], ["x", "y", "x"]), (["a"], ["x"])], table),
                {("a", "x"): 3 / 4, ("a", "y"): 1 / 4},
                "a is the only source word, so that every target word is wholly its own, whatever the table says: x three times, "
                "y once",
                "源词只有a，所以无论table怎样，每个目标词都完全归它：x三次，y一次",
            )

    @check(en="A word that occurs twice counts twice", zh="出现两次的词算两次")
    def counts_repeated_words(self, fn):
        table = {("a", "x"): 0.25, ("b", "x"): 0.25, ("a", "y"): 0.25, ("b", "y"): 0.25}
        _expect_table(
            _answer(fn, [(["a", "b"], ["x", "x", "y"])], table),
            {("a", "x"): 2 / 3, ("a", "y"): 1 / 3, ("b", "x"): 2 / 3, ("b", "y"): 1 / 3},
            "x occurs twice among the targets, so it is shared out twice: a has 1/2 + 1/2 of x and 1/2 of y; does x stand twice "
            "in its own denominator?",
            "目标句中x出现两次，就要分摊两次：a分到x的1/2 + 1/2和y的1/2；x是否在自己的分母里也被加了两次？",
        )
        _expect_table(
            _answer(fn, [(["a", "a", "b"], ["x"]), (["a", "b"], ["y"])], table),
            {("a", "x"): 4 / 7, ("a", "y"): 3 / 7, ("b", "x"): 2 / 5, ("b", "y"): 3 / 5},
            "a stands twice in the first source, so it gets two of three shares of x, and half of y",
            "第一个源句里a出现两次，于是分到x的三份中的两份，再加y的一半",
        )

    @check(en="A pair that occurs twice counts twice", zh="出现两次的句对算两次")
    def counts_repeated_pairs(self, fn):
        _expect_table(
            _answer(fn, [(["a"], ["x"]), (["a"], ["y"]), (["a"], ["x"])], {("a", "x"): 0.5, ("a", "y"): 0.5}),
            {("a", "x"): 2 / 3, ("a", "y"): 1 / 3},
            "a → x occurs twice and a → y once: x has two thirds",
            "a → x出现两次，a → y一次：x占三分之二",
        )

    @check(en="What nothing explains contributes nothing", zh="无法解释的目标词不起作用")
    def leaves_out_what_nothing_explains(self, fn):
        table = {("a", "x"): 0.5, ("b", "x"): 0.5, ("b", "y"): 0.5, ("c", "z"): 1.0}
        expected = {("a", "x"): 1.0, ("b", "x"): 1 / 3, ("b", "y"): 2 / 3}
        _expect_table(
            _answer(fn, [(["a", "b"], ["x", "y", "z"])], table),
            expected,
            "neither a nor b has an entry for z: z is nobody's, and must not raise; y is wholly b's, for a has no entry for it",
            "a和b都没有z的条目：z不归任何词，也不应报错；y完全归b，因为a没有它的条目",
        )
        _expect_table(
            _answer(fn, [(["a", "b"], ["x", "y", "z"])], table | {("a", "z"): 0.0, ("a", "y"): 0.0}),
            expected,
            "an entry of 0 is as good as a missing one",
            "值为0的条目与没有条目是一回事",
        )
        _expect_table(
            _answer(fn, [([], ["x"]), (["a", "b"], ["x", "y"]), (["a"], [])], table),
            expected,
            "a pair with an empty side holds nothing to learn from",
            "有一侧为空的句对学不到任何东西",
        )
        _expect_table(_answer(fn, [], table), {}, "of no pair nothing is learned", "没有句对，就什么也学不到")

    @check(en="Only entries of a positive count", zh="只返回计数为正的条目")
    def returns_entries_of_positive_count_alone(self, fn):
        table = {("a", "x"): 1.0, ("a", "y"): 0.0, ("b", "y"): 0.5, ("c", "x"): 0.5, ("a", "w"): 0.5}
        _expect_table(
            _answer(fn, [(["a", "b"], ["x", "y"])], table),
            {("a", "x"): 1.0, ("b", "y"): 1.0},
            "what was not counted isn't in the new table: neither old entries whose words don't meet in a pair, nor zeros",
            "没有计数的就不在新表里：既没有那些词从未在同一句对中相遇的旧条目，也没有0",
        )
        came = _answer(fn, HOUSE, _uniform(HOUSE) | {(None, "the"): 0.25, ("NULL", "the"): 0.25})
        expect(
            {source for source, _ in came} == {"das", "Haus", "Buch", "ein"},
            f"no NULL word is added: the source words are das, Haus, Buch, ein, but {sorted({str(source) for source, _ in came})} came",
            f"不添加NULL词：源词应是das、Haus、Buch、ein，实际是{sorted({str(source) for source, _ in came})}",
        )

    @check(en="Even of the smallest probabilities only the ratio counts", zh="概率再小，也只看比例")
    def looks_at_ratios_only(self, fn):
        table = {("a", "x"): 1.0, ("b", "x"): 1.0, ("a", "y"): 1e-30, ("b", "y"): 3e-30}
        _expect_table(
            _answer(fn, [(["a", "b"], ["x", "y"])], table),
            {("a", "x"): 2 / 3, ("a", "y"): 1 / 3, ("b", "x"): 2 / 5, ("b", "y"): 3 / 5},
            "y is rare after both, 1e-30 and 3e-30, and yet a quarter of it is a's: a small number added to a denominator is not "
            "small beside that; guard against 0 alone",
            "y在两者之后都很罕见（1e-30与3e-30），但仍有四分之一归a：给分母加的“小常数”在这里并不小；只需防止除以0",
        )

    @check(en="Pairs are added up, whatever their order", zh="各句对相加，与次序无关")
    def adds_pairs_up_in_any_order(self, fn):
        pairs, table = _corpus(2)
        whole = _answer(fn, pairs, table)
        turned = [(source[::-1], target[::-1]) for source, target in pairs[::-1]]
        _expect_table(
            _answer(fn, turned, table),
            whole,
            "the same pairs in another order, with their words in another order, should give the same: t changes once, after "
            "all pairs",
            "同样的句对换个次序，句内的词也换个次序，结果应相同：t只在看完全部句对之后改变一次",
        )
        _expect_table(
            _answer(fn, [*pairs, *pairs], table),
            whole,
            "every pair twice doubles all counts and changes no t",
            "每个句对都出现两次，计数翻倍，t不变",
        )
        _expect_table(
            _answer(fn, [(["a", "b"], ["x"]), (["c", "d"], ["x", "y"])], _uniform([(list("abcd"), list("xy"))])),
            {("a", "x"): 1.0, ("b", "x"): 1.0, ("c", "x"): 0.5, ("c", "y"): 0.5, ("d", "x"): 0.5, ("d", "y"): 0.5},
            "the denominator of x belongs to its own pair: a and b explain the first x, c and d the second",
            "x的分母只属于它所在的句对：第一个x由a和b解释，第二个由c和d解释",
        )  # fmt: skip

    @check(en="Each round explains the text better", zh="每一轮都更好地解释语料")
    def explains_better_from_round_to_round(self, fn):
        table = _answer(fn, HOUSE, _uniform(HOUSE))
        _expect_table(
            {key: t for key, t in _answer(fn, HOUSE, table).items() if key[0] == "Haus"},
            {("Haus", "the"): 3 / 7, ("Haus", "house"): 4 / 7},
            "in the second round 'das' explains 'the' as well as 'Haus' does, and 'house' half as well: Haus has 1/2 of 'the' and "
            "2/3 of 'house'",
            "第二轮中，das对the的解释与Haus一样好，对house只有一半：Haus分到the的1/2、house的2/3",
        )
        for _ in range(12):
            better = _answer(fn, HOUSE, table)
            before, after = _log_likelihood(HOUSE, table), _log_likelihood(HOUSE, better)
            expect(
                after >= before - 1e-5,
                f"a round of expectation maximisation never lowers the likelihood, but its log went from {before:.4f} to {after:.4f}",
                f"EM的一轮绝不会降低似然，但对数似然从{before:.4f}变成了{after:.4f}",
            )
            table = better
        expect(
            table[("Haus", "house")] > 0.9 and table[("ein", "a")] > 0.9,
            f"after 13 rounds t(house | Haus) and t(a | ein) should be above 0.9, but are {table[('Haus', 'house')]:.3f} and "
            f"{table[('ein', 'a')]:.3f}",
            f"13轮之后，t(house | Haus)和t(a | ein)应超过0.9，实际是{table[('Haus', 'house')]:.3f}和{table[('ein', 'a')]:.3f}",
        )

    @check(en="Pairs and table stay as they are", zh="不改动句对和table")
    def leaves_its_arguments_alone(self, fn):
        pairs, table = copy.deepcopy(HOUSE), _uniform(HOUSE[:2]) | {("das", "unseen"): 0.1}
        before = copy.deepcopy((pairs, table))
        fn(pairs, table)
        expect(
            pairs == before[0],
            f"the pairs came out changed, as {pairs}",
            f"句对被改成了{pairs}",
        )
        expect(
            table == before[1],
            f"the table came out changed ({len(before[1])} entries before, {len(table)} now): whoever compares two rounds needs "
            "both; make a new dict",
            f"table被改动了（原有{len(before[1])}项，现在{len(table)}项）：要比较前后两轮就需要两份；请新建一个dict",
        )

    def probes(self):
        tables = {"corpus": _corpus(3), "other": _corpus(4), "first round": (HOUSE, _uniform(HOUSE))}
        repeated = [(["a", "b", "a"], ["x", "y", "y"]), (["b", "c"], ["x", "z"]), (["b", "c"], ["x", "z"])]
        tables["repeated"] = (repeated, _corpus(5)[1])
        return {name: {"pairs": pairs, "table": table} for name, (pairs, table) in tables.items()}

    def edges(self):
        sparse = {("a", "x"): 0.5, ("b", "x"): 0.25, ("b", "y"): 0.5}
        return {
            "missing": {"pairs": [(["a", "b"], ["x", "y"])], "table": sparse},
            "zero": {"pairs": [(["a", "b"], ["x", "y"])], "table": sparse | {("a", "y"): 0.0}},
            "unexplained": {"pairs": [(["a", "b"], ["x", "z"])], "table": sparse},
            "stale": {"pairs": [(["a", "b"], ["x"])], "table": sparse | {("c", "z"): 1.0}},
            "tiny": {
                "pairs": [(["a", "b"], ["x", "y"])],
                "table": {("a", "x"): 1.0, ("b", "x"): 1.0, ("a", "y"): 1e-30, ("b", "y"): 3e-30},
            },
        }  # fmt: skip

    def observe(self, function, arguments):
        return outcome(lambda: function(**copy.deepcopy(arguments)))

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)

        def arguments_afterwards():
            pairs, table = copy.deepcopy(HOUSE), _uniform(HOUSE[:2])
            function(pairs, table)
            return [words for pair in pairs for words in pair], table

        edge["arguments"] = outcome(arguments_afterwards)
        return ordinary, edge


def _answer(fn, pairs, table) -> dict:
    """What comes for copies of these, so that no call can spoil the next."""
    return fn(copy.deepcopy(pairs), dict(table))


def _expect_table(came: dict, expected: dict, en: str, zh: str) -> None:
    """The same entries with the same probabilities, in whatever order."""
    missing, extra = (
        _named(one.keys() - other.keys()) for one, other in ((expected, came), (came, expected))
    )
    expect(
        not missing and not extra,
        f"{en} (missing: {missing or 'nothing'}; too many: {extra or 'nothing'})",
        f"{zh}（缺少：{missing or '无'}；多余：{extra or '无'}）",
    )
    for key, value in expected.items():
        expect_close(came[key], value, f"{en}; {_named([key])}", f"{zh}；{_named([key])}")


def _named(keys) -> str:
    """t(the | das), t(house | das) …, the first four."""
    names = sorted(f"t({target} | {source})" for source, target in keys)
    return ", ".join(names[:4] + ["…"] * (len(names) > 4))


def _log_likelihood(pairs, table) -> float:
    chances = [
        sum(table.get((origin, word), 0.0) for origin in source)
        for source, target in pairs
        for word in target
    ]
    return sum(map(math.log, chances)) if min(chances) > 0 else -math.inf


def _uniform(pairs) -> dict:
    """A quarter for every two words that meet in a pair."""
    return {(origin, word): 0.25 for source, target in pairs for origin in source for word in target}


def _corpus(number: int) -> tuple[list, dict]:
    """Five pairs of three words out of four, some of them twice, and a table of all 16 entries; the same on every call."""
    digits = [(7 * i * i + 3 * i + number * (i + 2)) % 11 for i in range(46)]
    pairs = [
        (
            ["abcd"[d % 4] for d in digits[6 * i : 6 * i + 3]],
            ["wxyz"[d % 4] for d in digits[6 * i + 3 : 6 * i + 6]],
        )
        for i in range(5)
    ]
    weights = {("abcd"[i // 4], "wxyz"[i % 4]): 1.0 + digits[30 + i] for i in range(16)}
    return pairs, per_source(weights)


def expected_counts(pairs, chance) -> dict:
    """The expected counts, every word as often as it stands there; chance(origin, word) is t."""
    counts = defaultdict(float)
    for source, target in pairs:
        for word in target:
            chances = [chance(origin, word) for origin in source]
            for origin, one in zip(source, chances, strict=True):
                if one:
                    counts[origin, word] += one / sum(chances)
    return counts


def of(table):
    return lambda origin, word: table.get((origin, word), 0.0)


def per_source(counts) -> dict:
    """Counts → probabilities that sum to 1 for each source word."""
    totals = defaultdict(float)
    for (origin, _), count in counts.items():
        totals[origin] += count
    return {key: count / totals[key[0]] for key, count in counts.items()}
