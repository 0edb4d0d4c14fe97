"""Work that a right answer could save: the same operation on the same values twice, a Python loop over rows."""

from collections.abc import Callable

import torch
from torch.overrides import TorchFunctionMode

from kd_solutions.support.language import Text

_COSTLY = {
    "softmax", "log_softmax", "logsumexp", "cross_entropy", "kl_div", "matmul", "mm", "bmm", "__matmul__", "einsum",
    "cdist", "norm", "vector_norm", "normalize", "cosine_similarity", "sort", "argsort", "topk", "svd",
}  # fmt: skip


class _Log(TorchFunctionMode):
    """Numbers every tensor by how it was computed, so that equal numbers mean equal values."""

    def __init__(self):
        super().__init__()
        self.calls: list[tuple] = []
        self._numbers: dict[int, object] = {}
        self._alive: list = []  # a freed tensor's id would be given to another

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = getattr(func, "__name__", str(func))
        key = name, self._number((args, sorted(kwargs.items())))
        result = func(*args, **kwargs)
        self.calls.append(key)
        self._remember(result, key)
        if name.endswith("_") and not name.endswith("__") or name in ("__setitem__", "__set__"):
            self._remember(args[0], object())  # changed in place
        return result

    def _number(self, value):
        if isinstance(value, torch.Tensor):
            return self._numbers.get(id(value)) or self._remember(value, object())
        if isinstance(value, list | tuple):
            return tuple(map(self._number, value))
        return repr(value)

    def _remember(self, value, number):
        if isinstance(value, torch.Tensor):
            self._alive.append(value)
            self._numbers[id(value)] = number
        elif isinstance(value, list | tuple):
            for place, item in enumerate(value):
                self._remember(item, (number, place))
        return number


def calls(function: Callable, arguments: dict) -> list[tuple]:
    """Each call of a torch function, by name and by what it was given."""
    log = _Log()
    with log:
        function(**arguments)
    return log.calls


def done_twice(function: Callable, arguments: dict) -> Text | None:
    """What to say of a costly operation that is applied to the same values more than once."""
    seen = [call for call in calls(function, arguments) if call[0] in _COSTLY]
    for call in seen:
        if (times := seen.count(call)) > 1:
            name = call[0].strip("_")
            return Text(
                f"{name} is computed {times} times of the same values; give the first result a name and use it again",
                f"{name}对同样的数值算了{times}次；给第一次的结果起个名字，之后直接用它",
            )
    return None


def loops_over_rows(function: Callable, arguments: dict) -> Text | None:
    """What to say of a function whose number of operations grows with the batch."""
    tensors = {
        name: value for name, value in arguments.items() if isinstance(value, torch.Tensor) and value.dim()
    }
    rows = len(next(iter(tensors.values())))
    if any(len(value) != rows for value in tensors.values()):
        return None
    doubled = arguments | {name: torch.cat([value, value]) for name, value in tensors.items()}
    if len(calls(function, doubled)) - len(calls(function, arguments)) < rows:
        return None
    return Text(
        "a Python loop goes over the rows; one operation on the whole batch does the same, many times faster",
        "用Python循环逐行计算；对整个批次做一次运算就能得到同样的结果，而且快得多",
    )
