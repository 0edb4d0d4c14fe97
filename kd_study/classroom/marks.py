"""Who solved what: the files of a class put together student by student."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kd_solutions.support.language import LANGUAGES, Text, current_language
from kd_study.exercises.base import WrongAnswer
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.grading.grade import Report
from kd_study.grading.marking import Submission, graded

STATUSES = {  # the better of two answers to one exercise counts: the first that is here
    "solved": Text("solved", "通过"),
    "borrowed": Text("by the reference", "调用参考答案"),
    "failed": Text("failed", "未通过"),
    "unread": Text("not graded", "未批改"),
    "todo": Text("to do", "未做"),
}
_RANKS = list(STATUSES)
_SPOKEN = re.compile(rf"(?:^|[._\-\s])({'|'.join(LANGUAGES)})(?=$|[._\-\s])", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """One student's answer to an exercise. report: None where it couldn't be graded. path: its file."""

    exercise: str
    status: str
    path: Path
    report: Report | None = None

    @cached_property
    def mistakes(self) -> list[WrongAnswer]:
        """The known mistakes that it shows, the chief one first, from our own list."""
        if self.report is None or self.status != "failed":
            return []
        named = [found.name for found in (self.report.diagnosis, *self.report.also) if found]
        known = (exercise(self.exercise).mistake(name) for name in named)
        return list({wrong.name: wrong for wrong in known if wrong}.values())


@dataclass
class Marks:
    """A student's answers, exercise → the best of them, and the files that they are from."""

    student: str
    files: list[Submission] = field(default_factory=list)
    language: str = ""

    @cached_property
    def answers(self) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        for one in (answer for file in self.files for answer in _answers(file)):
            before = found.get(one.exercise)
            if before is None or _RANKS.index(one.status) <= _RANKS.index(before.status):
                found[one.exercise] = one
        return {name: found[name] for name in NAMES if name in found}

    @property
    def solved(self) -> int:
        """How many answers are the student's own, and right."""
        return sum(answer.status == "solved" for answer in self.answers.values())


def mark_files(folder: Path, names: Iterable[Path], language: str = "") -> Iterator[Submission]:
    """These files of the folder, each as soon as it is graded, in the language of whoever will read it.

    language: of all of them; "" for each student's own, as the names of file and folder say, or the file.
    """
    return graded(folder, names, lambda path: language or spoken_in(path))


def mark_class(files: Iterable[Submission]) -> list[Marks]:
    """The students by name, each with the files of the folder that is theirs, or of that name."""
    students: dict[str, Marks] = {}
    for file in files:
        name = student_of(file.path)
        students.setdefault(name, Marks(name)).files.append(file)
    for one in students.values():
        heard = [file.language for file in one.files if file.language]
        one.language = max(heard, key=heard.count) if heard else current_language()
    return sorted(students.values(), key=lambda one: one.student.casefold())


def student_of(path: Path) -> str:
    """Whose file it is, by its path from the class's folder: a sub-folder's, else the one of its name."""
    folders = [part for part in path.parts[:-1] if part.lower() not in LANGUAGES]
    return folders[0] if folders else path.stem


def spoken_in(path: Path) -> str:
    """The language that a path names, as in `ann/zh/01.ipynb` or `ann.zh.py`; "" where it names none."""
    named = [found for part in path.parts for found in _SPOKEN.findall(part)]
    return named[-1].lower() if named else ""


def _answers(file: Submission) -> Iterator[Answer]:
    for report in file.reports:
        status = "borrowed" if report.status == "passed" and not report.solved else report.status
        yield Answer(report.exercise, "solved" if status == "passed" else status, file.path, report)
    for problem in file.problems:
        for name in problem.names:
            if name in NAMES:
                yield Answer(name, "unread", file.path)
