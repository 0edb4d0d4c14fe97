"""Watches the calls of a learner's function: what it changes that is not its to change, what it calls, prints."""

import contextlib
import copy
import io
import linecache
import sys
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from kd_solutions.support.language import Text, say
from kd_study.exercises.expectations import Unmet, expect, plain, shown
from kd_study.grading.signature import Calling
from kd_study.grading.state import World

WARNINGS_ALLOWED = 100
PRINTED_LINES = 10  # of what a function prints that are shown
_PRINTED_CHARACTERS = 2_000
FORM = "returns_it_in_the_form_asked_for"
CONDUCT = {  # what is found out beside the checks
    "takes_its_arguments": Text("Takes the arguments of the call", "接收调用时的参数"),
    FORM: Text("Returns it in the form asked for", "返回值的形式"),
    "leaves_the_world_as_it_is": Text("Changes nothing that is global", "不改动任何全局状态"),
}


class Guarded:
    """The learner's function, called as usual. Raises `Unmet` for what it did besides answering.

    `last_call` describes the latest call where its arguments are small, `printed` holds what was printed since
    `begin`; `calls_reference` tells whether any call went through the reference solution. `conduct` holds what
    is amiss beside the checks, name → message; a call goes on in spite of it.
    """

    def __init__(self, call: Calling, exercise):
        self.function, self.exercise = call.function, exercise
        self._call = call
        self._world = World(exercise.uses_randomness)
        self.calls_reference = False
        self.conduct: dict[str, str] = {}
        self._form_alone = True
        if call.complaint:
            self.conduct["takes_its_arguments"] = str(call.complaint)
        self.begin()

    def begin(self) -> None:
        """Before a check."""
        self.last_call = ""
        self._output = _Output()

    @property
    def printed(self) -> str:
        """The first lines of what was printed."""
        lines = self._output.kept.rstrip().splitlines()
        return "\n".join(lines[:PRINTED_LINES] + ["…"] * (len(lines) > PRINTED_LINES))

    def __call__(self, *args, **kwargs):
        self.last_call = describe_call(args, kwargs)
        arguments = _Arguments([*args, *kwargs.values()])
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with self._in_this_world():
                result = self._run(args, kwargs)
        if self.exercise.inputs_stay:
            arguments.expect_unchanged()
        expect(
            len(caught) <= WARNINGS_ALLOWED,
            f"one call raised {len(caught)} warnings; the first: {caught and caught[0].message}",
            f"一次调用发出了{len(caught)}条警告，第一条是：{caught and caught[0].message}",
        )
        return self._in_form(made_plain(result), self._call.bound(args, kwargs))

    def unguarded(self, loosened: bool = False) -> "Unguarded":
        """The function for who compares behaviour. loosened: whether results right but for their form are put right."""
        return Unguarded(self._call, self._world, self.exercise.loosened if loosened else None)

    @contextlib.contextmanager
    def _in_this_world(self) -> Iterator[None]:
        """Takes down what is printed; puts back what is global, and notes if it has changed."""
        with contextlib.redirect_stdout(self._output), contextlib.redirect_stderr(self._output):
            self._world.before_a_call()
            try:
                yield
            finally:
                if changed := self._world.restored():
                    self.conduct.setdefault("leaves_the_world_as_it_is", str(changed))

    def _in_form(self, result, arguments: dict):
        """The result, of the kind that the contract promises; what is right but for its form is put right."""
        if result is None:
            raise Unmet(self._nothing_came())
        try:
            self.exercise.validate(result, arguments)
            return result
        except Unmet as unmet:
            loosened = self.exercise.loosened(result)
            if loosened is result:
                self._form_alone = (
                    False  # a loss of each row: with one row it looks like one number in a list
                )
                self.conduct.pop(FORM, None)
                raise
            self.exercise.validate(loosened, arguments)
            if self._form_alone:
                self.conduct.setdefault(FORM, str(unmet))
            return loosened

    def _nothing_came(self) -> str:
        if self._output.kept:
            return say(
                "your function prints something and returns nothing (None): put `return` before what it should answer",
                "函数打印了内容，却什么也没返回（None）：请用`return`返回答案",
            )
        return say(
            "your function returns nothing (None); is a `return` missing?",
            "函数什么也没返回（None）；是不是漏了`return`？",
        )

    def _run(self, args, kwargs):
        code = getattr(self.exercise.reference, "__code__", None)

        def watch(frame, event, _):
            ours = frame.f_code
            if event == "call" and code and ours.co_name == code.co_name and ours == code:
                self.calls_reference = True

        sys.setprofile(watch)
        try:
            return self._call(*args, **kwargs)
        finally:
            sys.setprofile(None)


class Unguarded:
    """A function whose calls leave the world as it was, and nothing else is held against it.

    `changes` tells what was changed first, None if nothing.
    """

    def __init__(
        self, function: Callable, world: World, loosen: Callable | None = None, libraries: bool = True
    ):
        self._function, self._world, self._loosen, self._libraries = function, world, loosen, libraries
        self.changes: Text | None = None

    def __call__(self, *args, **kwargs):
        self._world.before_a_call()
        try:
            result = made_plain(self._function(*args, **kwargs))
        finally:
            changed = self._world.restored(self._libraries)
            self.changes = self.changes or changed
        return self._loosen(result) if self._loosen else result


class _Output(io.TextIOBase):
    """Takes down the beginning of what is printed, and hands it on to where it would have gone."""

    def __init__(self):
        self.kept, self._onwards = "", sys.stdout

    def write(self, text: str) -> int:
        self.kept += text[: max(0, _PRINTED_CHARACTERS - len(self.kept))]
        return self._onwards.write(text)

    def isatty(self) -> bool:
        return False


def made_plain(value):
    """A result of ordinary tensors, numbers and containers: of classes of their own only the data are left.

    What defines its own == or its own methods would answer for itself when it is compared.
    """
    if isinstance(value, torch.Tensor):
        return plain(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, np.generic) and type(value).__module__ == "numpy":
        return value.item()
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dict):
        return {made_plain(key): made_plain(item) for key, item in dict.items(value)}
    if isinstance(value, list):
        return list(map(made_plain, list.__iter__(value)))
    if isinstance(value, tuple):
        return tuple(map(made_plain, tuple.__iter__(value)))
    if isinstance(value, nn.Module):
        _expect_plain_parts(value)
    return value


def _expect_plain_parts(module: nn.Module) -> None:
    for tensor in (*nn.Module.parameters(module), *nn.Module.buffers(module)):
        expect(
            plain(tensor) is tensor,
            f"a module came back that holds a tensor of class {type(tensor).__name__}; use ordinary ones",
            f"返回的模块里含有{type(tensor).__name__}类的张量；请使用普通的张量",
        )


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
    where += next((str(advice) for sign, advice in _ADVICE if sign in text), "")
    if not inside and not line:
        return say(
            f"what your function returned can't be used as expected: {what[:400]}",
            f"你的函数返回的结果无法正常使用：{what[:400]}",
        )
    return say(f"your function raised {what[:400]}{where}", f"你的函数抛出了{what[:400]}{where}")


_NO_MEAN = Text("; there are several numbers: is a mean missing?", "；这里有好几个数：是不是漏了取平均？")
_DEVICE = Text("; leave the tensors on the device where they come", "；张量在哪个设备上传进来，就留在哪里")
_ADVICE = (  # a piece of an error's text, what it tells about the code
    ("cannot be converted to Scalar", _NO_MEAN),
    ("only one element tensors can be converted", _NO_MEAN),
    ("can only be called for tensors with one element", _NO_MEAN),
    ("not compiled with CUDA", _DEVICE),
    ("Found no NVIDIA driver", _DEVICE),
    ("on the same device", _DEVICE),
    (
        "unsupported ScalarType BFloat16",
        Text("; NumPy has no bfloat16: stay with torch", "；NumPy没有bfloat16：请只用torch"),
    ),
)


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
