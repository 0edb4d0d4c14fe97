"""Taking the language out of vectors: by hand, at the ranks' edges, and what it is good for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kd_solutions.evaluation import remove_language, retrieval_accuracy
from tests.soundness import DEVICES, normal


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_by_hand(device, dtype):
    vectors = torch.tensor([[2, 1], [1, 3], [2, -1], [-1, 3]], dtype=dtype, device=device)
    languages = torch.tensor([7, -2, 7, -2], device=device)
    left = remove_language(vectors, languages)
    assert left.dtype == dtype and left.device == vectors.device
    expected = torch.tensor([[0.0, 1], [1, 0], [0, -1], [-1, 0]], device=device)
    assert torch.allclose(left.float(), expected, atol=1e-6)


@given(st.integers(0, 10_000), st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=25, deadline=None)
def test_what_is_taken_out_in_two_steps_is_taken_out_in_one(seed, first, then):
    vectors, languages = normal(11, 4, seed=seed), torch.arange(11) % 3
    both = remove_language(remove_language(vectors, languages, first), languages, then)
    assert torch.allclose(both, remove_language(vectors, languages, first + then), atol=1e-8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15])
@pytest.mark.parametrize(("rows", "width", "components"), [(1, 5, 1), (3, 5, 3), (9, 5, 5), (3, 5, 99)])
def test_from_the_rank_on_rounding_is_left(rows, width, components, scale, dtype):
    vectors = (scale * normal(rows, width)).to(dtype)
    left = remove_language(vectors, torch.zeros(rows, dtype=torch.long), components)
    assert left.abs().max() <= 10 * torch.finfo(dtype).eps * vectors.abs().max()


def test_no_component_no_language_and_no_vector():
    vectors = normal(4, 3)
    assert torch.equal(remove_language(vectors, torch.tensor([0, 1, 0, 1]), 0), vectors)
    assert torch.equal(remove_language(torch.zeros(2, 3), torch.tensor([0, 0])), torch.zeros(2, 3))
    assert remove_language(vectors[:0], torch.tensor([], dtype=torch.long)).shape == (0, 3)


def test_the_vectors_given_stay():
    vectors, languages = normal(6, 4), torch.tensor([0, 1, 0, 1, 0, 1])
    remove_language(vectors, languages)
    assert torch.equal(vectors, normal(6, 4))


def test_sentences_find_their_translations_once_the_language_is_gone():
    """In one pool a translation competes with the sentences of one's own language."""
    n = 20
    meaning = torch.cat([normal(n, 64, seed=1), normal(n, 64, seed=1) + 0.3 * normal(n, 64, seed=2)])
    languages = torch.arange(2 * n) // n
    vectors = meaning + 4 * normal(2, 64, seed=3)[languages]
    partner = (torch.arange(2 * n) + n) % (2 * n)

    def found(x):
        cosines = torch.nn.functional.normalize(x, dim=1) @ torch.nn.functional.normalize(x, dim=1).T
        return (cosines.fill_diagonal_(-1).argmax(1) == partner).double().mean().item()

    cleaned = remove_language(vectors, languages)
    assert found(vectors) < 0.1 and found(cleaned) > 0.95
    assert min(retrieval_accuracy(cleaned[:n], cleaned[n:])) == 1.0
