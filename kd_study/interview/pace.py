"""How long things take this learner: measured where the records tell, else as stated."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from statistics import median

from kd_study.exercises.catalog import NAMES, sheet
from kd_study.lessons.outline import LESSONS, Lesson
from kd_study.memory.schedule import answer_seconds
from kd_study.records.store import Attempt, Records

AWAY = timedelta(minutes=45)  # between two records; whoever left more was away
MEASURED_FROM = 3  # exercises
SLOWEST, FASTEST = 3.0, 1 / 3


def exercise_pace(records: Records) -> float:
    """How many times the stated minutes this learner needs: the median of what was solved, 1 at first."""
    taken = minutes_taken(records)
    ratios = [minutes / sheet(name).minutes for name, minutes in taken.items()]
    if len(ratios) < MEASURED_FROM:
        return 1.0
    return min(SLOWEST, max(FASTEST, median(ratios)))


def minutes_taken(records: Records) -> dict[str, float]:
    """Solved exercise → minutes from the record before its first to the attempt that passed, breaks left out.

    Without the ones that stand alone: nobody knows when they were begun.
    """
    solved = first_passes(records.attempts())
    taken: dict[str, timedelta] = {}
    before: datetime | None = None
    for name, text in records.moments():
        if (when := _parsed(text)) is None:
            continue
        if before is not None and when - before <= AWAY and name in solved and text <= solved[name]:
            taken[name] = taken.get(name, timedelta()) + (when - before)
        before = when
    return {name: span.total_seconds() / 60 for name, span in taken.items()}


def minutes_spent(records: Records, day: date) -> float:
    """What was done on a day, in minutes: answers as measured, exercises and their lessons at this pace."""
    answered = [each for each in records.answers() if each.grade and _day(each.time) == day]
    first, _ = answer_seconds(records.answers())
    seconds = sum(first if each.seconds is None else each.seconds for each in answered)
    solved = {name for name, text in first_passes(records.attempts()).items() if _day(text) == day}
    pace = exercise_pace(records)
    return (
        seconds / 60
        + sum(sheet(name).minutes * pace for name in solved)
        + sum(lesson.minutes * share_of(lesson, solved) for lesson in LESSONS)
    )


def share_of(lesson: Lesson, solved: Iterable[str]) -> float:
    """How much of a lesson is read, judged by its exercises: nobody records what somebody read."""
    return len(set(lesson.exercises) & set(solved)) / len(lesson.exercises) if lesson.exercises else 0.0


def first_passes(attempts: Iterable[Attempt]) -> dict[str, str]:
    """Solved exercise → when it first passed."""
    passes: dict[str, str] = {}
    for each in attempts:
        if each.status == "passed" and each.exercise in NAMES:
            passes.setdefault(each.exercise, each.time)
    return passes


def _day(text: str) -> date | None:
    when = _parsed(text)
    return when.astimezone().date() if when else None


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        return None
