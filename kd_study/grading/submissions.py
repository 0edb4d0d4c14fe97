"""Grades a learner's file: its code is loaded and graded in a copy of this process, whatever it does there.

What fails is named by its place, and the answers that don't need it are graded all the same: where a
statement hangs or ends the process, another copy goes on without it.
"""

import ast
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType

from kd_solutions.support.language import Text, current_language, use_language
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.grading.grade import Report, grade, patience
from kd_study.grading.loading import TOOLS, Problem, Source, Statement, said
from kd_study.grading.reading import Unreadable
from kd_study.grading.sandbox import Ended, run

SECONDS = 20.0  # from one step of a file to the next, on an idle machine; grading an answer has its own limit
COPIES = 4  # so many steps of a file may hang or end the process, less one
PROBLEMS = 100  # of one file at most that are told
MODULE = "submission"  # as which a file runs: imported, not called. A notebook's cells run as "__main__"


@dataclass
class Graded:
    """A file's reports, in the order of study, and what kept more from it.

    found: the exercises that it answers, graded or not. remarks: what was put right to read it. reaches: whether
    it looks at the grader itself, so that a person should read it. language: of the reports' texts.
    """

    reports: list[Report] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    remarks: list["Repair"] = field(default_factory=list)
    reaches: bool = False
    language: str = ""

    @property
    def ungraded(self) -> list[str]:
        """The answers without a report that no problem names yet."""
        told = {name for problem in self.problems for name in problem.names}
        told |= {report.exercise for report in self.reports}
        return [name for name in self.found if name not in told]


@dataclass
class Step:
    """What the copy does next: it executes the statement, or grades the answer, of this key."""

    key: str


@dataclass
class Seen:
    """What was found before anything was executed, see `Graded`."""

    language: str
    reaches: bool
    found: list[str]


@dataclass
class Repair:
    """What was put right to read the file, in both languages."""

    en: str
    zh: str

    def __str__(self) -> str:
        return str(Text(self.en, self.zh))


@dataclass
class Clock:
    """The time that a file may take: no limit for one alone; in a class `whole` seconds for five answers.

    Each further answer adds `more`. No statement, and no answer, may take longer than `step`. factor: how many
    times longer all of it takes than on an idle machine.
    """

    step: float = 0.0
    whole: float | None = None
    more: float = 0.5
    answers: int = 0
    started: float = field(default_factory=time.monotonic)
    factor: float = field(default_factory=lambda: patience())

    @property
    def step_seconds(self) -> float:
        """How long one statement may take."""
        return (self.step or SECONDS) * self.factor

    @property
    def seconds(self) -> float:
        """How long all of it may take; infinite without a limit."""
        if self.whole is None:
            return float("inf")
        return self.factor * (self.whole + self.more * max(self.answers - 5, 0))

    @property
    def end(self) -> float:
        """The moment at which it is over, as `time.monotonic` counts."""
        return self.started + self.seconds

    def share(self, after: int) -> float | None:
        """How long the next answer may take if `after` others follow it; None for as long as one alone.

        A second is kept for each of those, as far as the time goes, and half a one for the end; and it is to be
        over before its step is, so that its report can say so and a mistake can still be named.
        """
        if self.whole is None:
            return None
        left = max(self.end - time.monotonic() - self.factor / 2, 0.1)
        return min(max(left - self.factor * after, left / (after + 1)), 0.6 * self.step_seconds)


def grade_file(path: Path, language: str | None = None, clock: Clock | None = None) -> Graded:
    """Grades every solution in a Python file or notebook, each judged on its own.

    Never raises for what the file holds or does. Where a solution fails, those after it that call it get the
    reference instead, as in a lesson. language: of the reports; "" for the one that the file itself speaks.
    """
    path = Path(os.path.abspath(path))
    _import_for(path)
    language = current_language() if language is None else language
    clock = clock or Clock()
    fatal: dict[str, Text] = {}  # a step's key → how it ended the copy
    for more in reversed(range(COPIES)):
        graded, ended, last = _collected(_copy(path, fatal, language, clock), clock)
        if ended.how == "finished":
            return graded
        if ended.how == "time" and time.monotonic() >= clock.end:
            how = _too_long(clock.seconds)
            break
        fatal[last] = how = _how(ended, clock)
        if not more:
            break
    graded.problems.append(Problem(f"it {how.en}", f"它{how.zh}", graded.ungraded))
    return graded


def _copy(path: Path, fatal: dict[str, Text], language: str, clock: Clock) -> Iterator:
    kinds = (Step, Problem, Report, Seen, Repair)
    return run(
        lambda: _events(path, fatal, language, clock),
        clock.step_seconds,
        kinds,
        each=True,
        until=lambda: clock.end,
    )


def _import_for(path: Path) -> None:
    """Imports what each copy would else import anew, and within its memory."""
    for name in ("torch", "IPython.core.inputtransformer2"):
        if name == "torch" or path.suffix == ".ipynb":
            import_module(name)


def _collected(events: Iterator, clock: Clock) -> tuple[Graded, Ended, str]:
    """(what was graded, how the copy ended, the key of its last step)."""
    graded, last, seen = Graded(), "", False
    for event in events:
        match event:
            case Step(key=key):
                last = key
            case Seen() if not seen:  # the first comes before anything of the file's is executed
                seen = True
                graded.language, graded.reaches, graded.found = event.language, event.reaches, event.found
                clock.answers = len(event.found)
            case Repair() if not seen:
                graded.remarks.append(event)
            case Problem() if len(graded.problems) < PROBLEMS:
                graded.problems.append(event)
            case Report(exercise=name) if name in NAMES and all(
                name != one.exercise for one in graded.reports
            ):
                graded.reports.append(event)
    return graded, event, last


def _how(ended: Ended, clock: Clock) -> Text:
    if ended.how == "time":
        return _too_long(clock.step_seconds)
    detail = ended.detail or "exit"
    return Text(f"ended the process ({detail})", f"结束了进程（{detail}）")


def _too_long(seconds: float) -> Text:
    return Text(f"doesn't end within {seconds:.0f} s", f"{seconds:.0f}秒内没有结束")


def _events(path: Path, fatal: dict[str, Text], language: str, clock: Clock) -> Iterator:
    """In the copy: what was seen, each step, what is wrong, and the reports."""
    if "" in fatal:
        yield Problem(f"reading it {fatal[''].en}", f"读取时{fatal[''].zh}", [])
        return
    try:
        source = Source(path)
    except Unreadable as error:
        yield Problem(*error.text, [])
        return
    for repair in source.repairs:
        yield Repair(*repair)
    use_language(language or source.language or current_language())
    clock.answers = len(source.found)
    yield Seen(current_language(), source.reaches_for_the_grader, source.found)
    yield from source.problems
    loaded = Loaded(source)
    for statement in source.needed(set(source.found)):
        yield Step(statement.key)
        loaded.execute(statement, fatal.get(statement.key))
    yield from loaded.problems()
    solutions = loaded.solutions()
    for after, (name, function) in zip(reversed(range(len(solutions))), solutions.items(), strict=True):
        yield Step(name)
        if name in fatal:
            yield Problem(f"{name} {fatal[name].en}", f"{name}{fatal[name].zh}", [name])
            continue
        report = grade(function, name, clock.share(after))
        if report.status != "passed":
            loaded.replace(name, function)
        yield report


class Loaded:
    """The module that a file's statements make, and which of them failed."""

    def __init__(self, source: Source):
        self._source, self._flags = source, 0
        self._failed: dict[Statement, Text] = {}  # in the order of the file
        self._broken: dict[str, Statement] = {}  # name → the statement that failed to bind or to change it
        self._own: dict[str, Callable] = {}  # exercise → the last that the file itself defines for it
        module = ModuleType("__main__" if source.path.suffix == ".ipynb" else MODULE)
        module.__file__ = str(source.path)
        self._namespace = vars(module)
        self._namespace |= {name: import_module(TOOLS[name]) for name in source.lent}
        sys.modules[module.__name__] = module
        sys.path.insert(0, str(source.path.parent))
        sys.dont_write_bytecode = True  # of what lies beside it: the folder isn't ours
        os.chdir(source.path.parent)

    def execute(self, statement: Statement, fatal: Text | None) -> None:
        """Executes it, or where it is known how it ends the process, counts it as failed."""
        self._flags |= statement.future
        place = statement.place
        if fatal:
            self._fail(statement, f"{place.en} {fatal.en}", f"{place.zh}{fatal.zh}")
            return
        try:
            module = ast.Module([statement.node], [])
            code = compile(module, str(self._source.path), "exec", self._flags, dont_inherit=True)
            exec(code, self._namespace)
        except BaseException as error:
            what = said(error)
            self._fail(statement, f"{place.en} can't be run: {what}", f"{place.zh}无法运行：{what}")
            return
        changed = self._source.changed_by(statement)
        for name in changed:
            self._broken.pop(name, None)
        for name in changed & set(NAMES):
            if self._is_own(value := self._namespace.get(name), name):
                self._own[name] = value

    def _fail(self, statement: Statement, en: str, zh: str) -> None:
        """Keeps what can't be had from here on; an error that follows from an earlier one is told as that."""
        causes = [self._broken[name] for name in statement.needs if name in self._broken]
        if not causes:
            self._failed[statement] = Text(en, zh)
        for name in self._source.changed_by(statement) - self._own.keys():
            self._broken[name] = causes[0] if causes else statement

    def problems(self) -> list[Problem]:
        """One for each statement that failed by itself, with the answers that can't be graded for it."""
        spoiled = self._spoiled()
        return [
            Problem(*text, [name for name, statements in spoiled.items() if failed in statements])
            for failed, text in self._failed.items()
        ]

    def solutions(self) -> dict[str, Callable]:
        """Exercise → the last that the file defines for it and can be called, if no failure spoils it.

        Also where the name means something else in the end: a result, or the reference that an import brings.
        """
        spoiled = self._spoiled()
        return {
            name: self._own[name] for name in self._source.found if name in self._own and not spoiled[name]
        }

    @staticmethod
    def _is_own(value, name: str) -> bool:
        return callable(value) and value is not exercise(name).reference

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
