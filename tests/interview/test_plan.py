"""A plan keeps to its minutes and its days, begins where one is, and says what doesn't fit."""

from datetime import date, timedelta

import pytest
from typer.testing import CliRunner

from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study import lesson_map, plan, progress, tick
from kd_study.__main__ import app
from kd_study.exercises.catalog import NAMES, sheet
from kd_study.interview.plan import MINUTES, REVIEWED, make_plan
from kd_study.interview.words import rows, summary
from kd_study.lessons.outline import LESSONS
from kd_study.memory.cards import study_order
from kd_study.questions import all_questions
from kd_study.records.store import Sitting

TODAY = date(2026, 11, 28)


def run(*arguments):
    result = CliRunner().invoke(app, ["plan", *arguments])
    if isinstance(result.exception, StudyError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def names(tasks, kind):
    return [task.name for task in tasks if task.kind == kind]


def tasks_of(made):
    return [task for day in made.days for task in day.tasks]


@pytest.mark.parametrize("minutes", [15, 60, 240])
@pytest.mark.parametrize("when", [{"days": 1}, {"days": 14}, {"interview": "2026-12-12"}])
def test_no_day_has_more_than_its_minutes_and_nothing_is_planned_twice_or_lost(desk, minutes, when):
    made = plan(minutes=minutes, **when)._plan
    assert [day.date for day in made.days] == [TODAY + timedelta(days=n) for n in range(len(made.days))]
    assert len(made.days) == when.get("days", 14)
    assert all(day.minutes <= minutes + 1e-6 for day in made.days)
    everything = [*tasks_of(made), *made.left_over]
    new = [name for task in everything if task.kind == "questions" for name in task.questions]
    assert sorted(new) == sorted(all_questions())
    assert set(names(everything, "exercise")) == set(NAMES)
    assert set(names(everything, "lesson")) == {lesson.name for lesson in LESSONS}
    stated = sum(sheet(name).minutes for name in NAMES) + sum(lesson.minutes for lesson in LESSONS)
    assert sum(task.minutes for task in everything if task.kind in ("exercise", "lesson")) == pytest.approx(
        stated
    )


def test_a_day_is_used_up_while_something_is_left(desk):
    made = plan(days=10, minutes=60)._plan
    assert made.left_over and all(day.minutes > 45 for day in made.days)


def test_it_begins_with_the_first_lesson_and_its_exercises(desk):
    first, second, *_ = plan(days=14).days[0].tasks
    assert (first.kind, first.name) == ("lesson", LESSONS[0].name)
    assert (second.kind, second.name) == ("exercise", LESSONS[0].exercises[0])


def test_what_is_done_is_left_out_and_what_was_tried_in_vain_comes_first(desk, clock):
    for name in LESSONS[0].exercises:
        desk.add_attempt(name, "passed", None, "en")
    desk.add_attempt("csls", "failed", None, "en")
    clock.later(days=1)
    tasks = tasks_of(plan(days=14)._plan)
    assert (tasks[0].kind, tasks[0].name) == ("exercise", "csls")
    assert LESSONS[0].name not in names(tasks, "lesson") and "agreement" not in names(tasks, "exercise")


def test_what_was_done_today_shortens_today_alone(desk, clock):
    full = plan(days=14, minutes=60).days
    for asked in study_order()[:10]:
        tick(asked.id, grade=3)
    made = plan()._plan
    assert made.days[0].minutes <= 60 - made.spent + 1e-6 and made.spent == pytest.approx(24)
    assert made.days[1].minutes > 45 and full[1].minutes > 45
    assert "Done today: 24." in summary(made)


def test_questions_come_back_on_their_day_and_take_at_most_half_of_it(desk, clock):
    for asked in study_order():
        tick(asked.id, grade=1)
    clock.later(days=1)
    made = plan(days=14, minutes=60)._plan
    review = made.days[0].tasks[0]
    assert review.kind == "review" and review.minutes <= 60 * REVIEWED
    assert any(task.kind == "exercise" or task.kind == "lesson" for task in made.days[0].tasks)


def test_new_questions_of_the_plan_come_back_in_it(desk):
    made = plan(days=14, minutes=60)._plan
    asked = [task.questions for day in made.days[:2] for task in day.tasks if task.kind == "questions"]
    again = {
        name
        for day in made.days[2:]
        for task in day.tasks
        if task.kind == "review"
        for name in task.questions
    }
    assert {name for some in asked for name in some} <= again


def test_the_day_before_the_interview_is_for_review_alone(desk):
    made = plan(interview="2026-12-12", minutes=60)._plan
    assert made.days[-1].date == date(2026, 12, 11)
    assert {task.kind for task in made.days[-1].tasks} == {"review"} and made.days[-1].minutes > 30
    assert rows(made)[-1] == ["2026-12-12 Sat", "the interview", ""]


def test_what_does_not_fit_is_said_with_the_minutes_that_would_do(desk):
    made = plan(days=5, minutes=30)._plan
    told = summary(made)
    assert "What doesn't fit" in told and f"{len(names(made.left_over, 'exercise'))} exercises" in told
    enough = int(told.split("with ")[1].split(" minutes")[0])
    assert not plan(days=5, minutes=enough)._plan.left_over
    assert plan(days=5, minutes=enough - 5)._plan.left_over


def test_what_is_given_is_kept_and_days_take_an_interview_back(desk, clock):
    assert len(make_plan(desk).days) == 14 and make_plan(desk).minutes == MINUTES
    plan(interview="2026-12-12", minutes=90)
    clock.later(days=3)
    assert (make_plan(desk).interview, len(make_plan(desk).days), make_plan(desk).minutes) == (
        date(2026, 12, 12),
        11,
        90,
    )
    plan(days=5)
    assert make_plan(desk).interview is None and len(make_plan(desk).days) == 5
    clock.later(days=2)
    assert len(make_plan(desk).days) == 3
    clock.later(days=4)
    assert len(make_plan(desk).days) == 14


def test_on_the_day_itself_nothing_is_planned(desk, clock):
    plan(interview="2026-12-12")
    clock.now = clock.now.replace(month=12, day=12, hour=0)
    made = make_plan(desk)
    assert made.days == () and "Today is the interview" in summary(made)


def test_when_all_is_done_nothing_is_left(desk, clock):
    desk.add_sitting(Sitting("one", "senior", 45, 1, "[]", ""))
    for name in NAMES:
        desk.add_attempt(name, "passed", None, "en")
    for asked in all_questions():
        tick(asked, grade=4)
    made = plan(days=2)._plan
    assert tasks_of(made) == [] and made.left_over == ()
    assert [row[1] for row in rows(made)] == ["done for today", "nothing is left"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"days": 0}, "days is a whole number from 1 to 180"),
        ({"days": 1.5}, "days is a whole number"),
        ({"minutes": -5}, "minutes is a whole number from 1 to 1440"),
        ({"interview": "soon"}, "A day is written as in"),
        ({"interview": "2020-01-01"}, "is over"),
    ],
)
def test_a_mistaken_call_is_answered_with_a_sentence_and_changes_nothing(desk, capsys, given, said):
    assert plan(**given) is None
    assert said in capsys.readouterr().out
    assert [desk.chosen(name) for name in ("interview", "until", "minutes")] == ["", "", ""]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--days", "0"], "--days should be"),
        (["--minutes", "x"], "--minutes should be"),
        (["--interview", ""], "A day is"),
    ],
)
def test_a_mistake_in_the_terminal_is_one_sentence(desk, typed, said):
    with pytest.raises(StudyError, match=said):
        run(*typed)


def test_the_terminal_shows_the_plan_and_what_to_type(desk):
    shown = run("--interview", "2026-12-12", "--minutes", "45")
    assert shown.startswith("45 minutes a day, your interview on 2026-12-12.")
    assert "today" in shown and "2026-11-29 Sun" in shown and "the interview" in shown
    assert "`make study` opens the lessons" in shown and "exercise agreement`" in shown
    assert run().startswith("45 minutes a day, your interview on 2026-12-12.")


def test_a_notebook_shows_links(desk):
    shown = plan(days=3)._repr_html_()
    assert f'<a href="{LESSONS[0].name}.ipynb">' in shown and "#cell-id=agreement-statement" in shown
    assert "`" not in repr(plan()).replace("`review()`", "").replace("`plan()`", "")


def test_progress_and_the_start_page_begin_with_the_next_three_things(desk, clock, capsys):
    tick(study_order()[0].id, grade=1)
    clock.later(days=1)
    capsys.readouterr()
    progress()
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("Next for you:")
    assert start == 1
    coming = [
        "  review of 1 question, 1 min",
        f"  lesson {LESSONS[0].title}, 15 min",
        "  exercise agreement, 5 min",
    ]
    assert lines[start + 1 : start + 4] == coming
    assert f"  ✗ {study_order()[0].id}: forgotten 1 of 1 times" in lines
    assert any(line.startswith(f"  {len(LESSONS)} lessons, {len(NAMES)} exercises, ") for line in lines)
    lesson_map()
    assert capsys.readouterr().out.startswith(
        "**Next for you**\n\n1. review of 1 question, 1 min\n1. lesson ["
    )


def test_it_speaks_chinese(desk, monkeypatch, capsys):
    monkeypatch.setattr(language, "_current", "zh")
    shown = run("--interview", "2026-12-12")
    assert (
        shown.startswith("每天60分钟，面试日2026-12-12。")
        and "2026-11-29 周日" in shown
        and "道新题" in shown
    )
    assert "课程" in plan(days=2)._repr_html_() and "排不下的有" in plan(days=2)._repr_html_()
    progress()
    assert "接下来" in capsys.readouterr().out
