"""A session in a notebook and in a terminal: nothing asked twice, nothing lost, keys alone."""

import re
import subprocess
import sys
from datetime import date

import pytest
from typer.testing import CliRunner

from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import Text
from kd_study import review, tick
from kd_study.__main__ import app
from kd_study.memory.cards import all_cards, study_order
from kd_study.memory.session import Session
from kd_study.memory.words import ending, headline
from kd_study.questions import markdown, question
from kd_study.records.store import Records

INTERVIEW = date(2026, 12, 12)
FIRST, SECOND, THIRD = (asked.id for asked in study_order()[:3])


def run(*arguments, typed=""):
    result = CliRunner().invoke(app, ["review", *arguments], input=typed)
    if isinstance(result.exception, StudyError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def keys(box, typed):
    for key in typed:
        box._keys.value += key
        assert box._keys.value == ""


def test_keys_alone_reveal_and_grade(desk):
    box = review()
    assert box.asked == FIRST and box._show.layout.display is None
    keys(box, "3x")
    assert box.asked == FIRST and desk.answers() == []  # nothing is graded before it is revealed
    keys(box, " ")
    assert box._grades.layout.display is None and box._show.layout.display == "none"
    assert str(question(FIRST).answer_deep).splitlines()[0] in box._rest.outputs[0]["data"]["text/markdown"]
    keys(box, " 3")
    assert box.asked == SECOND and "Recorded: 3 (good)" in box._said.value
    keys(box, " 1")
    assert [(each.question, each.grade) for each in desk.answers()] == [(FIRST, 3), (SECOND, 1)]


def test_buttons_do_the_same(desk):
    box = review()
    box._show.click()
    assert [button.description for button in box._grades.children] == [
        "1 forgotten",
        "2 hard",
        "3 good",
        "4 easy",
    ]
    box._grades.children[3].click()
    assert box.asked == SECOND and [each.grade for each in desk.answers()] == [4]


def test_ticks_give_the_grade_and_go_on(desk):
    box = review()
    box.reveal()
    (points,) = box._points.children
    for row in points.children[:-1]:
        row.children[0].value = "s"
    assert box.asked == SECOND and [(set(each.marks), each.grade) for each in desk.answers()] == [({"s"}, 3)]


def test_it_ends_when_the_minutes_are_over(desk, clock):
    box = review(minutes=1)
    clock.later(seconds=90)
    box.reveal()
    box.grade(3)
    assert box.asked is None and "1 answered. The minutes are over." in box._head.value
    assert box._keys.layout.display == box._grades.layout.display == "none"
    box.grade(3)
    box.reveal()
    assert len(desk.answers()) == 1


def test_it_ends_when_no_card_waits(desk):
    for asked in study_order()[1:]:
        tick(asked.id, grade=4)
    box = review()
    assert "1 card to go" in box._head.value
    box.reveal()
    box.grade(3)
    assert "Nothing more waits now" in box._head.value and box._repr_mimebundle_()["text/plain"].startswith(
        "1 answered"
    )


def test_nothing_is_lost_when_the_kernel_dies_between_reveal_and_grade(tmp_path):
    code = """
from kd_study import review
box = review()
box.reveal()
box.grade(2)
box.reveal()
box._points.children[0].children[0].children[0].value = "s"
print(box.asked, flush=True)
import os
os.kill(os.getpid(), 9)
"""
    env = {"KD_STUDY_HOME": str(tmp_path), "PATH": "/usr/bin", "PYTHONPATH": ":".join(sys.path)}
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert died.returncode == -9, died.stderr
    records = Records(tmp_path / "records.sqlite")
    after = Session(records)
    assert [(each.question, each.grade) for each in records.answers()] == [(FIRST, 2), (SECOND, None)]
    assert after.asked.id == died.stdout.strip() == SECOND and after.answering.marks.startswith("s.")
    assert len([card for card in all_cards(records).values() if card.grades]) == 1


def test_two_notebooks_at_once_ask_nothing_twice_and_lose_nothing(desk):
    mine, other = Session(desk), Session(Records(desk.path))
    other.reveal()
    other.grade(3)
    assert other.asked.id == SECOND
    other.reveal()
    other.grade(3)
    mine.reveal()
    mine.grade(3)
    assert mine.asked.id == other.asked.id == THIRD
    assert [each.question for each in desk.answers()] == [FIRST, SECOND, FIRST]


def test_a_date_is_given_once_and_orders_the_cards_until_it_is_over(desk, clock, capsys):
    review(interview="2026-12-12")
    assert Session(desk).interview == INTERVIEW
    assert "ordered for your interview on 2026-12-12" in headline(Session(Records(desk.path)))
    tick(FIRST, grade=3)
    assert "It comes back on 2026-11-30" in capsys.readouterr().out
    assert "On 2026-12-12 you should know 1 of" in ending(Session(desk))
    clock.later(days=20)
    assert Session(desk).interview is None and "interview" not in headline(Session(desk))


def test_the_day_before_is_the_last_to_come_back(desk, capsys):
    review(interview="2026-12-12")
    tick(FIRST, grade=4)
    assert re.search(r"comes back on 2026-12-(0[5-9]|10|11)\.", capsys.readouterr().out)
    review(interview="2026-12-01")
    tick(SECOND, grade=4)
    assert "comes back on 2026-11-30." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("2026-11-27", "is over"),
        ("12.12.2026", "A day is written"),
        ("", "A day is written"),
        (5, "A day is written"),
    ],
)
def test_a_day_that_is_none_or_over_is_one_sentence(desk, capsys, given, said):
    assert review(interview=given) is None
    assert said in capsys.readouterr().out and desk.chosen("interview") == ""
    with pytest.raises(StudyError, match=said):
        run("--interview", str(given))


def test_a_terminal_asks_card_after_card(desk):
    shown = run(typed="\n3\n\n1\n\nq\n")
    assert [(each.question, each.grade) for each in desk.answers()] == [(FIRST, 3), (SECOND, 1)]
    assert shown.count("then press space.") == 3 and "2 answered." in shown and "cards wait" in shown
    assert "The minutes are over" not in shown


def test_a_terminal_ticks_point_by_point(desk):
    points = len(question(FIRST).points)
    run(typed="\nt\n" + "1\n" * points)
    assert [(each.marks, each.grade) for each in desk.answers()] == [("s" * points, 3)]
    run(typed="\nt\n1\nq\n")
    assert desk.answers()[-1].question == SECOND and desk.answers()[-1].grade is None


@pytest.mark.parametrize("minutes", ["0", "soon", "-5"])
def test_minutes_that_are_none_are_one_sentence(desk, minutes):
    with pytest.raises(StudyError, match="--minutes should be"):
        run("--minutes", minutes)


def test_it_speaks_chinese(desk, monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    box = review(interview="2026-12-12")
    assert "按2026-12-12面试当天的效果排序" in box._head.value
    box.reveal()
    box.grade(3)
    assert "已记录：3 (不错)" in box._said.value
    shown = run(typed="\n3\n")
    assert "先开口回答" in shown and "1 忘了，2 吃力" in shown and "预计能答出" in shown


def test_a_picture_is_inside_the_question_or_stands_as_its_description(monkeypatch):
    monkeypatch.setattr(markdown, "picture", lambda name: name.encode())
    text = Text(
        "What is wrong?\n\n![A loss that falls](picture:curve)", "错在哪？\n\n![下降的损失](picture:curve)"
    )
    asked = study_order()[0].model_copy(update={"question": text})
    assert "![A loss that falls](data:image/png;base64,Y3VydmU=)" in markdown.with_pictures(asked, "en")
    assert markdown.in_words(asked, "zh") == "错在哪？\n\n[下降的损失]"
