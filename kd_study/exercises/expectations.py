"""What a check expects of an answer; where it is not met, the message is the feedback."""

import math
import reprlib

import torch
from torch import Tensor, nn

from kd_solutions.support.language import say

SHOWN = 12  # numbers of a tensor that are printed
_DIGITS = (4, 6, 9)  # of a number, more where the fewer don't tell two apart


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
        right, came = told_apart(expected, actual)
        detail = say(f"{at}expected {right}, got {came}", f"{at}应为{right}，实为{came}")
        raise Unmet(say(f"{en} ({detail})", f"{zh}（{detail}）"))


def is_close(actual, expected, tolerance: float = 1e-4) -> bool:
    """Whether two numbers or tensors have one shape and agree; NaN agrees with NaN.

    The tolerance is relative to the largest expected value. Where 0 is expected nothing is relative, and what
    float32 leaves of differences between numbers of order 1 must still pass.
    """
    actual, expected = (torch.as_tensor(plain(value)).detach().double() for value in (actual, expected))
    if actual.shape != expected.shape:
        return False
    finite = expected[expected.isfinite()].abs()
    largest = finite.max().item() if finite.numel() else 0.0
    scale = max(largest, 1e-3) if largest else 0.1
    return torch.allclose(actual, expected, rtol=0.0, atol=tolerance * scale, equal_nan=True)


def _worst_place(actual, expected) -> tuple:
    """(index, actual, expected): tensors too large to show only where they differ most, others whole."""
    large = all(isinstance(value, Tensor) and value.numel() > SHOWN for value in (actual, expected))
    if not large or actual.shape != expected.shape:
        return None, actual, expected
    gap = (actual.detach().double() - expected.detach().double()).abs().nan_to_num(math.inf, math.inf)
    place = [int(index) for index in torch.unravel_index(gap.argmax(), gap.shape)]
    return place, actual[tuple(place)], expected[tuple(place)]


def plain(value):
    """The value itself, but a tensor of a class of its own, or with methods of its own, as an ordinary one.

    Such a tensor answers for itself whether it is close to another. Data and graph stay. Raises `Unmet` where the
    class computes without data that could be looked at.
    """
    if not isinstance(value, Tensor) or (type(value) in (Tensor, nn.Parameter) and not vars(value)):
        return value
    kinds = type.mro(type(value))
    if any("__torch_dispatch__" in vars(kind) for kind in kinds[: kinds.index(Tensor)]):
        name = kinds[0].__name__
        raise Unmet(
            say(
                f"a tensor of class {name} came back, which answers for itself; return an ordinary torch.Tensor",
                f"返回了{name}类的张量，它的运算由自己定义；请返回普通的torch.Tensor",
            )
        )
    with torch._C.DisableTorchFunctionSubclass():
        return Tensor.as_subclass(value, Tensor)


def told_apart(expected, actual) -> tuple[str, str]:
    """Both as text, with as many digits as tell them apart; the difference beside the second where none do."""
    for digits in _DIGITS:
        right, came = shown(expected, digits), shown(actual, digits)
        if right != came:
            return right, came
    both = [torch.as_tensor(plain(value)).detach().double() for value in (expected, actual)]
    if both[0].shape == both[1].shape:
        gap = (both[1] - both[0]).abs().max().item()
        came += say(f", off by up to {gap:.1e}", f"，最多相差{gap:.1e}")
    return right, came


def shown(value, digits: int = _DIGITS[0]) -> str:
    """A number or a small tensor in a few characters; of a large one the shape, and whether it is all finite."""
    value = plain(value)
    if isinstance(value, Tensor):
        if value.numel() <= SHOWN:
            return _rounded(value.detach().tolist(), digits)
        strange = [name for name, found in (("NaN", value.isnan()), ("inf", value.isinf())) if found.any()]
        return f"tensor{tuple(value.shape)}" + (
            say(f" with {' and '.join(strange)} in it", f"（含{'与'.join(strange)}）") if strange else ""
        )
    return _rounded(value, digits) if isinstance(value, int | float | list | tuple) else reprlib.repr(value)


def _rounded(value, digits: int) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_rounded(item, digits) for item in value) + "]"
    return f"{value:.{digits}g}" if isinstance(value, float) else reprlib.repr(value)
