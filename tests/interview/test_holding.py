"""A mock interview as people sit it: in a notebook with and without buttons, in a terminal, and in twos."""

import re

import pytest
from typer.testing import CliRunner

from kd_solutions import kd_loss
from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study import mock_interview
from kd_study.__main__ import app
from kd_study.exercises.catalog import exercise
from kd_study.exercises.stubs import whiteboard_source
from kd_study.interview.draw import draw
from kd_study.interview.mock import MockInterview, history
from kd_study.memory.cards import all_cards
from kd_study.questions import question


def run(*arguments, typed=""):
    result = CliRunner().invoke(app, ["interview", *arguments], input=typed)
    if isinstance(result.exception, StudyError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def to_the_exercise(box) -> None:
    while box.asked and box.asked in {each.name for each in box._interview.items if each.asked}:
        box._pass()


def test_a_whole_interview_by_plain_calls(desk, capsys):
    box = mock_interview(seed=7)
    box.show()
    told = capsys.readouterr().out
    assert str(question(box.asked).question) in told and "answer()" in told
    points = [str(point) for point in question(box.asked).points]
    assert not any(point in told for point in points)
    box.answer()
    first = box.asked
    more = len(points) - 3
    box.tick("said", "half", "missed", *[1] * more)
    assert all_cards(desk)[first].marks == "shm" + "s" * more
    assert "follow-up" in capsys.readouterr().out
    while box.asked:
        box.skip()
    assert "**Weak**" in capsys.readouterr().out
    box.report()
    assert "Mock interview, senior, seed 7" in capsys.readouterr().out
    assert history(desk)[-1].finished


def test_points_are_shown_once_the_clock_is_stopped(desk, capsys):
    box = mock_interview(seed=7)
    box.answer()
    told = capsys.readouterr().out
    assert all(str(point) in told for point in question(box.asked).points) and "of 60" in told


def test_an_exercise_is_handed_in_as_a_function(desk, capsys):
    box = mock_interview(seed=7)
    box.hand_in(kd_loss)
    assert "answer()" in capsys.readouterr().out  # a question is asked
    to_the_exercise(box)
    name = box.asked
    box.hand_in(lambda *arguments: None)
    assert f"{name}: failed" in capsys.readouterr().out and box.asked == name
    source = whiteboard_source(exercise(name))
    names = {}
    exec(f"import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n{source}", names)
    box.hand_in(names[name])
    assert f"{name}: passed" in capsys.readouterr().out and box.asked != name
    assert [each.status for each in desk.attempts()] == ["failed", "passed"]


def test_buttons_do_the_same(desk):
    box = mock_interview(seed=7)
    first = box.asked
    assert box._points.children == () and len(box._clock.children) == 1
    box._answer.click()
    assert box._clock.children == ()
    toggles = [row.children[0] for row in box._points.children]
    assert len(toggles) == len(question(first).points)
    for toggle in toggles:
        toggle.value = "h"
    assert all_cards(desk)[first].marks == "h" * len(toggles)
    assert box.asked != first and box._points.children == ()
    while box.asked:
        box._skip.click()
    assert "Mock interview" in box._after.outputs[0]["data"]["text/markdown"]


def test_beside_the_buttons_stands_text(desk, monkeypatch):
    assert "seed 7" in mock_interview(seed=7)._repr_mimebundle_()["text/plain"]
    monkeypatch.setattr(language, "_current", "zh")
    told = mock_interview(seed=7)._repr_mimebundle_()["text/plain"]
    assert "种子7" in told and "先开口回答" in told and "seed" not in told


def test_what_cannot_be_is_told_in_a_sentence(desk, capsys):
    assert mock_interview(level="boss") is None and "junior, senior, staff" in capsys.readouterr().out
    box = mock_interview(seed=7)
    box.tick("said")
    assert f"{len(question(box.asked).points)} points" in capsys.readouterr().out


def test_a_terminal_asks_with_keys_and_grades_a_file(desk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn = draw("senior", 7)
    name = drawn.exercises[0]
    first = question(drawn.questions[0])
    typed = " \n" + "1\n" * len(first.points) + "n\n" * 20
    told = run("--seed", "7", typed=typed)
    assert str(first.title)[:30] in told and "1 of 8" in told
    assert all_cards(desk)[first.id].grades == (3,)
    assert f"def {name}" in (tmp_path / f"interview_{name}.py").read_text("utf-8")
    assert "Item by item" in told and history(desk)[-1].finished
    source = whiteboard_source(exercise(name))
    (tmp_path / f"interview_{name}.py").write_text(
        f"import torch\nimport torch.nn.functional as F\nfrom torch import Tensor, nn\n{source}\n"
    )
    told = run("--seed", "7", typed="n\n" * 6 + " \nn\n")
    assert f"{name}: passed" in told and history(desk)[-1].items[6].score == 1


def test_q_ends_a_terminal_interview_with_what_is_known(desk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run("--seed", "7", "--level", "staff", "--minutes", "30", typed="n\nq\n")
    assert "30 minutes, staff, seed 7" in told and "Not finished" in told
    for wrong in (("--level", "boss"), ("--minutes", "3"), ("--seed", "x"), ("--for", "three")):
        with pytest.raises(StudyError):
            run(*wrong)


@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_for_two_the_candidate_reads_no_answer(desk, tmp_path, monkeypatch, spoken):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(language, "_current", spoken)
    run("--seed", "7", "--for", "two")
    pages = {path.name.split(".")[1]: path.read_text("utf-8") for path in tmp_path.glob(f"*.{spoken}.html")}
    items = MockInterview(desk, seed=7).items
    assert pages["interviewer"].count("☐") == 3 * sum(len(each.points) for each in items)
    assert "☐" not in pages["candidate"] and len(pages["candidate"]) < len(pages["interviewer"]) / 2
    plain = {name: re.sub(r"<[^>]*>", "", page) for name, page in pages.items()}
    for item in items:
        for page in plain.values():
            assert item.name in page or str(item.asked.title)[:15].split("`")[0] in page
        for point in item.points:
            words = re.split(r"[`*$&\"']", str(point))[0][:40]
            assert words in plain["interviewer"]
            assert len(words) < 12 or words not in plain["candidate"]
    assert not history(desk)  # written for others: nothing is recorded here
