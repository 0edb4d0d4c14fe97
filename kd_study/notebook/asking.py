"""What a notebook calls to prepare; each imports what it needs when it is called."""

from datetime import date
from typing import TYPE_CHECKING

from kd_solutions.support.errors import StudyError
from kd_study.records.store import records

if TYPE_CHECKING:
    from kd_study.notebook.cards import ReviewBox, Ticks
    from kd_study.notebook.interviewing import InterviewBox
    from kd_study.notebook.planning import PlanView


def tick(of: str, *marks: str | int, grade: int | None = None) -> "Ticks | None":
    """Shows an answer's points to be ticked; end a cell with it.

    marks: where no buttons can be shown, one a point: "said", "half", "missed", or 1, 2, 3. grade: instead of
    them, or against what follows from them, 1 (forgotten), 2 (hard), 3 (good) or 4 (easy).
    """
    from kd_study.memory.answering import Answering
    from kd_study.memory.ticks import expect_grade, read_marks
    from kd_study.questions import question

    try:
        asked = question(of if isinstance(of, str) else repr(of))
        if not marks and grade is None:
            from kd_study.notebook.cards import Ticks

            return Ticks(asked)
        letters = read_marks(asked, marks) if marks else ""
        if grade is not None:
            expect_grade(grade)
    except StudyError as error:
        print(error)
        return None
    answering = Answering(asked, records()).untimed()
    if letters:
        answering.mark_all(letters)
    if grade is not None:
        answering.grade_as(grade)
    print(answering.told())
    return None


def review(interview: str | date | None = None, minutes: float = 20) -> "ReviewBox | None":
    """Asks the questions that are due, and new ones; end a cell with it. A space reveals, 1 to 4 grade.

    interview: a day such as "2026-12-12", to be given once: from then on what adds most to what is known on
    that day comes first. minutes: after so many no further question is asked.
    """
    from kd_study.memory.session import Session
    from kd_study.memory.words import read_day
    from kd_study.notebook.cards import ReviewBox

    try:
        day = None if interview is None else read_day(interview)
    except StudyError as error:
        print(error)
        return None
    return ReviewBox(Session(records(), day, minutes))


def plan(
    days: int | None = None, interview: str | date | None = None, minutes: int | None = None
) -> "PlanView | None":
    """Shows what to do on which day; end a cell with it. What is given is kept: later `plan()` is enough.

    days: for so many, from today on; 14 where nothing was ever given. interview: up to a day such as
    "2026-12-12". minutes: a day, 60 where nothing was ever given.
    """
    from kd_study.interview.plan import choose, make_plan
    from kd_study.interview.words import expect_days, expect_minutes
    from kd_study.memory.words import read_day
    from kd_study.notebook.planning import PlanView

    try:
        choose(
            records(),
            None if days is None else expect_days(days),
            None if interview is None else read_day(interview),
            None if minutes is None else expect_minutes(minutes),
        )
    except StudyError as error:
        print(error)
        return None
    return PlanView(make_plan(records()))


def mock_interview(
    minutes: int = 45, level: str = "senior", seed: int | None = None
) -> "InterviewBox | None":
    """Begins a mock interview: six questions by the clock, follow-ups, two exercises, a report; end a cell
    with it.

    level: "junior", "senior" or "staff". seed: the same interview again, also on another desk; without one
    what was hard for you comes more often.
    """
    from kd_study.interview.mock import MockInterview
    from kd_study.notebook.interviewing import InterviewBox

    try:
        return InterviewBox(MockInterview(records(), minutes, level, seed))
    except StudyError as error:
        print(error)
        return None
