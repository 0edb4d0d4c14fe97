"""One answer to one question, from the moment it is asked; every tick is recorded as it is made."""

from datetime import datetime, timedelta
from uuid import uuid4

from kd_solutions.support.language import say
from kd_study.memory.cards import all_cards
from kd_study.memory.schedule import comes_back, interview_day
from kd_study.memory.ticks import GRADES, OPEN, counted, grade_of, is_complete
from kd_study.questions import Question
from kd_study.records.store import Answer, Records, now

RESUMED = timedelta(hours=12)  # an answer ticked half-way goes on within this time, after a kernel died too
LONGEST = 600  # seconds; who needed longer was away


class Answering:
    """An answer being given. marks: a letter a point, see `ticks`. grade: None until it has one.

    A correction, after the grade too, replaces what was recorded of this answer.
    """

    def __init__(self, asked: Question, records: Records):
        self.asked = asked
        self._records = records
        self._began: datetime | None = now()
        self.occasion, self.marks, self.grade = uuid4().hex, OPEN * len(asked.points), None
        if left := _left_open(asked, records):
            self.occasion, self.marks, self._began = left.occasion, left.marks, None

    def mark(self, point: int, letter: str) -> None:
        """Ticks one point; with the last of them the answer has its grade."""
        self.marks = f"{self.marks[:point]}{letter}{self.marks[point + 1 :]}"
        self.grade = grade_of(self.marks) if is_complete(self.marks) else None
        self._save()

    def mark_all(self, marks: str) -> None:
        """Ticks every point at once."""
        self.marks, self.grade = marks, grade_of(marks)
        self._save()

    def grade_as(self, grade: int) -> None:
        """Gives the grade that the learner chose, 1 to 4, whatever is ticked."""
        self.grade = grade
        self._save()

    def untimed(self) -> "Answering":
        """The same without a time: nobody knows when this question was read."""
        self._began = None
        return self

    def told(self) -> str:
        """What is recorded, in a sentence, and when the question comes back."""
        ticked = counted(self.marks) if is_complete(self.marks) else ""
        if self.grade is None:
            return say(
                f"Recorded so far: {self.marks.count(OPEN)} of {len(self.marks)} points are open.",
                f"已记录；{len(self.marks)}个要点里还有{self.marks.count(OPEN)}个没打钩。",
            )
        grade = f"{self.grade} ({GRADES[self.grade]})"
        what = say(f"{ticked}; {grade}", f"{ticked}；{grade}") if ticked else grade
        when = now()
        back = comes_back(all_cards(self._records, when)[self.asked.id], interview_day(self._records, when))
        day = back.astimezone().date() if back else when.astimezone().date()
        if day <= when.astimezone().date():
            return say(f"Recorded: {what}. It comes back today.", f"已记录：{what}。今天还会再来。")
        return say(f"Recorded: {what}. It comes back on {day}.", f"已记录：{what}。{day}再来。")

    def _save(self) -> None:
        seconds = None
        if self._began:
            seconds = max(0, min(LONGEST, round((now() - self._began).total_seconds())))
        marks = "" if set(self.marks) == {OPEN} else self.marks
        self._records.add_answer(Answer(self.occasion, self.asked.id, marks, self.grade, seconds, ""))


def _left_open(asked: Question, records: Records) -> Answer | None:
    """The last answer to this question, where it was ticked half-way and not long ago."""
    last = next((each for each in reversed(records.answers()) if each.question == asked.id), None)
    if last is None or last.grade is not None or len(last.marks) != len(asked.points):
        return None
    try:
        age = now() - datetime.fromisoformat(last.time)
    except (ValueError, TypeError):
        return None
    return last if abs(age) < RESUMED else None
