"""What things take is measured from the records, breaks left out; until then it is what is stated."""

from datetime import date

import pytest

from kd_study.exercises.catalog import sheet
from kd_study.interview.pace import (
    AWAY,
    FASTEST,
    SLOWEST,
    exercise_pace,
    minutes_spent,
    minutes_taken,
    share_of,
)
from kd_study.lessons.outline import LESSONS
from kd_study.memory.schedule import FIRST_SECONDS
from kd_study.questions import all_questions
from kd_study.records.store import Answer

TODAY = date(2026, 11, 28)


def solve(desk, clock, name, minutes, failing=0):
    """Begins after a hint, fails so often, and passes at the end of the minutes."""
    desk.next_hint(name)
    for _ in range(failing):
        clock.later(minutes=minutes / (failing + 1))
        desk.add_attempt(name, "failed", None, "en")
    clock.later(minutes=minutes / (failing + 1))
    desk.add_attempt(name, "passed", None, "en")


def test_the_minutes_up_to_the_first_pass_are_measured_and_a_break_is_not(desk, clock):
    solve(desk, clock, "freeze", 12, failing=2)
    clock.later(minutes=5)
    desk.add_attempt("freeze", "passed", None, "en")
    clock.now += AWAY
    clock.later(minutes=1)
    desk.add_attempt("kd_loss", "passed", None, "en")
    assert minutes_taken(desk) == {"freeze": pytest.approx(12, abs=0.01)}


def test_the_pace_is_one_until_three_exercises_are_measured(desk, clock):
    for name in ("freeze", "kd_loss"):
        solve(desk, clock, name, 2 * sheet(name).minutes)
    assert exercise_pace(desk) == 1
    solve(desk, clock, "agreement", 2 * sheet("agreement").minutes)
    assert exercise_pace(desk) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize(("factor", "pace"), [(30, SLOWEST), (0.01, FASTEST)])
def test_the_pace_has_limits(desk, clock, factor, pace):
    for name in ("freeze", "kd_loss", "agreement"):
        solve(desk, clock, name, min(40, factor * sheet(name).minutes))
    assert exercise_pace(desk) == pytest.approx(pace)


def test_what_was_done_on_a_day_is_counted_in_minutes(desk, clock):
    assert minutes_spent(desk, TODAY) == 0
    first, second, *_ = all_questions()
    desk.add_answer(Answer("a", first, "", 3, 90, ""))
    desk.add_answer(Answer("b", second, "", 3, None, ""))
    desk.add_answer(Answer("c", second, "s", None, 60, ""))
    desk.add_attempt("agreement", "passed", None, "en")
    lesson = LESSONS[0].minutes
    expected = (90 + FIRST_SECONDS) / 60 + sheet("agreement").minutes + lesson
    assert minutes_spent(desk, TODAY) == pytest.approx(expected)
    assert minutes_spent(desk, date(2026, 11, 29)) == 0


def test_a_lesson_is_read_as_far_as_its_exercises_are_solved():
    lesson = next(each for each in LESSONS if len(each.exercises) == 4)
    assert share_of(lesson, []) == 0 and share_of(lesson, lesson.exercises) == 1
    assert share_of(lesson, [*lesson.exercises[:2], "csls"]) == 0.5
