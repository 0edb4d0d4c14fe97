"""Grades a learner's file: its code is loaded and graded in a copy of this process, whatever it does there.

What fails is named by its place, and the answers that don't need it are graded all the same: where a
statement hangs or ends the process, another copy goes on without it.
"""

import ast
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.grading.grade import Report, grade, patience
from kd_study.grading.loading import Problem, Source, Statement, said
from kd_study.grading.sandbox import Ended, run

SECONDS = 20.0  # from one step of a file to the next, on an idle machine; grading an answer has its own limit
COPIES = 4  # so many steps of a file may hang or end the process, less one
MODULE = "submission"  # as which a file runs: imported, not called. A notebook's cells run as "__main__"


@dataclass
class Graded:
    """A file's reports, in the order of study, and one sentence for each thing that kept more from it."""

    reports: list[Report] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class Step:
    """What the copy does next: it executes the statement, or grades the answer, of this key."""

    key: str


def grade_file(path: Path) -> Graded:
    """Grades every solution in a Python file or notebook, each judged on its own.

    Never raises for what the file holds or does. Where a solution fails, those after it that call it get the
    reference instead, as in a lesson.
    """
    return next(grade_files([path], 1))


def grade_files(paths: Iterable[Path], at_once: int) -> Iterator[Graded]:
    """`grade_file` of each, in their order, while those that come next are at work already."""
    started: deque[tuple[Path, Iterator]] = deque()
    seconds = SECONDS * patience()
    for path in paths:
        path = Path(os.path.abspath(path))
        _import_for(path)
        started.append((path, _copy(path, {}, seconds)))
        if len(started) >= at_once:
            yield _finished(*started.popleft(), seconds)
    while started:
        yield _finished(*started.popleft(), seconds)


def _finished(path: Path, events: Iterator, seconds: float) -> Graded:
    """What a copy grades; where it ends too early, what others do that leave the fatal step out."""
    fatal: dict[str, str] = {}  # a step's key → how it ended the copy
    for more in reversed(range(COPIES)):
        graded, ended, last = _collected(events)
        if ended.how == "finished":
            return graded
        fatal[last] = _how(ended, seconds)
        if more:
            events = _copy(path, fatal, seconds)
    graded.problems.append(say(f"it {_how(ended, seconds)}", f"它{_how(ended, seconds)}"))
    return graded


def _copy(path: Path, fatal: dict[str, str], seconds: float) -> Iterator:
    return run(lambda: _events(path, fatal), seconds, (Step, Problem, Report), each=True)


def _import_for(path: Path) -> None:
    """Imports what each copy would else import anew, and within its memory."""
    for name in ("torch", "nbformat", "IPython.core.inputtransformer2"):
        if name == "torch" or path.suffix == ".ipynb":
            import_module(name)


def _collected(events: Iterator) -> tuple[Graded, Ended, str]:
    """(what was graded, how the copy ended, the key of its last step)."""
    graded, last = Graded(), ""
    for event in events:
        match event:
            case Step(key=key):
                last = key
            case Problem(text=text, names=names):
                left_out = say("; not graded: ", "；未批改：") + say(", ", "、").join(names) if names else ""
                graded.problems.append(text + left_out)
            case Report(exercise=name) if name in NAMES and all(
                name != one.exercise for one in graded.reports
            ):
                graded.reports.append(event)
    return graded, event, last


def _how(ended: Ended, seconds: float) -> str:
    if ended.how == "time":
        return say(f"doesn't end within {seconds:.0f} s", f"{seconds:.0f}秒内没有结束")
    return say(f"ended the process ({ended.detail or 'exit'})", f"结束了进程（{ended.detail or 'exit'}）")


def _events(path: Path, fatal: dict[str, str]) -> Iterator:
    """In the copy: each step, what is wrong, and the reports."""
    if "" in fatal:
        yield Problem(say(f"reading it {fatal['']}", f"读取时{fatal['']}"), [])
        return
    try:
        source = Source(path)
    except StudyError as error:
        yield Problem(str(error), [])
        return
    yield from source.problems
    loaded = Loaded(source)
    for statement in source.needed(set(source.found)):
        yield Step(statement.key)
        loaded.execute(statement, fatal.get(statement.key))
    yield from loaded.problems()
    for name, function in loaded.solutions().items():
        yield Step(name)
        if name in fatal:
            yield Problem(say(f"{name} {fatal[name]}", f"{name}{fatal[name]}"), [name])
            continue
        report = grade(function, name)
        if report.status != "passed":
            loaded.replace(name, function)
        yield report


class Loaded:
    """The module that a file's statements make, and which of them failed."""

    def __init__(self, source: Source):
        self._source, self._flags = source, 0
        self._failed: dict[Statement, str] = {}  # in the order of the file
        self._broken: dict[str, Statement] = {}  # name → the statement that failed to bind or to change it
        module = ModuleType("__main__" if source.path.suffix == ".ipynb" else MODULE)
        module.__file__ = str(source.path)
        self._namespace = vars(module)
        sys.modules[module.__name__] = module
        sys.path.insert(0, str(source.path.parent))
        os.chdir(source.path.parent)

    def execute(self, statement: Statement, fatal: str | None) -> None:
        """Executes it, or where it is known how it ends the process, counts it as failed."""
        self._flags |= statement.future
        if fatal:
            self._fail(statement, f"{statement.place} {fatal}", f"{statement.place}{fatal}")
            return
        try:
            module = ast.Module([statement.node], [])
            code = compile(module, str(self._source.path), "exec", self._flags, dont_inherit=True)
            exec(code, self._namespace)
        except BaseException as error:
            what = said(error)
            place = statement.place
            self._fail(statement, f"{place} can't be run: {what}", f"{place}无法运行：{what}")
            return
        for name in self._source.changed_by(statement):
            self._broken.pop(name, None)

    def _fail(self, statement: Statement, en: str, zh: str) -> None:
        """Keeps what can't be had from here on; an error that follows from an earlier one is told as that."""
        causes = [self._broken[name] for name in statement.needs if name in self._broken]
        if not causes:
            self._failed[statement] = say(en, zh)
        for name in self._source.changed_by(statement):
            self._broken[name] = causes[0] if causes else statement

    def problems(self) -> list[Problem]:
        """One for each statement that failed by itself, with the answers that can't be graded for it."""
        spoiled = self._spoiled()
        return [
            Problem(text, [name for name, statements in spoiled.items() if failed in statements])
            for failed, text in self._failed.items()
        ]

    def solutions(self) -> dict[str, Callable]:
        """Exercise → what the file defines for it and can be called, without those that a failure spoils."""
        spoiled = self._spoiled()
        return {
            name: value
            for name in self._source.found
            if not spoiled[name]
            and callable(value := self._namespace.get(name))
            and value is not exercise(name).reference
        }

    def replace(self, name: str, function: Callable) -> None:
        """Gives those that call this solution the reference instead."""
        if self._namespace.get(name) is function:
            self._namespace[name] = exercise(name).reference

    def _spoiled(self) -> dict[str, set[Statement]]:
        """Exercise → the failed statements that it needs."""
        return {
            name: {self._broken[one] for one in self._source.names_behind(name) if one in self._broken}
            for name in self._source.found
        }
