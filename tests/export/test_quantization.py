"""int8 rows: nearest levels, half a scale of error, and rows that are hard to divide by."""

import pytest
import torch
from torch.testing import assert_close

from kd_solutions.export.quantization import quantize_int8
from tests.soundness import DEVICES, normal


def test_a_worked_example():
    levels, scale = quantize_int8(torch.tensor([[1.27, -0.5, 0.004], [0.0, 254.0, -100.9]]))
    assert levels.tolist() == [[127, -50, 0], [0, 127, -50]]
    assert_close(scale, torch.tensor([[0.01], [2.0]]))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e4])
def test_every_weight_goes_to_its_nearest_level(device, dtype, size):
    weight = (size * normal(20, 33)).to(device, dtype)
    levels, scale = quantize_int8(weight)
    assert levels.dtype == torch.int8 and levels.shape == weight.shape
    assert scale.shape == (20, 1) and scale.dtype == torch.promote_types(dtype, torch.float32)
    assert levels.abs().amax(1).eq(127).all()
    error = (levels.double() * scale.double() - weight.double()).abs()
    rounding = 127 * torch.finfo(scale.dtype).eps  # of the scale, at the largest weight
    assert (error <= scale.double() * (0.5 + rounding)).all()


def test_rows_and_signs_are_independent():
    weight = normal(4, 9)
    levels, scale = quantize_int8(weight)
    louder, louder_scale = quantize_int8(-weight * torch.tensor([[1.0], [100.0], [1.0], [1.0]]))
    assert torch.equal(louder, -levels)
    assert_close(louder_scale[[0, 2, 3]], scale[[0, 2, 3]])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_an_all_zero_row_gives_zeros_and_a_positive_scale(dtype):
    levels, scale = quantize_int8(torch.tensor([[0.0, 0.0], [1.0, -2.0]], dtype=dtype))
    assert levels.tolist() == [[0, 0], [64, -127]]
    assert scale.isfinite().all() and scale.gt(0).all()


def test_weights_too_small_to_divide_become_zeros_not_rubbish():
    levels, scale = quantize_int8(torch.tensor([[1e-45, -1e-45]]))
    assert levels.abs().max() <= 1 and scale.isfinite().all() and scale.gt(0).all()


def test_a_parameter_is_left_as_it_was_and_no_graph_comes_back():
    weight = torch.nn.Parameter(normal(3, 4))
    before = weight.detach().clone()
    levels, scale = quantize_int8(weight)
    assert torch.equal(weight, before) and not scale.requires_grad and not levels.requires_grad


def test_no_rows_give_no_rows():
    levels, scale = quantize_int8(torch.zeros(0, 4))
    assert levels.shape == (0, 4) and scale.shape == (0, 1)
