"""The ratio margin: by hand, written out in loops, and on pairs that are no translations."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from kd_solutions import csls, margin_scores
from tests.soundness import DEVICES, DTYPES, normal


def pairs(rows, noise=0.8, dtype=torch.float64):
    """Noisy translations on one side of the origin: all neighbourhoods have a mean above 0."""
    source = 1 + 0.8 * normal(rows, 6, dtype=dtype)
    return source, source + noise * normal(rows, 6, seed=1, dtype=dtype)


def by_loops(source, target, k):
    def cos(x, y):
        return F.cosine_similarity(x, y, dim=0).item()

    def near(x, others):
        best = sorted((cos(x, y) for y in others), reverse=True)[:k]
        return sum(best) / len(best)

    rows = zip(source, target, strict=True)
    return torch.tensor([cos(x, y) / ((near(x, target) + near(y, source)) / 2) for x, y in rows]).to(source)


def test_a_margin_by_hand():
    source, target = torch.eye(2), torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    assert_close(margin_scores(source, target, k=1), torch.ones(2))
    assert_close(margin_scores(source, target), torch.tensor([1 / 0.65, 0.8 / 0.55]))


@pytest.mark.parametrize("rows, k", [(1, 4), (2, 1), (5, 2), (6, 6), (9, 4), (3, 100)])
def test_margins_written_out(rows, k):
    source, target = pairs(rows)
    scores = margin_scores(source, target, k)
    assert_close(scores, by_loops(source, target, k))
    assert_close(margin_scores(target, source, k), scores)


def test_a_margin_looks_at_four_neighbours_unless_told():
    source, target = pairs(12)
    assert_close(margin_scores(source, target), margin_scores(source, target, k=4))
    assert not torch.allclose(margin_scores(source, target), margin_scores(source, target, k=5))


def test_a_margin_divides_by_what_csls_subtracts():
    source, target = pairs(8)
    cosines = F.cosine_similarity(source, target)
    neighbourhoods = cosines - csls(source, target, 3).diagonal() / 2
    assert_close(margin_scores(source, target, 3), cosines / neighbourhoods)


def test_two_that_are_nearest_to_each_other_score_one_at_least():
    source, target = pairs(60, noise=0.4)
    cosines = F.cosine_similarity(source[:, None], target[None], dim=-1)
    rows = torch.arange(60)
    mutual = (cosines.argmax(1) == rows) & (cosines.argmax(0) == rows)
    assert 10 < mutual.sum() < 60
    assert (margin_scores(source, target)[mutual] > 1).all()
    assert_close(margin_scores(torch.ones(9, 3), torch.ones(9, 3)), torch.ones(9))


def test_wrong_pairs_score_below_translations():
    source, target = pairs(60)
    wrong = margin_scores(source, target.roll(1, 0))
    assert wrong.mean() < 0.7 < 0.9 < margin_scores(source, target).mean()


def test_a_hub_of_the_highest_cosine_scores_lowest():
    """Three pairs of cosine 0.8 at right angles, and one of cosine 1 in the middle of them."""
    source = torch.tensor([[2.0, 0, 0, 1, 0], [0, 2, 0, 1, 0], [0, 0, 2, 1, 0], [1, 1, 1, 0, 0]])
    target = source[:, [0, 1, 2, 4, 3]]
    assert F.cosine_similarity(source, target).argmax() == 3
    assert margin_scores(source, target, 3).argmin() == 3


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_margin_is_blind_to_length_and_keeps_its_inputs(device, dtype):
    source, target = (side.to(device) for side in pairs(6, dtype=dtype))
    before = source.clone(), target.clone()
    expected = margin_scores(source, target, 3)
    assert expected.dtype == dtype and expected.device == source.device
    assert torch.equal(source, before[0]) and torch.equal(target, before[1])
    lengths = 2.0 ** torch.tensor([-20, 20, 0, 5, -10, -1], dtype=dtype, device=device)[:, None]
    assert_close(margin_scores(source * lengths, target / lengths, 3), expected)
