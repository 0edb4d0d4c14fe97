"""A room's guess from raised hands, points for nbgrader, pictures for a projector."""

import matplotlib
import pytest

from kd_solutions import agreement
from kd_solutions.support import language
from kd_study.notebook import desk, teaching, widgets
from kd_study.records import store

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_current", "en")


def test_the_rooms_guess_is_the_median_of_all_hands_and_is_drawn_and_compared_as_such(capsys, monkeypatch):
    from matplotlib.figure import Figure

    monkeypatch.setattr(widgets, "_compared", {})
    ours, ax = widgets.guess(unit="%"), Figure().subplots()
    assert teaching.room(ours, {25: 2, 50: 1, 75: 4}) is None
    assert capsys.readouterr().out == "7 hands; the room's guess is 75 %.\n"
    ours.draw(ax)
    ours.compare(67)
    assert list(ax.lines[0].get_ydata()) == [75, 75] and ax.lines[0].get_label() == "the room's guess"
    assert capsys.readouterr().out == "The room guessed 75 %; it was 67 %.\n"
    ours._slider.value = 40
    assert ours.against(67) == "You guessed 40 %; it was 67 %."


@pytest.mark.parametrize("hands", [{}, {30: 0}, {30: -1}, {30: 1.5}, {30: "two"}])
def test_hands_that_make_no_guess_leave_it_as_it_was(hands, capsys):
    ours = widgets.guess()
    teaching.room(ours, hands)
    assert ours.value is None and "number of hands" in capsys.readouterr().out


def test_hands_typed_into_the_boxes_do_the_same_as_the_call():
    ours = widgets.guess(unit="points", low=-5, high=15)
    hands = teaching.room(ours)
    assert list(hands.boxes) == [-5, 0, 5, 10, 15]
    assert hands._repr_mimebundle_()["text/plain"].startswith("Hands raised for -5 points, 0 points")
    hands.boxes[5].value, hands.boxes[10].value = 3, 2
    assert ours.value == 5 and hands.said.value == "5 hands; the room's guess is 5 points."
    hands.boxes[10].value = hands.boxes[5].value = 0
    assert ours.value == 5, "no hand at all is no new guess"


def test_it_speaks_chinese(monkeypatch, capsys):
    monkeypatch.setattr(language, "_current", "zh")
    ours = widgets.guess(unit="%")
    teaching.room(ours, {30: 4})
    assert capsys.readouterr().out == "举手4人次；全场的猜测是30%。\n"
    assert ours.against(67) == "全场猜30%，实际是67%。"


def test_points_are_earned_by_ones_own_function_that_passes(monkeypatch):
    monkeypatch.setattr(desk, "_graded", {})

    def own(student_logits, teacher_logits):
        return (student_logits.argmax(-1) == teacher_logits.argmax(-1)).float().mean().item()

    def unfinished(student_logits, teacher_logits):
        raise NotImplementedError

    def wrong(student_logits, teacher_logits):
        return 1.0

    for function, expected in ((own, 2), (unfinished, 0), (wrong, 0)):
        function.__name__ = "agreement"
        assert teaching.earned(function, points=2) == expected
    assert teaching.earned(agreement, points=2) == 0, "the reference itself"
    assert teaching.earned(print, points=2) == teaching.earned(None, points=2) == 0


def test_earning_points_records_no_attempt(monkeypatch, tmp_path):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(desk, "_graded", {})
    teaching.earned(agreement, points=1)
    assert store.records().attempts() == []


def test_a_projector_gets_finer_pictures():
    from matplotlib import pyplot, rc_context

    with rc_context():
        teaching.projector()
        assert pyplot.rcParams["figure.dpi"] == teaching.FINENESS
