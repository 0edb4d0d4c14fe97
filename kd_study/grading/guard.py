"""Watches one call of a learner's function: what it changes that is not its to change, what it calls."""

import copy
import inspect
import linecache
import math
import os
import random
import sys
import warnings
from collections.abc import Callable

import numpy as np
import torch

from kd_solutions.support.language import say
from kd_study.exercises.expectations import expect, shown

WARNINGS_ALLOWED = 100
_COMPILER = tuple(os.path.join(os.path.dirname(torch.__file__), part) for part in ("_dynamo", "_compile.py"))
_PATCHABLE = (
    torch, torch.nn, torch.nn.functional, torch.Tensor, torch.nn.Module, torch.optim, torch.autograd, math,
)  # fmt: skip


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
        arguments = _Arguments([*args, *kwargs.values()])
        before = _global_state(self.exercise.uses_randomness)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = self._run(args, kwargs)
        _expect_unchanged(before, _global_state(self.exercise.uses_randomness))
        if self.exercise.inputs_stay:
            arguments.expect_unchanged()
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


class _Arguments:
    """What a call was given, to be compared with what is left of it afterwards."""

    def __init__(self, values: list):
        self.tensors = [
            (tensor, tensor.detach().clone(), tensor.requires_grad, _grad(tensor))
            for tensor in _tensors(values)
        ]
        self.plain = [(value, copy.deepcopy(value)) for value in values if _plain(value)]

    def expect_unchanged(self) -> None:
        for tensor, original, required, grad in self.tensors:
            expect(
                tensor.requires_grad == required,
                "the function switches requires_grad of one of its arguments; detach() gives "
                "another tensor, without a graph",
                "函数改动了传入参数的requires_grad；detach()会另给一个不带计算图的张量",
            )
            expect(
                _alike(tensor, original),
                "the function changes one of its arguments in place; work on new tensors instead",
                "函数原地修改了传入的参数；请改用新的张量",
            )
            expect(
                _grad(tensor) is grad,
                "the function leaves a gradient in one of its arguments (.grad): it calls backward() itself; "
                "leave that to the caller",
                "函数在传入的参数里留下了梯度（.grad）：它自己调用了backward()；请把这一步留给调用者",
            )
        for value, original in self.plain:
            expect(
                value == original,
                f"the function changes one of its arguments, {shown(original)}, in place; make a new "
                f"{type(original).__name__}",
                f"函数原地修改了传入的{shown(original)}；请另建一个{type(original).__name__}",
            )


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


def _grad(tensor: torch.Tensor) -> torch.Tensor | None:
    return tensor.grad if tensor.is_leaf else None


def _alike(tensor: torch.Tensor, original: torch.Tensor) -> bool:
    """Whether two tensors are equal, NaN to NaN."""
    if tensor.shape != original.shape:
        return False
    return bool(((tensor == original) | (tensor.isnan() & original.isnan())).all())


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
        changed = [name for name, value in old.items() if new.get(name) is not value]
        patched = [name for name in changed if not _by_torch(new.get(name))]
        expect(
            not patched,
            f"the function replaces {place.__name__}.{patched and patched[0]}; leave the library as it is",
            f"函数替换了{place.__name__}.{patched and patched[0]}；请不要改动库本身",
        )


def _by_torch(value) -> bool:
    """Whether torch's compiler put it there, which wraps a few functions when something first needs it."""
    code = getattr(value, "__code__", None)
    return code is not None and code.co_filename.startswith(_COMPILER)
