"""A mock interview as it runs: what is asked now, its clock, what was said of it, and what that leads to.

Each answer is recorded as it is given: as a card's, so that what was weak comes back in `review`; as an
exercise's attempt; and with the interview, for the report and those to come.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import Text, say
from kd_study.exercises.catalog import NAMES, sheet
from kd_study.grading.grade import Report
from kd_study.interview.draw import LEVELS, Drawn, draw, draw_for
from kd_study.interview.following import follow_up
from kd_study.memory.answering import Answering
from kd_study.memory.ticks import WORTH, grade_at, read_letters
from kd_study.questions import Question, all_questions, question
from kd_study.records.store import Records, Sitting, now, record

SHORT, ESTIMATE, CODE = 60, 120, 180  # seconds on the clock
COMPARING = 60  # seconds, after each question, that are on no clock
LEAST, MOST = 30, 180  # minutes
FOLLOW_UP = 0.5  # of a question's weight in the score


@dataclass(frozen=True)
class Item:
    """Something that is asked. kind: question or exercise. seconds: on its clock.

    follows: the question that it goes on from, "" for what was drawn. marks: a letter a point. score: 0 to 1,
    None while it isn't answered. taken: seconds until the answer was given.
    """

    kind: str
    name: str
    seconds: int
    follows: str = ""
    marks: str = ""
    score: float | None = None
    taken: int | None = None

    @property
    def asked(self) -> Question | None:
        """The question; None for an exercise."""
        return question(self.name) if self.kind == "question" else None

    @property
    def points(self) -> tuple[Text, ...]:
        """What a good answer holds: the rubric of a design, else the points of the short answer."""
        if self.asked is None:
            return ()
        return tuple(each.point for each in self.asked.rubric) or self.asked.points

    @property
    def weights(self) -> tuple[int, ...]:
        """How much each point counts."""
        rubric = self.asked.rubric if self.asked else ()
        return tuple(each.weight for each in rubric) or (1,) * len(self.points)


def score_of(items: Sequence[Item]) -> float:
    """0 to 1, over all that was drawn and asked: what wasn't reached counts 0, a follow-up half."""
    if not items:
        return 0.0
    weights = [FOLLOW_UP if each.follows else 1.0 for each in items]
    scores = [(each.score or 0.0) * weight for each, weight in zip(items, weights, strict=True)]
    return sum(scores) / sum(weights)


class MockInterview:
    """One interview. items: all that was drawn, and the follow-ups as they come. current: what is asked now.

    A seed draws the same everywhere, or, where an interview was sat with it at this desk, that one again.
    Without one the weak spots in the records weigh more. Once the minutes are over, nothing more is asked.
    Raises: StudyError for a level, minutes or a seed that can't be.
    """

    def __init__(self, records: Records, minutes: int = 45, level: str = "senior", seed: int | None = None):
        _expect(minutes, level, seed)
        self.level, self.minutes, self._records = level, minutes, records
        drawn = _drawn(records, level, seed)
        self.seed, self.occasion = drawn.seed, uuid4().hex
        self.items = list(_timed(drawn, minutes))
        self.began = now()
        self._place, self._shown = 0, self.began
        self._answering: Answering | None = None
        self._ask()

    @property
    def current(self) -> Item | None:
        """What is asked now; None once it is over."""
        return self.items[self._place] if self._place < len(self.items) else None

    @property
    def place(self) -> int:
        """How many items are behind."""
        return self._place

    @property
    def answered(self) -> bool:
        """Whether the clock of the current item is stopped, and its points may be shown."""
        return self.current is not None and self.current.taken is not None

    def so_far(self) -> "Past":
        """The interview as it is kept."""
        return Past(self.occasion, self.level, self.minutes, self.seed, tuple(self.items), now().astimezone())

    def stop(self) -> None:
        """The answer is given: stops its clock."""
        if self.current and not self.answered:
            self._change(taken=round((now() - self._shown).total_seconds()))

    def tick(self, marks: str) -> None:
        """Scores the question by a letter a point, then goes on, to a follow-up if there is one."""
        item = self._expect_a("question")
        letters = read_letters(marks, len(item.points))
        self.stop()
        worth = sum(WORTH[mark] * weight for mark, weight in zip(letters, item.weights, strict=True))
        share = worth / sum(item.weights)
        self._change(marks=letters, score=share)
        if item.asked.rubric:
            self._answering.grade_as(grade_at(share))
        else:
            self._answering.mark_all(letters)
            self._follow(item, letters)
        self.go_on()

    def hand_in(self, report: Report) -> None:
        """Scores the exercise by what grading found, and records the attempt; goes on once it is solved."""
        item = self._expect_a("exercise")
        if report.exercise != item.name:
            raise StudyError(
                say(
                    f"What is asked is {item.name}, not {report.exercise}.",
                    f"现在考的是{item.name}，不是{report.exercise}。",
                )
            )
        record(report, self._records)
        score = exercise_score(report)
        taken = round((now() - self._shown).total_seconds())
        self._change(score=max(score, item.score or 0.0), taken=taken)
        if report.solved:
            self.go_on()

    def go_on(self) -> None:
        """Asks the next; what was neither ticked nor handed in counts nothing."""
        item = self.current
        if item is None:
            return
        if item.score is None:
            self.stop()
            self._change(score=0.0, marks="m" * len(item.points))
            if item.kind == "question":
                self._answering.grade_as(1)
        self._place += 1
        if self._minutes_are_over():
            self._end()
        self._ask()

    def _end(self) -> None:
        """Counts what isn't reached as nothing."""
        while self.current:
            self._change(score=0.0)
            self._place += 1

    def _expect_a(self, kind: str) -> Item:
        if self.current is None:
            raise StudyError(say("The interview is over.", "面试已经结束。"))
        if self.current.kind != kind:
            raise StudyError(
                say(
                    "An exercise is asked now: hand your function in."
                    if kind == "question"
                    else "A question is asked now: tick its points.",
                    "现在考的是练习：请提交你的函数。" if kind == "question" else "现在是提问：请逐点打钩。",
                )
            )
        return self.current

    def _follow(self, item: Item, marks: str) -> None:
        if item.follows:
            return
        found = follow_up(item.asked, marks, {each.name for each in self.items})
        if found:
            self.items.insert(self._place + 1, Item("question", found.id, _clock(found), item.name))

    def _ask(self) -> None:
        self._shown = now()
        asked = self.current.asked if self.current else None
        self._answering = Answering(asked, self._records) if asked else None

    def _change(self, **values) -> None:
        self.items[self._place] = replace(self.items[self._place], **values)
        items = json.dumps([asdict(each) for each in self.items])
        self._records.add_sitting(Sitting(self.occasion, self.level, self.minutes, self.seed, items, ""))

    def _minutes_are_over(self) -> bool:
        return now() - self.began >= timedelta(minutes=self.minutes)


def exercise_score(report: Report) -> float:
    """1 where it is solved; else half of the share of checks that pass, for such code is still wrong."""
    if report.solved:
        return 1.0
    if report.status != "failed" or report.untouched:  # passed, and not solved: it calls the reference
        return 0.0
    return 0.5 * sum(each.passed for each in report.results) / max(1, len(report.results))


@dataclass(frozen=True)
class Past:
    """An interview as it is kept. time: of its last answer."""

    occasion: str
    level: str
    minutes: int
    seed: int
    items: tuple[Item, ...]
    time: datetime

    @property
    def score(self) -> float:
        return score_of(self.items)

    @property
    def finished(self) -> bool:
        """Whether it came to its end, or to that of its minutes; only then scores can be compared."""
        return all(each.score is not None for each in self.items)


def history(records: Records) -> list[Past]:
    """Every interview of which something was answered, the earliest first; what can't be read is left out."""
    return [past for each in records.sittings() if (past := _read(each))]


def _read(sitting: Sitting) -> Past | None:
    try:
        items = tuple(Item(**each) for each in json.loads(sitting.items))
        when = datetime.fromisoformat(sitting.time).astimezone()
    except (ValueError, TypeError):
        return None
    known = {"question": all_questions(), "exercise": NAMES}
    if not items or sitting.level not in LEVELS:
        return None
    if any(each.name not in known.get(each.kind, ()) for each in items):
        return None  # of an earlier bank
    return Past(sitting.occasion, sitting.level, sitting.minutes, sitting.seed, items, when)


def _drawn(records: Records, level: str, seed: int | None) -> Drawn:
    if seed is None:
        return draw_for(records, level)
    for past in history(records):
        if (past.level, past.seed) == (level, seed):
            names = {
                kind: tuple(each.name for each in past.items if each.kind == kind and not each.follows)
                for kind in ("question", "exercise")
            }
            return Drawn(seed, names["question"], names["exercise"])
    return draw(level, seed)


def _timed(drawn: Drawn, minutes: int) -> list[Item]:
    """Each with its clock; what answers and follow-ups leave is shared by the design and the exercises."""
    questions = [question(name) for name in drawn.questions]
    answers = sum(_clock(each) + COMPARING for each in questions)
    follow_ups = sum(SHORT for each in questions if not each.rubric)
    left = max(0, 60 * minutes - answers - follow_ups)
    stated = {name: sheet(name).minutes for name in drawn.exercises}
    design = sum(stated.values()) / len(stated)  # as long as an exercise
    each_minute = left / (design + sum(stated.values()))
    items = [
        Item("question", each.id, round(design * each_minute) if each.rubric else _clock(each))
        for each in questions
    ]
    return items + [Item("exercise", name, round(stated[name] * each_minute)) for name in drawn.exercises]


def _clock(asked: Question) -> int:
    """Seconds for a question; 0 for a design, whose time depends on the interview's."""
    if asked.rubric:
        return 0
    return {"code": CODE, "estimate": ESTIMATE}.get(asked.kind, SHORT)


def _expect(minutes: int, level: str, seed: int | None) -> None:
    if level not in LEVELS:
        names, given = ", ".join(LEVELS), repr(level)[:60]
        raise StudyError(
            say(f"The level is one of {names}, not {given}.", f"级别是{names}之一，不能是{given}。")
        )
    for name, given, least, most in (("minutes", minutes, LEAST, MOST), ("seed", seed, 0, 2**31 - 1)):
        if given is None and name == "seed":
            continue
        if type(given) is not int or not least <= given <= most:
            raise StudyError(
                say(
                    f"{name} is a whole number from {least} to {most}, not {str(given)[:60]!r}.",
                    f"{name}是{least}到{most}之间的整数，不能是{str(given)[:60]!r}。",
                )
            )
