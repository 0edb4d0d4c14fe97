"""Small things that many losses need to stay finite and exact, and to refuse what they can't pair."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from kd_solutions.support.language import Text, say

UNLABELLED = -100  # the label of a row that has none, as F.cross_entropy ignores it

_PARTS = {
    "whole": (slice(None), Text("", "")),
    "first": (slice(1), Text(" in the first dimension", "（第一维）")),
    "all but last": (slice(-1), Text(" but for the last dimension", "（最后一维除外）")),
    "last": (slice(-1, None), Text(" in the last dimension", "（最后一维）")),
}


def widen(x: Tensor) -> Tensor:
    """x in float32 at least: a KL divergence or a mean of bfloat16 numbers has few correct digits."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def mean_or_zero(values: Tensor) -> Tensor:
    """Mean of all values; of none, 0 with a graph instead of NaN."""
    return values.sum() / max(values.numel(), 1)


def log_sum(x: Tensor) -> Tensor:
    """logsumexp along the last dimension, which stays; of nothing but -inf it is -inf, with gradient 0."""
    nothing = (x == -torch.inf).all(-1, keepdim=True)
    return x.masked_fill(nothing, 0).logsumexp(-1, keepdim=True).masked_fill(nothing, -torch.inf)


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


def double(x: Tensor) -> Tensor:
    """x in float64, on its own device where that has it."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def same_shape(a: Tensor, b: Tensor, part: str = "whole") -> None:
    """ValueError for two shapes that differ: torch would pair every row of one with each of the other.

    part: of the shapes, what must be equal: "whole", "first", "all but last" or "last".
    """
    dimensions, where = _PARTS[part]
    one, other = tuple(a.shape), tuple(b.shape)
    if one[dimensions] != other[dimensions]:
        raise ValueError(
            say(
                f"The shapes {one} and {other} must be equal{where}: {_way_out(one, other)}.",
                f"形状{one}和{other}必须相同{where}：{_way_out(one, other)}。",
            )
        )


def _way_out(one: tuple, other: tuple) -> str:
    if len(one) != len(other):
        return say(
            "add or drop a dimension with unsqueeze or squeeze", "请用unsqueeze或squeeze补上或去掉一维"
        )
    if one[:-1] != other[:-1]:
        return say("row i of one belongs to row i of the other", "一方的第i行要与另一方的第i行配对")
    return say(
        "keep the classes that both have, or project one to the other's width",
        "请只保留双方共有的类别，或把一方投影到另一方的宽度",
    )


def check_temperature(temperature: float) -> None:
    """ValueError where it is no positive number."""
    if not 0 < temperature < math.inf:
        raise ValueError(
            say(
                f"temperature must be positive and finite, got {temperature}.",
                f"temperature必须是正的有限数，实际是{temperature}。",
            )
        )
