"""When to say "I did not understand": answers that are sure enough, and those that are not."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from kd_solutions.losses.numerics import same_shape


def risk_threshold(
    confidence: Sequence[float] | Tensor, correct: Sequence[bool] | Tensor, risk: float = 0.05
) -> float:
    """Lowest of the confidences such that of all answers at least as confident at most this share is wrong.

    Equal confidences are accepted together. Infinity where no threshold keeps the risk, and for no answers.

    Args: confidence (N,), whatever its scale; correct (N,), bool or 0/1; ValueError for unequal lengths.
    Source: El-Yaniv & Wiener 2010, "On the Foundations of Noise-free Selective Classification";
    Geifman & El-Yaniv 2017, "Selective Classification for Deep Neural Networks".
    """
    confidence = torch.as_tensor(confidence, dtype=torch.float64, device="cpu").detach()
    wrong = 1 - torch.as_tensor(correct, dtype=torch.float64, device="cpu").detach()
    same_shape(confidence, wrong)
    levels, level = confidence.unique(return_inverse=True)  # rising
    accepted, mistakes = (
        level.bincount(weights).flip(0).cumsum(0).flip(0) for weights in (torch.ones_like(wrong), wrong)
    )
    return min(levels[mistakes / accepted <= risk].tolist(), default=math.inf)
