"""Points are ticked by words, letters or numbers and recorded one by one, and the grade follows from them."""

import json
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study import tick
from kd_study.memory.answering import RESUMED, Answering
from kd_study.memory.ticks import grade_of, read_marks
from kd_study.notebook.cards import Points, Ticks
from kd_study.questions import all_questions, question
from kd_study.records.store import Records

ASKED = next(each for each in all_questions().values() if len(each.points) == 4)


def test_marks_are_words_letters_or_numbers_in_either_language():
    for given in (
        ["said", "half", "missed", "said"],
        ["s", "H", "m", "s"],
        [1, 2, 3, 1],
        ["说到", "一半", "漏掉", "1"],
    ):
        assert read_marks(ASKED, given) == "shms"


@pytest.mark.parametrize(
    ("given", "said"), [("sss", "has 4 points"), ("sssss", "has 4 points"), ("ssxs", "not 'x'")]
)
def test_other_marks_are_refused_in_one_sentence(given, said):
    with pytest.raises(StudyError, match=said):
        read_marks(ASKED, given)


@pytest.mark.parametrize(
    ("marks", "grade"),
    [("mmmm", 1), ("smmh", 1), ("ssmm", 2), ("sshm", 2), ("sssh", 3), ("ssss", 3), ("hhhh", 2)],
)
def test_the_grade_follows_from_the_ticks(marks, grade):
    assert grade_of(marks) == grade


def test_a_plain_call_records_an_answer(desk, capsys):
    tick(ASKED.id, "said", "half", "missed", "said")
    assert "Recorded: 2 said, 1 half, 1 missed; 2 (hard)." in capsys.readouterr().out
    (answer,) = desk.answers()
    assert answer[1:5] == (ASKED.id, "shms", 2, None)
    tick(ASKED.id, "s", "s", "s", "s", grade=4)
    tick(ASKED.id, grade=1)
    assert [(each.marks, each.grade) for each in desk.answers()[1:]] == [("ssss", 4), ("", 1)]


@pytest.mark.parametrize(
    ("given", "options", "said"),
    [
        (["no-such-question"], {}, "no question has the id"),
        ([question], {}, "no question has the id"),
        ([ASKED.id, "said"], {}, "has 4 points"),
        ([ASKED.id], {"grade": 5}, "A grade is 1"),
        ([ASKED.id], {"grade": True}, "A grade is 1"),
    ],
)
def test_a_mistaken_call_is_answered_with_a_sentence_and_records_nothing(desk, capsys, given, options, said):
    assert tick(*given, **options) is None
    shown = capsys.readouterr().out
    assert said in shown and shown.count("\n") == 1
    assert desk.answers() == []


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_the_buttons_record_each_press(desk, monkeypatch, code):
    monkeypatch.setattr(language, "_current", code)
    shown = tick(ASKED.id)
    assert (
        isinstance(shown, Ticks) and f'tick("{ASKED.id}", "said"' in shown._repr_mimebundle_()["text/plain"]
    )
    assert desk.answers() == []
    shown._open.click()
    answering = Answering(ASKED, desk)
    points = Points(answering)
    assert [label for label, _ in points.toggles[0].options] == {
        "en": ["said", "half", "missed"],
        "zh": ["说到", "一半", "漏掉"],
    }[code]
    points.toggles[0].value = "s"
    assert [(each.marks, each.grade) for each in desk.answers()] == [("s...", None)]
    assert "3" in points.said.value
    for toggle, letter in zip(points.toggles[1:], "hms", strict=True):
        toggle.value = letter
    assert [(each.marks, each.grade) for each in desk.answers()] == [("shms", 2)]


def test_a_correction_replaces_what_was_recorded(desk):
    answering = Answering(ASKED, desk)
    answering.mark_all("mmmm")
    answering.mark(0, "s")
    answering.grade_as(3)
    assert [(each.marks, each.grade) for each in desk.answers()] == [("smmm", 3)]


def test_what_was_ticked_before_the_kernel_died_is_there_again(desk, clock):
    Answering(ASKED, desk).mark(2, "h")
    clock.later(minutes=5)
    again = Answering(ASKED, Records(desk.path))
    assert again.marks == "..h." and [toggle.value for toggle in Points(again).toggles] == [
        None,
        None,
        "h",
        None,
    ]
    for point in (0, 1, 3):
        again.mark(point, "s")
    (answer,) = desk.answers()
    assert answer.marks == "sshs" and answer.grade == 3
    assert Answering(ASKED, desk).marks == "...."


def test_an_answer_left_open_long_ago_is_not_gone_on_with(desk, clock):
    Answering(ASKED, desk).mark(2, "h")
    clock.now += RESUMED + timedelta(seconds=1)
    assert Answering(ASKED, desk).marks == "...."


def test_the_time_of_an_answer_is_measured_and_has_a_limit(desk, clock):
    answering = Answering(ASKED, desk)
    clock.later(seconds=75)
    answering.mark_all("ssss")
    late = Answering(ASKED, desk)
    clock.later(days=2)
    late.mark_all("ssss")
    back = Answering(ASKED, desk)
    clock.later(days=-1)
    back.mark_all("ssss")
    assert [each.seconds for each in desk.answers()] == [75, 600, 0]


def test_answers_travel_with_the_records(desk, tmp_path):
    tick(ASKED.id, 1, 2, 3, 1)
    Answering(ASKED, desk).mark(0, "s")
    desk.choose("interview", "2026-12-12")
    other = Records(tmp_path / "other.sqlite")
    assert other.import_json(desk.export_json()) == 3
    assert other.answers() == desk.answers() and other.chosen("interview") == "2026-12-12"
    assert other.import_json(desk.export_json()) == 0


def test_a_store_and_an_export_from_before_there_were_answers_are_read(desk, tmp_path):
    old = Records(tmp_path / "old.sqlite")
    with closing(sqlite3.connect(old.path)) as database:
        database.execute("CREATE TABLE attempts (exercise, status, diagnosis, language, time)")
        database.execute(
            "INSERT INTO attempts VALUES ('csls', 'passed', NULL, 'en', '2026-11-01T00:00:00+00:00')"
        )
        database.commit()
    assert old.answers() == [] and old.chosen("interview") == ""
    Answering(ASKED, old).mark_all("ssss")
    assert len(old.answers()) == 1 and len(old.attempts()) == 1
    earlier = {
        name: rows
        for name, rows in json.loads(old.export_json()).items()
        if name in ("attempts", "hints", "solutions")
    }
    assert desk.import_json(json.dumps(earlier)) == 1


@pytest.mark.parametrize(
    ("column", "value"), [("grade", 5), ("grade", True), ("seconds", -1), ("marks", None), ("occasion", 3)]
)
def test_an_import_of_an_impossible_answer_adds_nothing(desk, column, value):
    tick(ASKED.id, 1, 1, 1, 1)
    tables = json.loads(desk.export_json())
    tables["answers"][0][column] = value
    with pytest.raises(StudyError, match="no export"):
        desk.import_json(json.dumps(tables))
