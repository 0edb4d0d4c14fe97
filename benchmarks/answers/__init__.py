"""Wrong answers as public code has them: the faults are real, the lines are ours. `@answer(…)` marks one."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple


class Answer(NamedTuple):
    """A function, the exercise that it would answer, and every name of a mistake that is true of it."""

    exercise: str
    function: Callable
    names: frozenset[str]
    source: str


ANSWERS: list[Answer] = []


def answer(exercise: str, *names: str, source: str = "") -> Callable:
    """Marks a wrong answer. names: the mistakes of the bank that it makes; source: where its like was seen."""

    def add(function: Callable) -> Callable:
        ANSWERS.append(Answer(exercise, function, frozenset(names), source))
        return function

    return add


for _path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
    import_module(f"{__name__}.{_path.stem}")
