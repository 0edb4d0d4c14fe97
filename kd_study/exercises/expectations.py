"""What a check expects of an answer; where it is not met, the message is the feedback."""

import math
import reprlib

import torch

from kd_solutions.support.language import say

SHOWN = 12  # numbers of a tensor that are printed


class Unmet(Exception):
    """An expectation that the learner's function does not meet; the text is the feedback."""


def expect(condition: bool, en: str, zh: str) -> None:
    """Raises `Unmet` with the message in the current language unless the condition holds."""
    if not condition:
        raise Unmet(say(en, zh))


def expect_close(actual, expected, en: str, zh: str, tolerance: float = 1e-4) -> None:
    """`expect` for numbers: within `tolerance`, relative to the largest expected value; says what came."""
    if not is_close(actual, expected, tolerance):
        place, actual, expected = _worst_place(actual, expected)
        at = say(f"at {place} ", f"在{place}处") if place else ""
        detail = say(
            f"{at}expected {shown(expected)}, got {shown(actual)}",
            f"{at}应为{shown(expected)}，实为{shown(actual)}",
        )
        raise Unmet(say(f"{en} ({detail})", f"{zh}（{detail}）"))


def is_close(actual, expected, tolerance: float = 1e-4) -> bool:
    """Whether two numbers or tensors have one shape and agree; NaN agrees with NaN.

    The tolerance is relative to the largest expected value. Where 0 is expected nothing is relative, and what
    float32 leaves of differences between numbers of order 1 must still pass.
    """
    actual, expected = (torch.as_tensor(value).detach().double() for value in (actual, expected))
    if actual.shape != expected.shape:
        return False
    finite = expected[expected.isfinite()].abs()
    largest = finite.max().item() if finite.numel() else 0.0
    scale = max(largest, 1e-3) if largest else 0.1
    return torch.allclose(actual, expected, rtol=0.0, atol=tolerance * scale, equal_nan=True)


def _worst_place(actual, expected) -> tuple:
    """(index, actual, expected): tensors too large to show only where they differ most, others whole."""
    large = all(isinstance(value, torch.Tensor) and value.numel() > SHOWN for value in (actual, expected))
    if not large or actual.shape != expected.shape:
        return None, actual, expected
    gap = (actual.detach().double() - expected.detach().double()).abs().nan_to_num(math.inf, math.inf)
    place = [int(index) for index in torch.unravel_index(gap.argmax(), gap.shape)]
    return place, actual[tuple(place)], expected[tuple(place)]


def shown(value) -> str:
    """A number or a small tensor in a few characters; a large one by its shape."""
    if isinstance(value, torch.Tensor):
        if value.numel() > SHOWN:
            return f"tensor{tuple(value.shape)}"
        return _rounded(value.detach().tolist())
    return _rounded(value) if isinstance(value, int | float | list | tuple) else reprlib.repr(value)


def _rounded(value) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_rounded, value)) + "]"
    return f"{value:.4g}" if isinstance(value, float) else reprlib.repr(value)
