"""What is still to be done, in the order of study: lessons with what belongs to them, then the rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from kd_solutions.support.language import say
from kd_study.exercises.catalog import sheet
from kd_study.interview.pace import exercise_pace, share_of
from kd_study.lessons.outline import LESSON_OF, LESSONS
from kd_study.memory.cards import Card, lesson_of
from kd_study.memory.schedule import answer_seconds
from kd_study.questions import question
from kd_study.records.agenda import order
from kd_study.records.store import Records
from kd_study.records.summary import Row

REHEARSAL = "15_mock_interview"  # holds no exercise and no question: done once an interview was sat
AT_ONCE = 5  # new questions in one sitting
_LESSONS = {lesson.name: lesson for lesson in LESSONS}


@dataclass(frozen=True)
class Task:
    """Something to do. kind: lesson, exercise, questions (new ones) or review (of those that come back).

    name: of the lesson or the exercise, else "". questions: their ids.
    """

    kind: str
    name: str
    minutes: float
    questions: tuple[str, ...] = ()


def tasks_left(records: Records, rows: list[Row], cards: dict[str, Card]) -> list[Task]:
    """Everything that isn't done: what was tried in vain, then lesson by lesson, then what has no lesson.

    rows, cards: as the records have them now.
    """
    pace = exercise_pace(records)
    first, _ = answer_seconds(records.answers())
    solved = {row.exercise for row in rows if row.passed}
    tried = [row.exercise for row in rows if row.attempts and not row.passed]

    def exercise(name: str) -> Task:
        return Task("exercise", name, sheet(name).minutes * pace)

    def new_questions(lesson: str | None) -> Iterator[Task]:
        new = [
            each for each, card in cards.items() if not card.grades and lesson_of(question(each)) == lesson
        ]
        for start in range(0, len(new), AT_ONCE):
            some = tuple(new[start : start + AT_ONCE])
            yield Task("questions", "", len(some) * first / 60, some)

    open_ones = [name for name in order() if name not in solved and name not in tried]
    left = [exercise(name) for name in tried]
    for lesson in LESSONS:
        unread = lesson.minutes * (1 - share_of(lesson, solved))
        answered = any(
            card.grades for name, card in cards.items() if lesson_of(question(name)) == lesson.name
        )
        answered |= lesson.name == REHEARSAL and bool(records.sittings())
        if unread and (lesson.exercises or not answered):
            left.append(Task("lesson", lesson.name, unread))
        left += [exercise(name) for name in open_ones if LESSON_OF.get(name) is lesson]
        left += new_questions(lesson.name)
    others = [exercise(name) for name in open_ones if name not in LESSON_OF]
    for pair in zip_longest(new_questions(None), others):
        left += [each for each in pair if each]
    return left


def name_of(task: Task) -> str:
    """A lesson's title, an exercise's name."""
    return str(_LESSONS[task.name].title) if task.kind == "lesson" else task.name


def shown(task: Task, link: Callable[[Task], str] = name_of) -> str:
    """A task in a few words, its minutes apart. link: how the name of a lesson or an exercise is shown."""
    number = len(task.questions)
    if task.kind == "lesson":
        return say(f"lesson {link(task)}", f"课程{link(task)}")
    if task.kind == "exercise":
        return say(f"exercise {link(task)}", f"练习{link(task)}")
    if task.kind == "questions":
        return say(f"{number} new question{'s' * (number > 1)}", f"{number}道新题")
    return say(f"review of {number} question{'s' * (number > 1)}", f"复习{number}题")


def minutes_of(task: Task) -> str:
    """`12 min`."""
    return say(f"{rounded(task.minutes)} min", f"{rounded(task.minutes)}分钟")


def rounded(minutes: float) -> int:
    """Whole minutes, at least one."""
    return max(1, round(minutes))
