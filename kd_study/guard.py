"""Watches one call of a learner's function: what it changes that is not its to change, what it calls."""

import copy
import inspect
import linecache
import math
import random
import reprlib
import sys
import warnings
from collections.abc import Callable

import numpy as np
import torch

from kd_study.language import say

WARNINGS_ALLOWED = 100
SHOWN = 12  # numbers of a tensor that are printed
_PATCHABLE = (
    torch, torch.nn, torch.nn.functional, torch.Tensor, torch.nn.Module, torch.optim, torch.autograd, math,
)  # fmt: skip


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


class Guarded:
    """The learner's function, called as usual. Raises `Unmet` for what it did besides answering.

    `last_call` describes the latest call where its arguments are small; `calls_reference` tells whether
    the first call went through the reference solution.
    """

    def __init__(self, function: Callable, exercise):
        self.function, self.exercise = function, exercise
        self.last_call = ""
        self.calls_reference: bool | None = None

    def __call__(self, *args, **kwargs):
        self.last_call = describe_call(args, kwargs)
        inputs = [(tensor, tensor.detach().clone()) for tensor in _tensors((args, kwargs))]
        plain = [(value, copy.deepcopy(value)) for value in (*args, *kwargs.values()) if _plain(value)]
        before = _global_state(self.exercise.uses_randomness)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = self._run(args, kwargs)
        _expect_unchanged(before, _global_state(self.exercise.uses_randomness))
        for tensor, original in inputs if self.exercise.inputs_stay else ():
            expect(
                tensor.shape == original.shape and torch.equal(tensor.nan_to_num(), original.nan_to_num()),
                "the function changes one of its arguments in place; work on new tensors instead",
                "函数原地修改了传入的参数；请改用新的张量",
            )
        for value, original in plain if self.exercise.inputs_stay else ():
            expect(
                value == original,
                f"the function changes one of its arguments, {shown(original)}, in place; make a new "
                f"{type(original).__name__}",
                f"函数原地修改了传入的{shown(original)}；请另建一个{type(original).__name__}",
            )
        expect(
            len(caught) <= WARNINGS_ALLOWED,
            f"one call raised {len(caught)} warnings; the first: {caught and caught[0].message}",
            f"一次调用发出了{len(caught)}条警告，第一条是：{caught and caught[0].message}",
        )
        self.exercise.validate(result, self.bound(args, kwargs))
        return result

    def bound(self, args, kwargs) -> dict:
        """The arguments by the contract's names."""
        return dict(inspect.signature(self.exercise.reference).bind(*args, **kwargs).arguments)

    def _run(self, args, kwargs):
        if self.calls_reference is not None:
            return self.function(*args, **kwargs)
        self.calls_reference = False
        code = getattr(self.exercise.reference, "__code__", None)

        def watch(frame, event, _):
            if event == "call" and frame.f_code is code:
                self.calls_reference = True

        sys.setprofile(watch)
        try:
            return self.function(*args, **kwargs)
        finally:
            sys.setprofile(None)


def describe_call(args, kwargs) -> str:
    """`(logits=[[1, 2]], temperature=2)`, or nothing where an argument is no value or too large to read."""
    if not all(map(_readable, [*args, *kwargs.values()])):
        return ""
    parts = [shown(value) for value in args] + [f"{name}={shown(value)}" for name, value in kwargs.items()]
    text = f"({', '.join(parts)})"
    return text if len(text) <= 160 and "tensor(" not in text else ""


def _readable(value) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_readable, value))
    return value is None or isinstance(value, torch.Tensor | int | float | str)


def describe_error(error: BaseException, function: Callable) -> str:
    """One sentence: what was raised, and at which of the learner's own lines, if not by what came back."""
    try:
        text = str(error)
    except BaseException:
        text = say("its text can't be printed", "其文本无法打印")
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    filename = getattr(getattr(function, "__code__", None), "co_filename", None)
    line, inside = None, False
    trace = error.__traceback__
    while trace:
        inside |= trace.tb_frame.f_code is Guarded._run.__code__
        if trace.tb_frame.f_code.co_filename == filename:
            line = linecache.getline(filename, trace.tb_lineno).strip() or line
        trace = trace.tb_next
    where = say(f", at the line `{line}`", f"，出错的一行是`{line}`") if line else ""
    if not inside and not line:
        return say(
            f"what your function returned can't be used as expected: {what[:400]}",
            f"你的函数返回的结果无法正常使用：{what[:400]}",
        )
    return say(f"your function raised {what[:400]}{where}", f"你的函数抛出了{what[:400]}{where}")


def _tensors(value) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return _tensors(list(value.values()))
    return [tensor for item in value for tensor in _tensors(item)] if isinstance(value, list | tuple) else []


def _plain(value) -> bool:
    """Whether an argument is a container of numbers and texts alone, which a function could change."""
    if not isinstance(value, list | dict | set):
        return False
    return all(isinstance(item, int | float | str) for item in (*value, *getattr(value, "values", tuple)()))


def _global_state(uses_randomness: bool) -> dict:
    state = {
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "seed": torch.initial_seed(),
        "patched": [dict(vars(place)) for place in _PATCHABLE],
    }
    if not uses_randomness:
        draws = torch.get_rng_state().numpy().tobytes(), random.getstate(), np.random.get_state()[1].tobytes()
        state["seed"] = (torch.initial_seed(), *draws)
    return state


def _expect_unchanged(before: dict, after: dict) -> None:
    messages = {
        "dtype": ("the function changes torch's default dtype", "函数改变了torch的默认dtype"),
        "grad": (
            "the function leaves autograd switched differently than before",
            "函数返回后autograd的开关状态变了",
        ),
        "threads": ("the function changes torch's number of threads", "函数改变了torch的线程数"),
        "seed": (
            "the function changes the global random state: set no global seed, and where the task asks for a "
            "draw, draw from a generator of your own",
            "函数改变了全局随机状态：不要设置全局种子；题目确实需要抽样时，请用自己的生成器",
        ),
    }
    for key, message in messages.items():
        expect(before[key] == after[key], *message)
    for place, old, new in zip(_PATCHABLE, before["patched"], after["patched"], strict=True):
        patched = [
            name
            for name, value in old.items()
            if new.get(name) is not value and not _wrapped_by_torch(new.get(name), value)
        ]
        expect(
            not patched,
            f"the function replaces {place.__name__}.{patched and patched[0]}; leave the library as it is",
            f"函数替换了{place.__name__}.{patched and patched[0]}；请不要改动库本身",
        )


def _wrapped_by_torch(new, old) -> bool:
    """Whether torch itself has wrapped the function, as its compiler does with manual_seed once loaded."""
    filename = getattr(getattr(new, "__code__", None), "co_filename", "")
    return getattr(new, "__wrapped__", None) is old and filename.startswith(torch.__path__[0])
