"""Smaller vocabularies: which rows stay, in which order, and what becomes of the padding row."""

import pytest
import torch
from torch import nn

from kd_solutions.models.vocabulary import trim_vocabulary


@pytest.mark.parametrize(
    "ids",
    [
        [70, 3, 70, 64],
        {3, 64, 70},
        (i for i in (64, 70, 3, 3)),
        range(3, 80, 30),
        torch.tensor([70, 64, 3]),
        [torch.tensor(3), 70, torch.tensor(64), torch.tensor(64)],
        dict.fromkeys([70, 64, 3]).keys(),
    ],
    ids=["list", "set", "generator", "range", "tensor", "tensors", "keys"],
)
def test_kept_are_the_named_rows_in_the_old_order(ids):
    table = nn.Embedding(100, 3)
    smaller, new_id = trim_vocabulary(table, ids)
    kept = [3, 33, 63] if isinstance(ids, range) else [3, 64, 70]
    assert new_id == {old: new for new, old in enumerate(kept)} and list(new_id) == kept
    assert all(type(i) is int for pair in new_id.items() for i in pair)
    assert torch.equal(smaller.weight, table.weight[kept])
    assert smaller.padding_idx is None and smaller.num_embeddings == len(kept)
    old_ids = torch.tensor([[kept[-1], kept[0]]])
    assert torch.equal(smaller(old_ids.clone().apply_(new_id.get)), table(old_ids))


def test_a_tensor_of_ids_is_counted_at_once(monkeypatch):
    """A corpus has millions; one by one, each would be a transfer from a GPU."""
    ids = torch.tensor([[7, 3, 7], [5, 5, 3]])

    def one_by_one(tensor):
        raise AssertionError("id by id")

    monkeypatch.setattr(torch.Tensor, "__iter__", one_by_one)
    assert trim_vocabulary(nn.Embedding(10, 3), ids)[1] == {3: 0, 5: 1, 7: 2}


@pytest.mark.parametrize("padding", [0, 4, 9])
@pytest.mark.parametrize("ids", [[2, 5], [2, 4], [0, 9], []])
def test_the_padding_row_stays_the_padding_row_with_its_values(padding, ids):
    table = nn.Embedding(10, 3, padding_idx=padding)
    with torch.no_grad():
        table.weight[padding] = 7.0  # a pretrained table's padding need not be zero
    smaller, new_id = trim_vocabulary(table, ids)
    assert set(new_id) == {*ids, padding} and smaller.padding_idx == new_id[padding]
    assert smaller.weight[smaller.padding_idx].tolist() == [7.0] * 3
    smaller(torch.arange(len(new_id))).sum().backward()
    assert smaller.weight.grad[smaller.padding_idx].eq(0).all()
    assert smaller.weight.grad.sum() == 3 * (len(new_id) - 1)


def test_the_smaller_table_is_a_trainable_copy_like_the_old_one():
    options = {"max_norm": 2.0, "norm_type": 1.0, "scale_grad_by_freq": True, "sparse": True}
    table = nn.Embedding(10, 3, dtype=torch.float64, **options)
    before = table.weight.detach().clone()
    smaller, _ = trim_vocabulary(table, [1, 2])
    assert smaller.weight.requires_grad and smaller.weight.dtype == torch.float64
    assert {name: getattr(smaller, name) for name in options} == options
    with torch.no_grad():
        smaller.weight.zero_()
    assert torch.equal(table.weight, before)
    table.weight.requires_grad_(False)
    assert not trim_vocabulary(table, [1])[0].weight.requires_grad


def test_trimming_draws_no_random_numbers():
    table, state = nn.Embedding(10, 3), torch.get_rng_state()
    trim_vocabulary(table, [1, 2])
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("ids", [[10], [-1], [3, 99]])
def test_an_id_outside_the_table_is_an_error(ids):
    with pytest.raises(IndexError):
        trim_vocabulary(nn.Embedding(10, 3), ids)


def test_nothing_kept_is_an_empty_table():
    smaller, new_id = trim_vocabulary(nn.Embedding(10, 3), [])
    assert smaller.weight.shape == (0, 3) and new_id == {}
