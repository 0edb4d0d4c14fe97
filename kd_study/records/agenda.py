"""What to do next, read from the records: the next exercises, the weak spots, the minutes that are left."""

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


def minutes_left(rows: list[Row]) -> int:
    """What the exercises that aren't solved are said to take."""
    return sum(sheet(row.exercise).minutes for row in rows if not row.passed)


def sections(rows: list[Row], link: Callable[[str], str] = str) -> list[tuple[str, list[str]]]:
    """(title, lines): what comes next, what was hard, what is left. link: how an exercise's name is shown."""
    found = []
    if coming := next_exercises(rows):
        found.append(
            (say("Next", "接下来"), [f"{link(name)}{say(': ', '：')}{_where(name)}" for name in coming])
        )
    if weak := weak_spots(rows):
        found.append((say("Weak spots", "薄弱之处"), [_why(row, link) for row in weak]))
    if minutes := minutes_left(rows):
        left = sum(not row.passed for row in rows)
        text = say(f"{left} exercises, about {_time(minutes)}", f"{left}道练习，约{_time(minutes)}")
        found.append((say("Left", "还剩"), [text]))
    return found


def _where(name: str) -> str:
    task = sheet(name)
    parts = [str(LEVELS[task.level]), say(f"{task.minutes} min", f"{task.minutes}分钟")]
    if lesson := LESSON_OF.get(name):
        parts.append(say(f"lesson {lesson.title}", f"课程{lesson.title}"))
    return say(", ", "，").join(parts)


def _why(row: Row, link: Callable[[str], str]) -> str:
    tries = say(f"{row.attempts} attempts", f"尝试{row.attempts}次")
    if row.attempts == 1:
        tries = say("1 attempt", "尝试1次")
    if row.misconception:
        return f"{row.mark} {link(row.exercise)}{say(': ', '：')}{tries}{say('; ', '；')}{row.misconception}"
    return f"{row.mark} {link(row.exercise)}{say(': ', '：')}{tries}"


def _time(minutes: int) -> str:
    if minutes < 90:
        return say(f"{minutes} minutes", f"{minutes}分钟")
    return say(f"{minutes / 60:.0f} hours", f"{minutes / 60:.0f}小时")


def _effort(row: Row) -> tuple[int, int]:
    return -row.attempts, -row.hints
