"""Making a student small enough for the box it runs on."""

import torch
from torch import Tensor

from kd_solutions.losses.numerics import widen


def quantize_int8(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Symmetric int8 with one scale a row: scale = max |w| / 127, each weight to the nearest level.

    weight ≈ levels · scale, off by half a scale at most. An outlier costs precision in its own row only. An
    all-zero row gives zeros; its scale is the least positive number, so that nobody divides by 0.

    Args: weight (rows, columns), floating point.
    Returns: levels (rows, columns) of int8 within ±127; scale (rows, 1), float32 at least. No graph.
    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference"; Krishnamoorthi 2018, "Quantizing deep convolutional networks".
    """
    weight = widen(weight.detach())
    scale = (weight.abs().amax(1, keepdim=True) / 127).clamp(min=torch.finfo(weight.dtype).tiny)
    return (weight / scale).round().to(torch.int8), scale
