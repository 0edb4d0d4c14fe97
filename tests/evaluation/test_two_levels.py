"""The bootstrap over groups and rows in them: by hand, against theory, and within bounds of memory."""

import itertools
import math
import statistics

import numpy as np
import pytest
import torch

from kd_solutions.evaluation import paired_bootstrap, two_level_bootstrap
from kd_solutions.evaluation.intervals import _group_by_group, _means_of_resamples
from kd_solutions.support.language import use_language


def resamples(differences, groups, samples, seed=0):
    values, sizes = _group_by_group(differences, groups)
    return _means_of_resamples(values, sizes, samples, torch.Generator().manual_seed(seed))


def exactly(rows):
    """Probability of each mean, over all ways to draw from [[row, …], …]."""
    found = {}
    for drawn in itertools.product(rows, repeat=len(rows)):
        for means in itertools.product(*(itertools.product(own, repeat=len(own)) for own in drawn)):
            mean = round(statistics.fmean(map(statistics.fmean, means)), 9)
            share = 1 / math.prod(len(rows) * len(own) ** len(own) for own in drawn)
            found[mean] = found.get(mean, 0.0) + share
    return found


@pytest.mark.parametrize("rows", [[[0, 2], [5]], [[0, 1, 4], [2, 2]], [[1], [3], [8]], [[0, 0, 6]]])
def test_every_way_to_draw_comes_up_as_often_as_it_should(rows):
    expected = exactly(rows)
    groups = [group for group, own in enumerate(rows) for _ in own]
    means = resamples([x for own in rows for x in own], groups, 40_000).numpy().round(9)
    found = dict(zip(*np.unique(means, return_counts=True), strict=True))
    assert found.keys() <= expected.keys()
    for mean, share in expected.items():
        spread = (share * (1 - share) / 40_000) ** 0.5
        assert abs(found.get(mean, 0) / 40_000 - share) <= 5 * spread, mean


def test_resamples_vary_as_much_as_theory_says():
    generator = np.random.default_rng(1)
    groups = np.repeat(np.arange(15), generator.integers(1, 12, 15))
    differences = generator.normal(size=len(groups)) + generator.normal(size=15)[groups]
    rows = [differences[groups == group] for group in range(15)]
    between = np.var([own.mean() for own in rows])
    within = np.mean([own.var() / len(own) for own in rows])
    means = resamples(differences, groups, 20_000)
    assert means.var().item() == pytest.approx((between + within) / 15, rel=0.05)
    mean, low, high = two_level_bootstrap(differences, groups)
    assert mean == pytest.approx(np.mean([own.mean() for own in rows]))
    assert means.mean().item() == pytest.approx(mean, abs=0.02)
    assert high - low == pytest.approx(2 * 1.96 * ((between + within) / 15) ** 0.5, rel=0.08)


def test_the_interval_is_repeatable_and_leaves_the_global_state():
    differences, groups = [1.0, 0.0, -1.0, 0.0, 1.0], ["a", "b", "a", "c", "b"]
    before = torch.get_rng_state()
    first = two_level_bootstrap(differences, groups)
    assert torch.equal(before, torch.get_rng_state())
    assert (
        first
        == two_level_bootstrap(differences, groups)
        == two_level_bootstrap(differences, groups, 10_000, 0)
    )
    uneven = [0.31, 0.7, -1.1, 0.2, 0.05]
    assert two_level_bootstrap(uneven, groups) != two_level_bootstrap(uneven, groups, seed=1)
    assert first == two_level_bootstrap(torch.tensor(differences), [3, None, 3, ("x", 1), None])
    assert first == two_level_bootstrap(np.array(differences), torch.tensor([5, 0, 5, -7, 0]))
    assert all(type(value) is float for value in first)


def test_the_order_of_rows_within_a_group_and_between_them_is_no_matter():
    assert two_level_bootstrap([4, 4, 1, 1], list("abab"), 50)[0] == 2.5
    apart = two_level_bootstrap([0, 9, 0, 9, 9], ["a", "b", "a", "b", "b"], 300)
    together = two_level_bootstrap([0, 0, 9, 9, 9], ["a", "a", "b", "b", "b"], 300)
    assert apart == together


def test_it_is_wider_than_the_bootstrap_of_sentences_where_templates_decide():
    groups = np.repeat(np.arange(10), 30)
    differences = (np.arange(10) % 2)[groups].astype(float)
    _, low, high = two_level_bootstrap(differences, groups, 2000)
    _, narrow_low, narrow_high = paired_bootstrap(differences, np.zeros(300), 2000)
    assert high - low > 4 * (narrow_high - narrow_low)


def test_one_large_group_is_drawn_in_pieces():
    differences = torch.ones(400_000)
    assert two_level_bootstrap(differences, torch.zeros(400_000), samples=6) == (1.0, 1.0, 1.0)
    many = two_level_bootstrap(differences, torch.arange(400_000), samples=6)
    assert many == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("differences", "groups"),
    [([], []), ([1.0, 2.0], ["a"]), ([1.0], ["a", "b"]), (torch.ones(2, 2), ["a", "b"])],
)
def test_what_has_no_group_is_refused_in_one_sentence(language, differences, groups):
    use_language(language)
    with pytest.raises(ValueError, match="needs a group" if language == "en" else "所属的组") as error:
        two_level_bootstrap(differences, groups)
    assert "\n" not in str(error.value)
