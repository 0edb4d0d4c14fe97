"""The mock interview: what it draws, how it follows up, scores and ends, and what it keeps."""

import json
from collections import Counter

import pytest

from kd_solutions import attention_transfer
from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study.exercises.catalog import NAMES, sheet
from kd_study.grading import Report, grade
from kd_study.grading.grade import Result
from kd_study.interview import draw as drawing
from kd_study.interview.draw import EXERCISES, LEVELS, OWN, draw, draw_for
from kd_study.interview.following import follow_up
from kd_study.interview.mock import MockInterview, exercise_score, history, score_of
from kd_study.interview.report import headline, sections
from kd_study.lessons.kit.rehearsal import rehearse, report_on_last_points
from kd_study.memory.answering import Answering
from kd_study.memory.cards import all_cards
from kd_study.questions import all_questions, question
from kd_study.records.store import Records, Sitting

SEEDS = range(12)


def held(desk, seed=7, letter="s", **wanted) -> MockInterview:
    """A whole interview in which every point gets one letter and the exercises are skipped."""
    interview = MockInterview(desk, seed=seed, **wanted)
    while item := interview.current:
        if item.kind == "question":
            interview.tick(letter * len(item.points))
        else:
            interview.go_on()
    return interview


def solved(name: str) -> Report:
    return Report(name, "passed", [Result("a", True, "")])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", SEEDS)
def test_six_questions_and_two_exercises_of_the_promised_kinds(level, seed):
    drawn = draw(level, seed)
    asked = [question(name) for name in drawn.questions]
    assert len(set(drawn.questions)) == 6 and asked[0].id in OWN
    assert [each.kind for each in asked[4:]] == ["code", "design"]
    assert Counter(each.kind for each in asked)["design"] == 1
    assert len(set(drawn.exercises)) == EXERCISES
    assert len({sheet(name).topic for name in drawn.exercises}) == EXERCISES


def shares(level: str) -> dict[str, float]:
    names = [name for seed in range(40) for name in draw(level, seed).questions[1:]]
    counts = Counter(question(name).level for name in names)
    return {name: counts[name] / len(names) for name in ("basic", "mid", "hard")}


def test_a_level_draws_what_it_says():
    junior, senior, staff = map(shares, LEVELS)
    assert junior["basic"] > 0.15 and junior["hard"] == 0
    assert senior["basic"] == 0 and min(senior["mid"], senior["hard"]) > 0.25
    assert staff["hard"] > 0.7


def test_topics_that_weigh_more_are_drawn_more():
    names = [name for seed in range(100) for name in draw("senior", seed).questions[1:4]]
    counts = Counter(question(name).topic for name in names)
    assert counts["crosslingual"] > 1.5 * counts["compression"]


def test_a_seed_draws_the_same_on_every_desk_whatever_was_hard_there(desk, tmp_path):
    other = Records(tmp_path / "other.sqlite")
    for name in list(all_questions())[:80]:
        Answering(question(name), other).grade_as(1)
    one, two = (MockInterview(each, seed=3).items for each in (desk, other))
    assert one == two != MockInterview(desk, seed=4).items


def test_without_a_seed_weak_spots_come_more_often_and_what_is_known_less(desk, monkeypatch):
    concepts = [each for each in all_questions().values() if each.kind == "concept" and each.level == "mid"]
    weak, known = {each.id for each in concepts[::2]}, {each.id for each in concepts[1::2]}
    for name in weak | known:
        Answering(question(name), desk).grade_as(1 if name in weak else 3)
    exercises = [name for name in NAMES if sheet(name).level == "mid"][::2]
    for name in exercises:
        desk.add_attempt(name, "failed", None, "en")
    seeds = iter(range(40))
    monkeypatch.setattr(drawing.secrets, "randbelow", lambda number: next(seeds))
    drawn = [draw_for(desk, "senior") for _ in range(20)]
    free = [name for each in drawn for name in each.questions[1:4]]
    assert sum(name in weak for name in free) > 2 * sum(name in known for name in free)
    usual = sum(name in exercises for seed in range(20) for name in draw("senior", seed).exercises)
    assert sum(name in exercises for each in drawn for name in each.exercises) > usual


def test_an_interview_that_was_sat_comes_again_by_its_seed(desk):
    for name in OWN:
        Answering(question(name), desk).grade_as(1)
    first = held(desk, seed=None)
    again = MockInterview(desk, seed=first.seed)
    assert [each.name for each in again.items] == [each.name for each in first.items if not each.follows]


def test_clocks_are_a_minute_for_a_short_answer_and_fill_the_minutes(desk):
    for minutes in (30, 45, 90):
        interview = MockInterview(desk, minutes=minutes, seed=7)
        for item in interview.items:
            if item.asked and item.asked.kind == "concept":
                assert item.seconds == 60
            assert item.seconds > 60 or item.asked
        follow_ups = 5 * 60
        total = sum(item.seconds for item in interview.items) + 6 * 60 + follow_ups
        assert abs(total - 60 * minutes) <= 3


def test_what_is_asked_next_depends_on_what_was_missed():
    """Over the bank: missing one point or another leads elsewhere wherever there is a choice worth it."""
    led = 0
    for asked in all_questions().values():
        number = len(asked.points)
        ways = ["s" * place + "m" + "s" * (number - place - 1) for place in range(number)]
        following = [follow_up(asked, marks) for marks in [*ways, "s" * number]]
        assert all(each is None or each.kind != "design" for each in following)
        found = {each.id for each in following if each}
        assert found <= set(asked.follow_ups)
        led += len(found) > 1
    choice = sum(len(each.follow_ups) > 1 for each in all_questions().values())
    assert led > choice / 2


def test_a_follow_up_is_never_asked_twice_nor_what_was_drawn():
    asked = question("what-is-kd")
    first = follow_up(asked, "s" * len(asked.points))
    second = follow_up(asked, "s" * len(asked.points), {first.id})
    assert second is None or second.id != first.id
    assert follow_up(asked, "s" * len(asked.points), set(asked.follow_ups)) is None


def test_follow_ups_come_after_their_question_and_design_is_scored_by_its_rubric(desk):
    interview = held(desk, letter="h")
    names = [each.name for each in interview.items]
    assert len(set(names)) == len(names)
    for before, item in zip(interview.items, interview.items[1:], strict=False):
        assert not item.follows or item.follows == before.name
        assert not item.follows or item.name in question(before.name).follow_ups
    design = next(each for each in interview.items if each.asked and each.asked.rubric)
    assert len(design.marks) == len(design.asked.rubric) and design.score == 0.5


def test_a_rubric_weighs_its_points(desk):
    interview = MockInterview(desk, seed=7)
    while not interview.current.asked.rubric:
        interview.go_on()
    weights = interview.current.weights
    interview.tick("s" + "m" * (len(weights) - 1))
    design = interview.items[interview.place - 1]
    assert design.score == weights[0] / sum(weights)
    assert all_cards(desk)[design.name].grades == (1,)


def test_answers_reach_the_cards_and_exercises_the_records(desk):
    interview = held(desk, letter="s")
    for item in interview.items:
        if item.asked:
            assert all_cards(desk)[item.name].grades == (3,)
    again = MockInterview(desk, seed=7)
    while again.current.kind == "question":
        again.go_on()
    name = again.current.name
    again.hand_in(Report(name, "failed", [Result("a", True, ""), Result("b", False, "no")]))
    assert again.current.name == name and again.current.score == 0.25
    again.hand_in(solved(name))
    assert again.current.name != name and again.items[again.place - 1].score == 1
    assert [each.status for each in desk.attempts()] == ["failed", "passed"]


def test_a_real_grade_counts_and_the_reference_does_not():
    assert exercise_score(grade(attention_transfer)) == 0
    assert exercise_score(Report("kd_loss", "todo")) == 0
    assert exercise_score(grade(lambda student_map, teacher_map: 0.0, "attention_transfer")) <= 0.5


def test_an_answer_too_late_is_told_and_nothing_is_asked_after_the_minutes(desk, clock):
    interview = MockInterview(desk, seed=7, minutes=30)
    clock.later(seconds=90)
    interview.tick("s" * len(interview.current.points))
    clock.later(minutes=30)
    interview.tick("s" * len(interview.current.points))
    past = history(desk)[-1]
    assert interview.current is None and past.finished
    (_, lines), *_ = sections(past, desk)
    assert lines[0].endswith("90 of 60 s, over time") and lines[-1].endswith("not reached")
    assert past.score == pytest.approx(1.5 / (len(past.items) - 0.5), abs=0.01)


def test_what_was_answered_is_kept_when_the_kernel_dies(desk):
    interview = MockInterview(desk, seed=7)
    interview.tick("s" * len(interview.current.points))
    (past,) = history(Records(desk.path))
    assert past.items[0].score == 1 and not past.finished
    assert "Not finished" in headline(past)
    held(desk, seed=8)
    shown = dict(sections(history(desk)[-1], desk))
    assert len(shown["Over time"]) == 1  # the one that wasn't finished isn't compared


def test_interviews_of_a_level_are_compared_over_time(desk, clock):
    held(desk, seed=7, letter="m")
    clock.later(days=3)
    held(desk, seed=7, letter="m", level="staff")
    clock.later(days=3)
    last = held(desk, seed=9, letter="s")
    shown = dict(sections(last.so_far(), desk))
    lines = shown["Over time"]
    assert len(lines) == 3 and lines[0].startswith("2026-11-28, seed 7: 0 %")
    assert lines[1].startswith("2026-12-04, seed 9: 8") and lines[2].startswith("+")


def test_the_report_names_what_is_strong_weak_and_next(desk):
    interview = MockInterview(desk, seed=7)
    first = interview.current
    interview.tick("m" * len(first.points))
    while interview.current:
        item = interview.current
        interview.tick("s" * len(item.points)) if item.asked else interview.hand_in(solved(item.name))
    shown = dict(sections(interview.so_far(), desk))
    assert any(first.name in line and str(first.points[0]) in line for line in shown["Weak"])
    assert f"`{first.name}`" not in shown["Strong"] and len(shown["Strong"]) == len(interview.items) - 1
    assert any(name in line for name in first.asked.exercises for line in shown["Study next"])
    assert shown["Next cards"][0].endswith(f"`{first.name}`")


def test_the_report_speaks_chinese(desk, monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    interview = held(desk, letter="m")
    told = headline(interview.so_far()) + str(sections(interview.so_far(), desk))
    for word in ("模拟面试", "逐项得分", "弱项", "接下来学什么", "历次成绩", "漏掉"):
        assert word in told
    assert "missed" not in told


def test_history_travels_with_the_records_and_skips_what_it_cannot_read(desk, tmp_path):
    held(desk)
    desk.add_sitting(Sitting("x", "senior", 45, 1, "no json", ""))
    desk.add_sitting(
        Sitting("y", "senior", 45, 1, json.dumps([{"kind": "question", "name": "gone", "seconds": 1}]), "")
    )
    other = Records(tmp_path / "other.sqlite")
    other.import_json(desk.export_json())
    assert [each.seed for each in history(other)] == [each.seed for each in history(desk)] == [7]
    old = json.loads(desk.export_json())
    del old["sittings"]
    assert Records(tmp_path / "third.sqlite").import_json(json.dumps(old)) > 0


@pytest.mark.parametrize(
    "wrong",
    [{"level": "boss"}, {"minutes": 5}, {"minutes": 45.0}, {"seed": -1}, {"seed": "a"}, {"minutes": True}],
)
def test_what_cannot_be_is_refused_in_a_sentence(desk, wrong):
    with pytest.raises(StudyError):
        MockInterview(desk, **wrong)


def test_a_question_is_not_handed_in_nor_an_exercise_ticked(desk):
    interview = MockInterview(desk, seed=7)
    with pytest.raises(StudyError, match="question is asked"):
        interview.hand_in(solved("kd_loss"))
    with pytest.raises(StudyError, match="points"):
        interview.tick("s")
    while interview.current.kind == "question":
        interview.go_on()
    with pytest.raises(StudyError, match="exercise is asked"):
        interview.tick("s")
    with pytest.raises(StudyError, match="not kd_loss"):
        interview.hand_in(solved("kd_loss"))
    interview.go_on()
    interview.go_on()
    with pytest.raises(StudyError, match="over"):
        interview.tick("s")
    assert score_of(interview.items) == 0


def test_a_rehearsal_leaves_no_trace_and_says_nothing_of_the_day(desk):
    assert rehearse("h", seed=1).current is None
    told = report_on_last_points(seed=1)
    assert [title for title, _ in told] == ["Weak", "Study next"] and "202" not in str(told)
    assert not history(desk) and not desk.answers()
