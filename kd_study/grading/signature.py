"""Whether a function takes the arguments of its exercise, and how to call one that takes them otherwise."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from kd_solutions.support.language import Text
from kd_study.exercises.expectations import Unmet

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_ROLES = (  # what people call them
    ("teacher", re.compile(r"teach|^t_|_t$|^soft")),
    ("student", re.compile(r"stud|^s_|_s$|^pred")),
    ("targets", re.compile(r"label|target|gold|truth|^y$|^gt$|^hard")),
    ("temperature", re.compile(r"temp|tau|^T$")),
    ("alpha", re.compile(r"alpha|lambda|^lam$|^weight$")),
    ("mask", re.compile(r"mask")),
)


@dataclass(frozen=True)
class Calling:
    """How to call a function with an exercise's arguments; `complaint` says in one sentence what is unlike there.

    names: the exercise's name of an argument → the function's own; None where it is called as it comes.
    """

    function: Callable
    reference: inspect.Signature
    complaint: Text | None = None
    names: dict[str, str] | None = None

    def bound(self, args: tuple, kwargs: dict) -> dict:
        """The arguments by the exercise's names."""
        return dict(self.reference.bind(*args, **kwargs).arguments)

    def __call__(self, *args, **kwargs):
        """Calls the function. Raises `Unmet` where it has no parameter for one of the arguments."""
        if self.names is None:
            return self.function(*args, **kwargs)
        given = self.bound(args, kwargs)
        for name, value in given.items():
            if name not in self.names and not _is_default(value, self.reference.parameters[name]):
                raise Unmet(str(self.complaint))
        return self.function(
            **{self.names[name]: value for name, value in given.items() if name in self.names}
        )


def calling(function: Callable, reference: Callable, name: str) -> Calling:
    """How to call `function` with the arguments of `reference`, the solution of the exercise `name`."""
    contract = inspect.signature(reference)
    try:
        parameters = inspect.signature(
            function.forward if isinstance(function, nn.Module) else function
        ).parameters
    except (TypeError, ValueError):  # written in C
        return Calling(function, contract)
    kinds = {parameter.kind for parameter in parameters.values()}
    if inspect.Parameter.VAR_POSITIONAL in kinds or _fits(parameters, contract):
        return Calling(function, contract)
    if inspect.Parameter.VAR_KEYWORD in kinds or any(
        parameter.kind is inspect.Parameter.POSITIONAL_ONLY for parameter in parameters.values()
    ):
        return Calling(function, contract, _complaint(function, parameters, contract, name, {}))
    names = _matched(list(parameters), list(contract.parameters))
    return Calling(function, contract, _complaint(function, parameters, contract, name, names), names)


def _fits(parameters: dict, contract: inspect.Signature) -> bool:
    """Whether the contract's arguments stand first, in their order, and nothing else is required."""
    own = [parameter for parameter in parameters.values() if parameter.kind in _POSITIONAL]
    first = [parameter.name for parameter in own[: len(contract.parameters)]]
    rest = [*own[len(contract.parameters) :], *(p for p in parameters.values() if p.kind not in _POSITIONAL)]
    optional = all(p.default is not p.empty or p.kind is inspect.Parameter.VAR_KEYWORD for p in rest)
    return first == list(contract.parameters) and optional


def _matched(own: list[str], wanted: list[str]) -> dict[str, str]:
    """Wanted name → own name: equal names first, then those of one role, then by place."""
    found = {name: name for name in wanted if name in own}
    left = [name for name in own if name not in found.values()]
    for role, _ in _ROLES:
        ours = [name for name in wanted if name not in found and _role(name) == role]
        theirs = [name for name in left if _role(name) == role]
        if len(ours) == len(theirs) == 1:
            found[ours[0]] = theirs[0]
            left.remove(theirs[0])
    missing = [name for name in wanted if name not in found]
    return found | dict(zip(missing, left, strict=False))


def _role(name: str) -> str | None:
    return next((role for role, pattern in _ROLES if pattern.search(name)), None)


def _complaint(function, parameters, contract: inspect.Signature, name: str, names: dict[str, str]) -> Text:
    own, call = ", ".join(parameters), f"{name}{_listed(contract)}"
    missing = [wanted for wanted in contract.parameters if wanted not in names]
    extra = [
        parameter.name
        for parameter in parameters.values()
        if parameter.name not in names.values()
        and parameter.default is parameter.empty
        and parameter.kind in (*_POSITIONAL, inspect.Parameter.KEYWORD_ONLY)
    ]
    tails, tails_zh = [], []
    if missing and names:
        listed = ", ".join(missing)
        tails.append(
            f"what its constructor takes, such as {listed}, is an argument of the call"
            if not inspect.isroutine(function)
            else f"it has no {listed}"
        )
        tails_zh.append(
            f"构造函数里的{listed}等应是调用时的参数" if not inspect.isroutine(function) else f"缺少{listed}"
        )
    if extra and names:
        tails.append(f"nobody gives it {', '.join(extra)}")
        tails_zh.append(f"没有人会传入{'、'.join(extra)}")
    if names and not missing and not extra:
        tails.append("it is judged below as if it took them so")
        tails_zh.append("以下按照它接收的正是这些参数来检查")
    end, end_zh = (f"; {'; '.join(tails)}", f"；{'；'.join(tails_zh)}") if tails else ("", "")
    return Text(
        f"your function's parameters are ({own}), and the call is {call}{end}",
        f"你的函数的参数是({own})，而调用方式是{call}{end_zh}",
    )


def _listed(contract: inspect.Signature) -> str:
    shown = [p.replace(annotation=inspect.Parameter.empty) for p in contract.parameters.values()]
    return str(inspect.Signature(shown))


def _is_default(value, parameter: inspect.Parameter) -> bool:
    try:
        return parameter.default is not parameter.empty and bool(value == parameter.default)
    except (RuntimeError, ValueError):  # a tensor of many entries
        return False
