"""Which exercises come next and which were hard, read from the records."""

from collections.abc import Callable

from kd_solutions.support.language import say
from kd_study.exercises.catalog import LEVELS, NAMES, sheet
from kd_study.lessons.outline import LESSON_OF, LESSONS
from kd_study.records.summary import Row


def order() -> list[str]:
    """Every exercise: those of the lessons in the lessons' order, then the others, the easiest first."""
    in_lessons = [name for lesson in LESSONS for name in lesson.exercises]
    levels = list(LEVELS)
    others = [name for name in NAMES if name not in LESSON_OF]
    return in_lessons + sorted(others, key=lambda name: levels.index(sheet(name).level))


def next_exercises(rows: list[Row], after: str | None = None, count: int = 3) -> list[str]:
    """The exercises to do next, none of them solved: the same lesson's first, then on from there.

    after: the exercise that was just done; without one the first of all come.
    """
    names = order()
    if after in names:
        start = names.index(after) + 1
        names = names[start:] + names[:start]
        lesson = LESSON_OF.get(after)
        names.sort(key=lambda name: lesson is None or name not in lesson.exercises)
    solved = {row.exercise for row in rows if row.passed}
    return [name for name in names if name not in solved and name != after][:count]


def weak_spots(rows: list[Row], count: int = 3) -> list[Row]:
    """What was tried and isn't solved, the most attempts first; then what was solved only after a few."""
    open_ones = sorted((row for row in rows if row.attempts and not row.passed), key=_effort)
    hard_won = sorted(
        (row for row in rows if row.passed and (row.attempts > 2 or row.solution_seen)), key=_effort
    )
    return [*open_ones, *hard_won][:count]


def why(row: Row, link: Callable[[str], str]) -> str:
    """Why an exercise is a weak spot, in a line. link: how its name is shown."""
    tries = say(f"{row.attempts} attempts", f"尝试{row.attempts}次")
    if row.attempts == 1:
        tries = say("1 attempt", "尝试1次")
    if row.misconception:
        return f"{row.mark} {link(row.exercise)}{say(': ', '：')}{tries}{say('; ', '；')}{row.misconception}"
    return f"{row.mark} {link(row.exercise)}{say(': ', '：')}{tries}"


def _effort(row: Row) -> tuple[int, int]:
    return -row.attempts, -row.hints
