"""What is global and not a function's to change: seeds, modes, defaults, the process, the libraries themselves."""

import builtins
import contextlib
import gc
import logging
import math
import os
import random
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from kd_solutions.support.language import Text

_COMPILER = tuple(os.path.join(os.path.dirname(torch.__file__), part) for part in ("_dynamo", "_compile.py"))
_LIBRARIES = (
    torch, torch.nn, torch.nn.functional, torch.Tensor, torch.nn.Module, torch.optim, torch.optim.Optimizer,
    torch.autograd, np, math, builtins,
)  # fmt: skip
_OURS = ("kd_study.exercises", "kd_study.grading", "kd_solutions")


UNLIKELY_SEED = 20_261_124_907  # unlike any that somebody would choose, so that choosing one shows


@dataclass(frozen=True)
class _Setting:
    """One thing that can be read and put back."""

    what: Text
    read: Callable
    restore: Callable


def _cudnn() -> tuple:
    return tuple(getattr(torch.backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic"))


def _set_cudnn(values: tuple) -> None:
    names = ("enabled", "benchmark", "deterministic")
    for name, value in zip(names, values, strict=True):
        setattr(torch.backends.cudnn, name, value)


def _environment() -> dict:
    return dict(os.environ._data)  # as it is kept, encoded: os.environ itself decodes one by one


def _set_environment(values: dict) -> None:
    before = {os.environ.decodekey(name): os.environ.decodevalue(value) for name, value in values.items()}
    for name in os.environ.keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _set_device(device: torch.device) -> None:
    torch.set_default_device(None if device.type == "cpu" else device)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _go_back(folder: str | None) -> None:
    with contextlib.suppress(OSError):
        os.chdir(folder or "/")


_PRINTING = torch._tensor_str.PRINT_OPTS
_SETTINGS = (
    _Setting(
        Text("torch's default dtype", "torch的默认dtype"), torch.get_default_dtype, torch.set_default_dtype
    ),
    _Setting(Text("torch's default device", "torch的默认设备"), torch.get_default_device, _set_device),
    _Setting(
        Text("whether autograd is switched on", "autograd的开关状态"),
        torch.is_grad_enabled,
        torch.set_grad_enabled,
    ),
    _Setting(
        Text("torch's anomaly mode", "torch的异常检测模式"),
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda values: torch.set_anomaly_enabled(*values),
    ),
    _Setting(
        Text("torch's number of threads", "torch的线程数"), torch.get_num_threads, torch.set_num_threads
    ),
    _Setting(
        Text("torch's deterministic mode", "torch的确定性模式"),
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
        lambda values: torch.use_deterministic_algorithms(values[0], warn_only=values[1]),
    ),
    _Setting(
        Text("torch's matmul precision", "torch的矩阵乘法精度"),
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    _Setting(
        Text("torch's automatic mixed precision", "torch的自动混合精度"),
        lambda: torch.is_autocast_enabled("cpu"),
        lambda value: torch.set_autocast_enabled("cpu", value),
    ),
    _Setting(Text("cudnn's flags", "cudnn的标志"), _cudnn, _set_cudnn),
    _Setting(
        Text("how torch prints tensors", "torch打印张量的方式"),
        lambda: dict(vars(_PRINTING)),
        lambda values: vars(_PRINTING).update(values),
    ),
    _Setting(
        Text("how NumPy treats floating-point errors (seterr)", "NumPy处理浮点错误的方式（seterr）"),
        np.geterr,
        lambda values: np.seterr(**values),
    ),
    _Setting(
        Text("how NumPy prints arrays", "NumPy打印数组的方式"),
        np.get_printoptions,
        lambda values: np.set_printoptions(**values),
    ),
    _Setting(Text("an environment variable", "环境变量"), _environment, _set_environment),
    _Setting(Text("the current folder", "当前目录"), _folder, _go_back),
    _Setting(
        Text("Python's recursion limit", "Python的递归上限"), sys.getrecursionlimit, sys.setrecursionlimit
    ),
    _Setting(
        Text("Python's garbage collector", "Python的垃圾回收器"),
        gc.isenabled,
        lambda on: gc.enable() if on else gc.disable(),
    ),
    _Setting(Text("what is logged", "日志的级别"), lambda: logging.root.manager.disable, logging.disable),
    _Setting(
        Text("where print writes to", "print的输出位置"),
        lambda: (sys.stdout, sys.stderr),
        lambda streams: (setattr(sys, "stdout", streams[0]), setattr(sys, "stderr", streams[1])),
    ),
)
_SEED = Text(
    "the global random state: set no global seed, and where the task asks for a draw, draw from a generator of your own",
    "全局随机状态：不要设置全局种子；题目确实需要抽样时，请用自己的生成器",
)


class World:
    """A picture of all that is global. After each call `restored` puts it back and says what had changed."""

    def __init__(self, uses_randomness: bool):
        self._uses_randomness = uses_randomness
        self._settings = [setting.read() for setting in _SETTINGS]
        self._places = [_Place(place) for place in (*_LIBRARIES, *_our_modules())]
        self._bodies = [(function, function.__code__) for function in _our_functions()]
        self.before_a_call()

    def before_a_call(self) -> None:
        """Notes the random state, from which a check itself may draw."""
        self._seed, self._draws = torch.initial_seed(), _draws()

    def restored(self, libraries: bool = True) -> Text | None:
        """Puts everything back as it was; says what the call had changed, the first of it, None if nothing.

        libraries: whether to look at these too, for a function of which anything is to be expected.
        """
        found = [self._reseeded()]
        for setting, before in zip(_SETTINGS, self._settings, strict=True):
            if setting.read() != before:
                setting.restore(before)
                found.append(Text(f"the function changes {setting.what.en}", f"函数改变了{setting.what.zh}"))
        if libraries:  # last, as some settings come with a name that is replaced
            found += [self._patched(), self._rewritten()]
        return next(filter(None, found), None)

    def _reseeded(self) -> Text | None:
        drawn = not self._uses_randomness and _draws() != self._draws
        if torch.initial_seed() == self._seed and not drawn:
            return None
        torch.manual_seed(self._seed)
        torch.set_rng_state(torch.frombuffer(bytearray(self._draws[0]), dtype=torch.uint8))
        random.setstate(self._draws[1])
        np.random.set_state(("MT19937", np.frombuffer(self._draws[2], dtype=np.uint32), *self._draws[3]))
        return Text(f"the function changes {_SEED.en}", f"函数改变了{_SEED.zh}")

    def _patched(self) -> Text | None:
        names = [name for place in self._places for name in place.restored()]
        return _replaced(names[0]) if names else None

    def _rewritten(self) -> Text | None:
        changed = [(function, body) for function, body in self._bodies if function.__code__ is not body]
        for function, body in changed:
            function.__code__ = body
        return _replaced(f"{changed[0][0].__module__}.{changed[0][0].__qualname__}") if changed else None


class _Place:
    """A module or class and what its names stand for."""

    def __init__(self, place):
        self.place, self.names = place, dict(vars(place))
        self.ids = list(map(id, self.names.values()))

    def restored(self) -> list[str]:
        """Puts back what was replaced; its names. What is new, or wrapped by torch's compiler, stays."""
        now = vars(self.place)
        if list(map(id, now.values())) == self.ids:
            return []
        changed = [name for name, value in self.names.items() if now.get(name) is not value]
        replaced = [name for name in changed if not _by_torch(now.get(name))]
        for name in replaced:
            setattr(self.place, name, self.names[name])
        self.__init__(self.place)
        return [f"{self.place.__name__}.{name}" for name in replaced]


def _replaced(name: str) -> Text:
    return Text(
        f"the function replaces {name}; leave the library as it is", f"函数替换了{name}；请不要改动库本身"
    )


def _draws() -> tuple:
    """What the global generators of torch, Python and NumPy would draw next."""
    kind, numbers, *rest = np.random.get_state()
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), numbers.tobytes(), tuple(rest)


def _our_modules() -> list:
    return [module for name, module in list(sys.modules.items()) if name.startswith(_OURS)]


def _our_functions() -> list:
    return [
        member
        for module in _our_modules()
        for owner in (module, *(m for m in vars(module).values() if isinstance(m, type)))
        for member in vars(owner).values()
        if isinstance(member, types.FunctionType) and member.__module__ == module.__name__
    ]


def _by_torch(value) -> bool:
    """Whether torch's compiler put it there, which wraps a few functions when something first needs it."""
    code = getattr(value, "__code__", None)
    return code is not None and code.co_filename.startswith(_COMPILER)
