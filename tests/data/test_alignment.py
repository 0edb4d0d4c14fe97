"""IBM model 1: rounds by hand, a sum over all alignments, and what expectation maximisation promises."""

import copy
import math
import random
from itertools import product

import pytest

from kd_solutions import ibm1_step

HOUSE = [
    (["das", "Haus"], ["the", "house"]),
    (["das", "Buch"], ["the", "book"]),
    (["ein", "Buch"], ["a", "book"]),
]


def uniform(pairs, value=0.25):
    return {(s, t): value for source, target in pairs for s in source for t in target}


def corpus(seed, pairs=8):
    """Short sentences over few words, so that words occur twice and pairs share them; with a random table."""
    draw = random.Random(seed)
    sentences = [
        [draw.choices("abcd", k=draw.randint(1, 4)), draw.choices("wxyz", k=draw.randint(1, 4))]
        for _ in range(pairs)
    ]
    return [tuple(pair) for pair in sentences], {key: draw.random() for key in product("abcd", "wxyz")}


def by_alignments(pairs, table):
    """Each alignment of a pair counted by its posterior probability: what the sum over words abbreviates."""
    counts = {}
    for source, target in pairs:
        alignments = list(product(source, repeat=len(target)))
        weights = [
            math.prod(table.get(link, 0) for link in zip(origins, target, strict=True))
            for origins in alignments
        ]
        for origins, weight in zip(alignments, weights, strict=True):
            for link in zip(origins, target, strict=True):
                counts[link] = counts.get(link, 0) + weight / sum(weights)
    totals = {s: sum(count for (other, _), count in counts.items() if other == s) for s, _ in counts}
    return {(s, t): count / totals[s] for (s, t), count in counts.items() if count}


def log_likelihood(pairs, table):
    return sum(
        math.log(sum(table.get((s, t), 0) for s in source)) for source, target in pairs for t in target
    )


def test_two_rounds_by_hand():
    """The three sentences of Koehn 2010, "Statistical Machine Translation", chapter 4."""
    first = ibm1_step(HOUSE, uniform(HOUSE))
    assert first["das", "the"] == 0.5 and first["das", "house"] == first["das", "book"] == 0.25
    assert first["Haus", "the"] == first["Haus", "house"] == 0.5
    second = ibm1_step(HOUSE, first)
    assert second["das", "the"] == pytest.approx(7 / 11) and second["Haus", "house"] == pytest.approx(4 / 7)
    assert second["das", "house"] == second["das", "book"] == pytest.approx(2 / 11)


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_sum_over_all_alignments(seed):
    pairs, table = corpus(seed)
    before = copy.deepcopy((pairs, table))
    came = ibm1_step(pairs, table)
    assert came == pytest.approx(by_alignments(pairs, table))
    assert (pairs, table) == before
    for source in {source for source, _ in came}:
        assert sum(t for (other, _), t in came.items() if other == source) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(3))
def test_no_round_explains_the_text_worse(seed):
    pairs, table = corpus(seed)
    table = ibm1_step(pairs, table)
    for _ in range(30):
        better = ibm1_step(pairs, table)
        assert log_likelihood(pairs, better) >= log_likelihood(pairs, table) - 1e-9
        table = better


def test_rounds_end_in_a_dictionary():
    table = uniform(HOUSE)
    for _ in range(60):
        table = ibm1_step(HOUSE, table)
    for link in (("das", "the"), ("Haus", "house"), ("Buch", "book"), ("ein", "a")):
        assert table[link] > 0.95


def test_what_nothing_explains_contributes_nothing():
    table = {("a", "x"): 0.5, ("b", "x"): 0.0, ("c", "y"): 1.0}
    assert ibm1_step([(["a", "b"], ["x", "y"]), ([], ["x"]), (["c"], [])], table) == {("a", "x"): 1.0}
    assert ibm1_step([], table) == {} == ibm1_step([(["a"], ["x"])], {})


def test_the_smallest_probabilities_are_shared_out_too():
    for tiny in (1e-12, 1e-300, 5e-324):
        came = ibm1_step([(["a", "b"], ["x", "y"])], {("a", "x"): 1.0, ("b", "y"): tiny})
        assert came == {("a", "x"): 1.0, ("b", "y"): 1.0}


def test_a_null_word_is_the_callers():
    pairs = [(["NULL", *source], target) for source, target in HOUSE]
    assert ("NULL", "the") in ibm1_step(pairs, uniform(pairs))
    assert not any(source == "NULL" for source, _ in ibm1_step(HOUSE, uniform(pairs)))
