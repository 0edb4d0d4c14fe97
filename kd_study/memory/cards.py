"""A card a question, and how well it is remembered: computed from all answers whenever it is asked for.

Nothing but answers is stored. Two notebooks, an import or a repaired clock can't leave a memory behind that
contradicts them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from fsrs import Card as Memory
from fsrs import Rating, Scheduler

from kd_solutions.support.language import Text
from kd_study.exercises.catalog import LEVELS
from kd_study.lessons.outline import LESSONS
from kd_study.questions import Question, all_questions
from kd_study.records.store import Answer, Records, now

# No steps of minutes: an answer of two minutes, repeated after ten, would only measure what was just read. No
# random intervals: no two notebooks would agree.
SCHEDULER = Scheduler(learning_steps=(), relearning_steps=(), enable_fuzzing=False)
STATES = {
    "new": Text("new", "没答过"),
    "weak": Text("weak", "薄弱"),
    "known": Text("known", "已掌握"),
    "due": Text("due", "该复习"),
}


@dataclass(frozen=True)
class Card:
    """One question as this learner knows it.

    memory: fsrs's, None before the first grade. grades: of every answer, the first one first. marks: how the
    points of the last answer were ticked, "" where they weren't.
    """

    question: str
    memory: Memory | None = None
    grades: tuple[int, ...] = ()
    marks: str = ""

    def answered(self, grade: int, when: datetime, marks: str = "") -> "Card":
        """The card after one more answer."""
        when = when.astimezone(UTC)
        memory = self.memory or Memory(card_id=0, due=when)
        memory, _ = SCHEDULER.review_card(memory, Rating(grade), when)
        return replace(self, memory=memory, grades=(*self.grades, grade), marks=marks)

    def recall(self, when: datetime) -> float:
        """The probability that it is known at a moment; 0 before the first answer."""
        return SCHEDULER.get_card_retrievability(self.memory, when) if self.memory else 0.0

    def is_in(self, state: str, when: datetime) -> bool:
        """Whether it is in one of `STATES`; what is due is weak or known as well."""
        weak = bool(self.grades) and self.grades[-1] <= 2
        return {
            "new": not self.grades,
            "weak": weak,
            "known": bool(self.grades) and not weak,
            "due": self.memory is not None and self.memory.due <= when,
        }[state]


def all_cards(records: Records, when: datetime | None = None) -> dict[str, Card]:
    """Every question's card by its id, in the order of study."""
    cards = {asked.id: Card(asked.id) for asked in study_order()}
    for answer, time in _trusted(records.answers(), when or now()):
        if answer.grade and answer.question in cards:
            cards[answer.question] = cards[answer.question].answered(answer.grade, time, answer.marks)
    return cards


def study_order() -> list[Question]:
    """Every question: those of the lessons in the lessons' order, then the others, the easiest first."""
    lessons = [lesson.name for lesson in LESSONS]
    levels = list(LEVELS)

    def place(asked: Question) -> tuple[int, int]:
        lesson = lesson_of(asked)
        return (lessons.index(lesson) if lesson else len(lessons)), levels.index(asked.level)

    return sorted(all_questions().values(), key=place)


def lesson_of(asked: Question) -> str | None:
    """The first lesson whose cells its answer rests on; None where it rests on none that is there."""
    lessons = {lesson.name for lesson in LESSONS}
    return next((name for cell in asked.evidence if (name := cell.partition("#")[0]) in lessons), None)


def _trusted(answers: Iterable[Answer], when: datetime) -> Iterable[tuple[Answer, datetime]]:
    """Each answer with a time: where a clock was wrong, that of the answer before it.

    A time that is still to come is wrong, and so is one earlier than that of an answer given before.
    """
    last = datetime.min.replace(tzinfo=UTC)
    for answer in answers:
        time = _parsed(answer.time)
        if time and last < time <= when:
            last = time
        elif last == datetime.min.replace(tzinfo=UTC):
            last = when
        yield answer, last


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
