"""From the vectors of a text's tokens to one vector."""

import torch
from torch import Tensor

from kd_solutions.losses.numerics import same_shape, widen


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """One vector for a sentence: the mean of its tokens' vectors, padding left out.

    What stands in padding never matters, not even NaN. A row of padding gives zeros.

    Args: hidden (N, L, D); mask (N, L), true or 1 where a token counts.
    Returns: (N, D) in the dtype of `hidden`.
    Source: Reimers & Gurevych 2019, "Sentence-BERT", section 3.
    """
    same_shape(mask, hidden[..., 0])
    keep = mask.bool()
    # selected away before the sum: NaN times 0 would still be NaN
    total = torch.where(keep[..., None], widen(hidden), 0).sum(1)
    return (total / keep.sum(1, keepdim=True).clamp(min=1)).to(hidden.dtype)
