"""The map of the lessons: what each is about, how long it takes, and what of it is done."""

import re
from dataclasses import dataclass
from pathlib import Path

from kd_study.editions import lesson_sources
from kd_study.exercises import NAMES
from kd_study.language import LANGUAGES, current_language
from kd_study.records import Records

_CELL = re.compile(r"^# %%", re.MULTILINE)
_EXERCISE = re.compile(r'^ exercise="(\w+)"')


@dataclass(frozen=True)
class Lesson:
    """A lesson in one language. `question` is what it answers; `exercises` are named in its order."""

    name: str
    title: str
    question: str
    exercises: tuple[str, ...]

    def solved(self, records: Records) -> int:
        """How many of its exercises were ever passed."""
        passed = {attempt.exercise for attempt in records.attempts() if attempt.status == "passed"}
        return sum(name in passed for name in self.exercises)


def lessons(language: str | None = None) -> list[Lesson]:
    """The numbered lessons in order, read from their sources."""
    language = language or current_language()
    return [_read(path, language) for path in lesson_sources() if path.name[:2].isdigit()]


def _read(path: Path, language: str) -> Lesson:
    cells = _CELL.split(path.read_text("utf-8"))[1:]
    opening = cells[LANGUAGES.index(language)].splitlines()[1:]
    prose = [line.removeprefix("#").strip() for line in opening]
    title = prose[0].lstrip("# ")
    question = next((match[1] for line in prose if (match := re.match(r"\*([^*]+)\*", line))), "")
    found = (match[1] for cell in cells if (match := _EXERCISE.match(cell)))
    return Lesson(path.stem, title, question, tuple(name for name in found if name in NAMES))
