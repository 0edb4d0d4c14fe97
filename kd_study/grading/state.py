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
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils._device import DeviceContext

from kd_solutions.support.language import Text

_WRAPPERS = (
    tuple(  # where torch wraps functions when it first needs to: its compiler, and an optimizer's step
        os.path.join(os.path.dirname(torch.__file__), part)
        for part in ("_dynamo", "_compile.py", "optim/optimizer.py")
    )
)
_LIBRARIES = (
    torch, torch.nn, torch.nn.functional, torch.Tensor, torch.nn.Module, torch.optim, torch.optim.Optimizer,
    torch.autograd, np, math, builtins,
)  # fmt: skip
_OURS = ("kd_study.exercises", "kd_study.grading", "kd_solutions")
UNLIKELY_SEED = 20_261_124_907  # unlike any that somebody would choose, so that choosing one shows


@dataclass(frozen=True)
class _Setting:
    """One thing that can be read and put back.

    usual: its value in a fresh process, where it could decide a result.
    anew: whether it is noted before each call, and left as a library sets it when it is first loaded.
    """

    what: Text
    read: Callable
    restore: Callable
    usual: object = None
    anew: bool = False


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


def _precision() -> tuple:
    return torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")


def _set_precision(values: tuple) -> None:
    torch.set_autocast_enabled("cpu", values[0])
    torch.set_autocast_dtype("cpu", values[1])


def _filters() -> list:
    return list(warnings.filters)


def _set_filters(filters: list) -> None:
    warnings.filters[:] = filters
    warnings._filters_mutated()


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
        Text("torch's default dtype", "torch的默认dtype"),
        torch.get_default_dtype,
        torch.set_default_dtype,
        torch.float32,
    ),
    _Setting(
        Text("torch's default device", "torch的默认设备"),
        torch.get_default_device,
        _set_device,
        torch.device("cpu"),
    ),
    _Setting(
        Text("whether autograd is switched on", "autograd的开关状态"),
        torch.is_grad_enabled,
        torch.set_grad_enabled,
        True,
    ),
    _Setting(
        Text("torch's anomaly mode", "torch的异常检测模式"),
        lambda: (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        lambda values: torch.set_anomaly_enabled(*values),
        (False, True),
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
        (False, False),
    ),
    _Setting(
        Text("torch's matmul precision", "torch的矩阵乘法精度"),
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
        "highest",
    ),
    _Setting(
        Text("torch's automatic mixed precision", "torch的自动混合精度"),
        _precision,
        _set_precision,
        (False, torch.bfloat16),
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
        {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"},
    ),
    _Setting(
        Text("how NumPy prints arrays", "NumPy打印数组的方式"),
        np.get_printoptions,
        lambda values: np.set_printoptions(**values),
    ),
    _Setting(Text("an environment variable", "环境变量"), _environment, _set_environment, anew=True),
    _Setting(Text("which warnings are shown", "显示哪些警告"), _filters, _set_filters, anew=True),
    _Setting(
        Text("where Python looks for modules (sys.path)", "Python查找模块的路径（sys.path）"),
        lambda: list(sys.path),
        lambda folders: sys.path.__setitem__(slice(None), folders),
        anew=True,
    ),
    _Setting(Text("the current folder", "当前目录"), _folder, _go_back),
    _Setting(
        Text("Python's recursion limit", "Python的递归上限"), sys.getrecursionlimit, sys.setrecursionlimit
    ),
    _Setting(
        Text("Python's garbage collector", "Python的垃圾回收器"),
        gc.isenabled,
        lambda on: gc.enable() if on else gc.disable(),
    ),
    _Setting(
        Text("what is logged", "日志的级别"),
        lambda: (logging.root.manager.disable, logging.root.level),
        lambda levels: (logging.disable(levels[0]), logging.root.setLevel(levels[1])),
    ),
    _Setting(
        Text("where print writes to", "print的输出位置"),
        lambda: (sys.stdout, sys.stderr),
        lambda streams: (setattr(sys, "stdout", streams[0]), setattr(sys, "stderr", streams[1])),
        anew=True,
    ),
)
_SEED = Text(
    "the global random state: set no global seed, and where the task asks for a draw, draw from a generator of your own",
    "全局随机状态：不要设置全局种子；题目确实需要抽样时，请用自己的生成器",
)


def reseed() -> None:
    """Sets the global generators to where nobody would set them; those of a GPU are left alone."""
    torch.default_generator.manual_seed(UNLIKELY_SEED)
    random.seed(UNLIKELY_SEED)
    np.random.seed(UNLIKELY_SEED % 2**32)


@contextlib.contextmanager
def usual_world() -> Iterator[None]:
    """In it what is global, and could decide a result, is as in a fresh process; afterwards as it was."""
    before = [(setting, setting.read()) for setting in _SETTINGS if setting.usual is not None]
    unusual = [(setting, value) for setting, value in before if value != setting.usual]
    generators = torch.get_rng_state(), random.getstate(), np.random.get_state()
    try:
        for setting, _ in unusual:
            setting.restore(setting.usual)
        reseed()
        with torch.inference_mode(False), torch.enable_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for setting, value in unusual:
            setting.restore(value)
        torch.set_rng_state(generators[0])
        random.setstate(generators[1])
        np.random.set_state(generators[2])


class World:
    """A picture of all that is global. After each call `restored` puts it back and says what had changed."""

    def __init__(self, uses_randomness: bool):
        self._uses_randomness = uses_randomness
        self._settings = [setting.read() for setting in _SETTINGS]
        self._places = [_Place(place) for place in (*_LIBRARIES, *_our_modules(), *_our_objects())]
        self._bodies = [(function, _body(function)) for function in _our_functions()]
        self.before_a_call()

    def before_a_call(self) -> None:
        """Notes what a check itself, or loading a library, may change: the random state and a few settings."""
        self._seed, self._draws, self._loaded = torch.initial_seed(), _draws(), len(sys.modules)
        self._modes = _modes()
        for place, setting in enumerate(_SETTINGS):
            if setting.anew:
                self._settings[place] = setting.read()

    def restored(self, libraries: bool = True) -> Text | None:
        """Puts everything back as it was; says what the call had changed, the first of it, None if nothing.

        libraries: whether to look at these too, for a function of which anything is to be expected.
        """
        found = [self._left_on(), self._reseeded()]  # first what would answer for the functions used below
        for setting, before in zip(_SETTINGS, self._settings, strict=True):
            if setting.read() == before or (setting.anew and len(sys.modules) > self._loaded):
                continue
            setting.restore(before)
            found.append(Text(f"the function changes {setting.what.en}", f"函数改变了{setting.what.zh}"))
        if libraries:  # last, as some settings come with a name that is replaced
            found += [self._patched(), self._rewritten()]
        return next(filter(None, found), None)

    def _left_on(self) -> Text | None:
        if _modes() == self._modes:
            return None
        _leave_modes(self._modes)
        return Text(
            "the function leaves a mode switched on that changes what torch's functions do; use it in a `with`",
            "函数打开了一个会改变torch函数行为的模式，却没有关上；请放进`with`里",
        )

    def _reseeded(self) -> Text | None:
        drawn = not self._uses_randomness and _draws() != self._draws
        if torch.initial_seed() == self._seed and not drawn:
            return None
        torch.default_generator.manual_seed(self._seed)
        torch.set_rng_state(torch.frombuffer(bytearray(self._draws[0]), dtype=torch.uint8))
        random.setstate(self._draws[1])
        np.random.set_state(("MT19937", np.frombuffer(self._draws[2], dtype=np.uint32), *self._draws[3]))
        return Text(f"the function changes {_SEED.en}", f"函数改变了{_SEED.zh}")

    def _patched(self) -> Text | None:
        names = [name for place in self._places for name in place.restored()]
        return _replaced(names[0]) if names else None

    def _rewritten(self) -> Text | None:
        changed = [(function, body) for function, body in self._bodies if not _has_body(function, body)]
        for function, body in changed:
            function.__code__, function.__defaults__, function.__kwdefaults__ = body
        return _replaced(f"{changed[0][0].__module__}.{changed[0][0].__qualname__}") if changed else None


class _Place:
    """A module, class or object and what its names stand for."""

    def __init__(self, place):
        self.place, self.names = place, dict(vars(place))
        self.ids = list(map(id, self.names.values()))

    def restored(self) -> list[str]:
        """Puts back what was replaced; its names. What is new and hides nothing, or is torch's wrapper, stays."""
        if list(map(id, vars(self.place).values())) == self.ids:
            return []
        now = dict(vars(self.place))
        changed = [name for name, value in self.names.items() if now.get(name) is not value]
        replaced = [name for name in changed if not _by_torch(now.get(name))]
        new = [name for name in now if name not in self.names and not _by_torch(now[name])]
        hiding = [name for name in new if self._hides(name)]
        for name in replaced:
            setattr(self.place, name, self.names[name])
        for name in hiding:
            delattr(self.place, name)
        self.__init__(self.place)
        return [f"{self._title}.{name}" for name in replaced + hiding]

    def _hides(self, name: str) -> bool:
        """Whether a new name stands before another that was meant until now."""
        if isinstance(self.place, types.ModuleType):
            return hasattr(builtins, name)
        owners = self.place.__mro__[1:] if isinstance(self.place, type) else type(self.place).__mro__
        return any(name in vars(owner) for owner in owners)

    @property
    def _title(self) -> str:
        return getattr(self.place, "__name__", type(self.place).__name__)


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


def _our_objects() -> list:
    """Our classes, and the exercises, which are one object each."""
    found = [
        member
        for module in _our_modules()
        for name, member in vars(module).items()
        if name == "EXERCISE" or (isinstance(member, type) and member.__module__ == module.__name__)
    ]
    return list(dict.fromkeys(found))


def _our_functions() -> list:
    found = [
        member
        for owner in (*_our_modules(), *_our_objects())
        for member in vars(owner).values()
        if isinstance(member, types.FunctionType) and (member.__module__ or "").startswith(_OURS)
    ]
    return list(dict.fromkeys(found))  # once each, however many modules import it


def _body(function: types.FunctionType) -> tuple:
    return function.__code__, function.__defaults__, function.__kwdefaults__


def _has_body(f: types.FunctionType, body: tuple) -> bool:
    code, defaults, named = body
    return f.__code__ is code and f.__defaults__ is defaults and f.__kwdefaults__ is named


def _modes() -> tuple[int, int]:
    """How many modes are on that see each call of a torch function, and each of its operators."""
    functions = torch.overrides._get_current_function_mode_stack()
    own = [mode for mode in functions if not isinstance(mode, DeviceContext)]  # a setting of its own
    return len(own), torch._C._len_torch_dispatch_stack()


def _leave_modes(before: tuple[int, int]) -> None:
    while (now := _modes())[0] > before[0]:
        if isinstance(torch.overrides._get_current_function_mode_stack()[-1], DeviceContext):
            torch.set_default_device(None)
        else:
            torch._C._pop_torch_function_stack()
    for _ in range(now[1] - before[1]):
        torch._C._pop_torch_dispatch_stack(None)


def _by_torch(value) -> bool:
    """Whether torch put it there, which wraps a few functions when something first needs it."""
    code = getattr(value, "__code__", None)
    return code is not None and code.co_filename.startswith(_WRAPPERS)
