"""The table of tokens, most of a multilingual model, made smaller."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def trim_vocabulary(embedding: nn.Embedding, token_ids: Iterable[int]) -> tuple[nn.Embedding, dict[int, int]]:
    """Keep the rows of the tokens that the target languages use: most of a multilingual model is its table.

    Args: embedding (V, D); token_ids a tensor or any iterable of ids below V, duplicates count once.
    Returns: an embedding of the kept rows, a copy, in the order of the old ids; and a dict old id → new id.
    The padding row is always kept and still is the padding row. IndexError for an id outside the table.
    Source: Abdaoui et al. 2020, "Load What You Need: Smaller Versions of Multilingual BERT".
    """
    if isinstance(token_ids, Tensor):
        token_ids = token_ids.unique().tolist()  # a corpus at once; from a GPU in one transfer
    padding = embedding.padding_idx
    kept = sorted({int(token) for token in token_ids} | ({padding} - {None}))
    new_id = {old: new for new, old in enumerate(kept)}
    rows = torch.tensor(kept, dtype=torch.long, device=embedding.weight.device)
    smaller = nn.Embedding.from_pretrained(
        embedding.weight.detach().index_select(0, rows),
        freeze=not embedding.weight.requires_grad,
        padding_idx=new_id.get(padding),
        max_norm=embedding.max_norm,
        norm_type=embedding.norm_type,
        scale_grad_by_freq=embedding.scale_grad_by_freq,
        sparse=embedding.sparse,
    )
    return smaller, new_id
