"""Memory is computed from the answers, whatever a clock said; cards come as fsrs has them, or for one day."""

import random
from datetime import UTC, date, datetime, timedelta

import fsrs
import pytest

from kd_study.memory.cards import SCHEDULER, Card, all_cards, lesson_of, study_order
from kd_study.memory.schedule import (
    LEAST_GAIN,
    answer_seconds,
    comes_back,
    first_grades,
    gain,
    moment,
    queue,
)
from kd_study.questions import all_questions
from kd_study.records import store
from kd_study.records.store import Answer, Records

START = datetime(2026, 11, 28, 18, tzinfo=UTC)
INTERVIEW = date(2026, 12, 12)
NAMES = list(all_questions())


def card(*history: tuple[int, int]) -> Card:
    """A card with (day, grade) answers."""
    made = Card("any")
    for day, grade in history:
        made = made.answered(grade, START + timedelta(days=day))
    return made


def answer(desk, name: str, grade: int | None, marks: str = "") -> None:
    desk.add_answer(Answer(f"{random.random()}", name, marks, grade, 60, ""))


def test_a_memory_is_that_of_fsrs(desk, clock):
    theirs = fsrs.Card(card_id=0)
    for days, grade in ((0, 3), (2, 1), (1, 2), (4, 4)):
        clock.later(days=days)
        answer(desk, NAMES[0], grade)
        theirs, _ = SCHEDULER.review_card(theirs, fsrs.Rating(grade), clock.now)
    mine = all_cards(desk)[NAMES[0]]
    assert mine.grades == (3, 1, 2, 4)
    assert (mine.memory.stability, mine.memory.difficulty) == (theirs.stability, theirs.difficulty)
    assert abs(mine.memory.due - theirs.due) < timedelta(seconds=1)
    assert mine.memory.due - mine.memory.last_review >= timedelta(days=1)  # no steps of minutes


def test_an_answer_without_a_grade_changes_no_memory_and_unknown_questions_do_no_harm(desk):
    answer(desk, NAMES[0], None, "s...")
    answer(desk, "a-question-of-tomorrow", 3)
    assert {card.grades for card in all_cards(desk).values()} == {()}


def test_states_follow_from_the_last_grade_and_the_day(desk, clock):
    for name, grade in zip(NAMES, (1, 3), strict=False):
        answer(desk, name, grade)
    clock.later(days=1)
    states = {name: {state for state in ("new", "weak", "known", "due") if each.is_in(state, clock.now)}
              for name, each in all_cards(desk).items()}  # fmt: skip
    assert [states[name] for name in NAMES[:3]] == [{"weak", "due"}, {"known"}, {"new"}]


@pytest.mark.parametrize(
    "wrong", ["1970-01-01T00:00:00+00:00", "2031-01-01T00:00:00+00:00", "yesterday", "2026-11-20"]
)
def test_a_wrong_clock_costs_nothing_but_the_time_of_its_own_answers(desk, monkeypatch, wrong):
    times = ["2026-11-24T08:00:00+00:00", wrong, "2026-11-26T08:00:00+00:00"]
    for name, time in zip(NAMES, times, strict=False):
        monkeypatch.setattr(store, "_now", lambda time=time: time)
        answer(desk, name, 3)
    cards = all_cards(desk, START)
    last = [cards[name].memory.last_review.isoformat() for name in NAMES[:3]]
    assert last == [times[0], times[0], times[2]]


def test_a_clock_set_back_an_hour_keeps_the_order(desk, clock):
    answer(desk, NAMES[0], 1)
    clock.later(hours=-1)
    answer(desk, NAMES[0], 3)
    memory = all_cards(desk, clock.now + timedelta(hours=2))[NAMES[0]]
    assert memory.grades == (1, 3)
    clock.later(hours=-5)
    assert all_cards(desk)[NAMES[0]].grades == (1, 3)


def test_without_a_date_the_longest_due_comes_first_then_the_new_in_the_order_of_study():
    late, due, later, new, other = card((0, 1)), card((0, 3)), card((0, 4)), Card("new"), Card("other")
    when = START + timedelta(days=3)
    assert later.memory.due > when
    assert queue([new, later, due, other, late], when) == [late, due, new, other]


def test_new_questions_come_as_the_lessons_do(desk):
    names = [each.id for each in study_order()]
    assert sorted(names) == sorted(NAMES) and [*all_cards(desk)] == names
    places = [lesson_of(each) or "~" for each in study_order()]
    assert places == sorted(places)


def test_with_a_date_no_interval_jumps_past_it():
    easy, good = card((0, 4), (8, 4)), card((0, 3))
    assert easy.memory.due > moment(INTERVIEW) > good.memory.due
    assert comes_back(good, INTERVIEW) == comes_back(good) == good.memory.due
    eve = comes_back(easy, INTERVIEW)
    assert eve.astimezone().date() == date(2026, 12, 11)
    on_the_eve = card((0, 4), (13, 4))
    assert comes_back(on_the_eve, INTERVIEW) == moment(INTERVIEW)
    assert comes_back(Card("new"), INTERVIEW) is None


def test_with_a_date_the_card_that_adds_most_per_minute_comes_first():
    when = START + timedelta(days=6)
    cards = [Card("new"), card((0, 1)), card((0, 3)), card((0, 4)), card((5, 4))]
    first = first_grades(cards)
    worth = [gain(each, when, moment(INTERVIEW), first) for each in cards]
    asked = queue(cards, when, INTERVIEW)
    assert asked and all(worth[cards.index(each)] >= LEAST_GAIN for each in asked)
    assert all(each in asked or worth[cards.index(each)] < LEAST_GAIN for each in cards)
    seen = [worth[cards.index(each)] for each in asked if each.grades]
    assert seen == sorted(seen, reverse=True)


def test_the_gain_is_the_expected_recall_after_less_that_without():
    """Against a simulation of the same answer, drawn ten thousand times."""
    from kd_study.memory.schedule import GRADES_WHEN_RECALLED

    when, day, draw = START + timedelta(days=5), moment(INTERVIEW), random.Random(0)
    one = card((0, 3))
    after = []
    for _ in range(10_000):
        recalled = draw.random() < one.recall(when)
        grade = draw.choices(*zip(*GRADES_WHEN_RECALLED.items(), strict=True))[0] if recalled else 1
        after.append(one.answered(grade, when).recall(day))
    expected = sum(after) / len(after) - one.recall(day)
    assert gain(one, when, day, {}) == pytest.approx(expected, abs=0.005)


def test_what_was_just_answered_does_not_come_again():
    for grade in (1, 2, 3, 4):
        assert queue([card((0, grade))], START + timedelta(minutes=5), INTERVIEW) in ([], [card((0, grade))])
    assert queue([card((0, 3))], START + timedelta(minutes=5), INTERVIEW) == []


def test_after_the_interview_it_goes_on_as_without_one():
    cards = [card((0, 3)), Card("new")]
    when = moment(INTERVIEW) + timedelta(hours=1)
    assert queue(cards, when, INTERVIEW) == queue(cards, when)


def test_first_grades_start_as_everybodys_and_become_the_learners_own():
    assert sum(first_grades([]).values()) == pytest.approx(1)
    assert first_grades([])[1] == pytest.approx(0.24, abs=0.001)
    assert first_grades([card((0, 1))] * 200)[1] > 0.9


def test_seconds_are_measured_once_there_are_some_answers():
    def given(name, seconds, grade=3):
        return Answer("", name, "", grade, seconds, "")

    usual = answer_seconds([])
    assert answer_seconds([given(name, 30) for name in NAMES[:4]]) == usual
    answers = [given(name, 30) for name in NAMES[:5]] + [given(name, 20) for name in NAMES[:5]]
    assert answer_seconds(answers) == (30, 20)
    assert answer_seconds([given(name, None) for name in NAMES[:9]]) == usual
    assert answer_seconds([given(name, 30, None) for name in NAMES[:9]]) == usual


def test_two_hundred_cards_with_ten_answers_each_are_quick(desk, clock):
    import time

    with_many = [(f"{name}-{number}", 3) for name in range(200) for number in range(10)]
    assert len(with_many) == 2000
    start = time.process_time()
    for _ in range(200):
        one = Card("any")
        for day in range(10):
            one = one.answered(3, START + timedelta(days=day))
    queue([card((0, 3)) for _ in range(200)], START + timedelta(days=3), INTERVIEW)
    assert time.process_time() - start < 1


def test_records_of_another_machine_give_the_same_cards(desk, clock, tmp_path):
    for name in NAMES[:3]:
        answer(desk, name, 3)
        clock.later(hours=3)
    other = Records(tmp_path / "other.sqlite")
    other.import_json(desk.export_json())
    assert all_cards(other) == all_cards(desk)
