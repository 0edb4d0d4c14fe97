"""What comes next follows the lessons; weak spots are what was tried in vain, or won hard."""

import pytest

from kd_study.exercises.catalog import LEVELS, NAMES, sheet
from kd_study.lessons.outline import LESSON_OF, LESSONS
from kd_study.records import agenda
from kd_study.records.store import Records
from kd_study.records.summary import summarise


@pytest.fixture
def records(tmp_path):
    return Records(tmp_path / "records.sqlite")


def rows_after(records, **statuses):
    for exercise, tries in statuses.items():
        for status in tries.split():
            records.add_attempt(exercise, status, None, "en")
    return summarise(records)


def test_the_order_is_that_of_the_lessons_then_the_easiest_first():
    names = agenda.order()
    assert sorted(names) == sorted(NAMES)
    in_lessons = [name for lesson in LESSONS for name in lesson.exercises]
    assert names[: len(in_lessons)] == in_lessons
    levels = [list(LEVELS).index(sheet(name).level) for name in names[len(in_lessons) :]]
    assert levels == sorted(levels)


def test_without_a_record_the_first_lesson_comes_first(records):
    assert agenda.next_exercises(summarise(records))[0] == LESSONS[0].exercises[0]


def test_the_next_is_of_the_same_lesson_while_one_is_open(records):
    first, second, *_, last = LESSON_OF["kd_loss"].exercises
    assert agenda.next_exercises(rows_after(records, **{first: "passed"}), after=first)[0] == second
    assert agenda.next_exercises(summarise(records), after=last, count=1) == [second]
    every = dict.fromkeys(LESSON_OF["kd_loss"].exercises, "passed")
    (following,) = agenda.next_exercises(rows_after(records, **every), after=last, count=1)
    assert LESSON_OF[following] is LESSONS[LESSONS.index(LESSON_OF["kd_loss"]) + 1]


def test_after_an_exercise_of_no_lesson_comes_the_next_of_its_level(records):
    outside = [name for name in agenda.order() if name not in LESSON_OF]
    assert agenda.next_exercises(summarise(records), after=outside[0], count=1) == outside[1:2]


def test_nothing_is_next_when_all_is_solved(records):
    rows = rows_after(records, **dict.fromkeys(NAMES, "passed"))
    assert agenda.next_exercises(rows) == agenda.next_exercises(rows, after="kd_loss") == []


def test_weak_spots_are_what_was_tried_in_vain_then_what_was_won_hard(records):
    rows = rows_after(
        records, kd_loss="failed", csls="failed failed", freeze="passed", logit_mse="failed failed passed"
    )
    assert [row.exercise for row in agenda.weak_spots(rows)] == ["csls", "kd_loss", "logit_mse"]
