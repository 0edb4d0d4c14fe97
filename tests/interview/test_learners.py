"""Three learners study for fourteen days by calling what a learner calls: diligent, forgetful, late."""

import random
import re
from datetime import date

import pytest

from kd_study import check, lesson_map, plan, progress, review, tick
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.exercises.stubs import solved_source
from kd_study.interview.words import summary
from kd_study.memory import cards
from kd_study.memory.cards import all_cards
from kd_study.memory.schedule import moment
from kd_study.questions import bank

INTERVIEW = date(2026, 12, 12)
MINUTES = 240  # a day: fourteen of them hold the whole house
BY_CHECK = ("agreement", "soft_targets", "logit_mse")  # graded in earnest; the rest as if


def solve(desk, clock, name: str, minutes: float) -> None:
    """A learner's own solution is checked, after a time."""
    clock.later(minutes=minutes)
    if name not in BY_CHECK:
        desk.add_attempt(name, "passed", None, "en")
        return
    namespace = {}
    exec(solved_source(exercise(name)), namespace)
    check(namespace[name])


def answer(clock, questions, recalls: random.Random, skill: float) -> None:
    """Answers aloud, and grades honestly: by skill, but what is just known is known."""
    for name in questions:
        clock.later(seconds=70)
        tick(name, grade=3 if recalls.random() < skill else 1)


def study_today(desk, clock, skill: float, recalls: random.Random) -> None:
    """Does what the plan has for the day, in its order and its minutes."""
    done = set()
    for task in plan().days[0].tasks:
        if task.kind == "exercise" and task.name not in done:
            solve(desk, clock, task.name, task.minutes)
            done.add(task.name)
        elif task.questions:
            answer(clock, task.questions, recalls, skill)
        else:
            clock.later(minutes=task.minutes)


def next_day(clock) -> None:
    clock.now = clock.now.replace(hour=6, minute=0, second=0, microsecond=0)
    clock.later(days=1)


@pytest.fixture(autouse=True)
def small(clock, monkeypatch):
    """Study is in the early morning, and of a quarter of the bank."""
    clock.now = clock.now.replace(hour=6)
    some = dict(list(bank.all_questions().items())[::4])
    monkeypatch.setattr(cards, "all_questions", lambda: some)


def test_the_diligent_learner_gets_through_and_is_ready_on_the_day(desk, clock, capsys):
    plan(interview=INTERVIEW, minutes=MINUTES)
    assert plan()._plan.left_over == ()
    recalls = random.Random(0)
    for _ in range(14):
        assert plan().days[-1].date == date(2026, 12, 11)
        study_today(desk, clock, 0.9, recalls)
        next_day(clock)
    capsys.readouterr()
    progress()
    shown = capsys.readouterr().out
    assert shown.startswith(f"{len(NAMES)} of {len(NAMES)} exercises solved")
    known = all_cards(desk).values()
    assert all(card.grades for card in known)
    assert sum(card.recall(moment(INTERVIEW)) for card in known) / len(known) > 0.85
    assert "Today is the interview" in summary(plan()._plan)


def test_the_forgetful_learner_is_asked_again_and_told_what_is_weak(desk, clock, capsys):
    plan(interview=INTERVIEW, minutes=60)
    recalls, reviews = random.Random(1), []
    for _ in range(8):
        day = plan().days[0]
        reviews.append(sum(len(task.questions) for task in day.tasks if task.kind == "review"))
        assert day.minutes <= 60
        study_today(desk, clock, 0.4, recalls)
        next_day(clock)
    assert reviews[0] == 0 and sum(reviews[4:]) > sum(reviews[:4]) > 0
    forgotten = {card.question for card in all_cards(desk).values() if card.grades[-1:] == (1,)}
    capsys.readouterr()
    progress()
    told = re.findall(r"✗ ([\w-]+): forgotten", capsys.readouterr().out)
    assert len(told) == min(3, len(forgotten)) > 0 and set(told) <= forgotten
    again = {name for task in plan().days[0].tasks if task.kind == "review" for name in task.questions}
    assert again & forgotten
    box = review(minutes=20)
    assert box.asked is not None


def test_the_late_learner_gets_a_plan_for_the_days_that_are_left(desk, clock, capsys):
    plan(interview=INTERVIEW, minutes=60)
    first = plan().days[0].tasks[0]
    study_today(desk, clock, 0.8, random.Random(2))
    for _ in range(10):  # and then nothing for ten days
        next_day(clock)
    late = plan()
    assert late.days[0].date == date(2026, 12, 8) and len(late.days) == 4
    assert first not in late.days[0].tasks and late.days[0].tasks[0].kind == "review"
    assert "What doesn't fit" in summary(late._plan) and all(day.minutes <= 60 for day in late.days)
    assert {task.kind for task in late.days[-1].tasks} == {"review"}
    capsys.readouterr()
    lesson_map()
    assert "**Next for you**" in capsys.readouterr().out
    for _ in range(4):
        study_today(desk, clock, 0.8, random.Random(3))
        next_day(clock)
    assert plan().days == ()
