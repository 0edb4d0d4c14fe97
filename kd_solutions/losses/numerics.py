"""Three small things that many losses need to stay finite and exact."""

import torch
import torch.nn.functional as F
from torch import Tensor


def widen(x: Tensor) -> Tensor:
    """x in float32 at least: a KL divergence or a mean of bfloat16 numbers has few correct digits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def mean_or_zero(values: Tensor) -> Tensor:
    """Mean of all values; of none, 0 with a graph instead of NaN."""
    return values.sum() / max(values.numel(), 1)


def unit(x: Tensor) -> Tensor:
    """x with length 1 along the last dimension; a zero vector stays zero and gets no gradient.

    Dividing by the largest entry first keeps squares from overflowing or vanishing. That factor cancels, so
    that it needs no graph.
    """
    peak = F.pad(x.detach().abs(), (0, 1)).amax(-1, keepdim=True)  # the 0 in the pad: x may have no entry
    zero = peak == 0
    scaled = x / torch.where(zero, 1, peak)
    length = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)
    return torch.where(zero, 0, scaled) / torch.where(zero, 1, length)
