"""`python -m kd_study questions`: the list, one question answered at a key, marks typed as numbers."""

import re

import pytest
from typer.testing import CliRunner

from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study.__main__ import app
from kd_study.questions import all_questions, find
from kd_study.records.store import Records

ASKED = next(each for each in all_questions().values() if len(each.points) == 4)
OTHERS = [each for each in all_questions().values() if each is not ASKED]


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(language, "_current", "en")


def run(*arguments, typed=None):
    result = CliRunner().invoke(app, ["questions", *map(str, arguments)], input=typed)
    if isinstance(result.exception, StudyError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def listed(shown):
    return re.findall(r"^  [·✓✗] ([\w-]+) ", shown, re.MULTILINE)


def test_every_question_has_a_line_below_its_topic():
    shown = run()
    assert listed(shown) == list(all_questions())
    assert all(f"({each.topic})\n" in shown for each in all_questions().values())
    assert f"{len(all_questions())} questions: 0 known, 0 weak" in shown


@pytest.mark.parametrize("field", ["topic", "level", "kind"])
def test_the_list_is_filtered_by_topic_level_and_kind(field):
    wanted = getattr(ASKED, field)
    shown = run(f"--{field}", wanted)
    assert listed(shown) == [name for name, each in all_questions().items() if getattr(each, field) == wanted]


@pytest.mark.parametrize("words", ["batchmean", "温度"])
def test_the_list_is_searched_in_either_language(words):
    found = listed(run("--find", words))
    assert sorted(found) == sorted(each.id for each in find(all_questions().values(), words)) != []


def test_a_question_in_ones_own_words_shows_the_nearest_and_says_how():
    shown = run("--search", "Welche Temperatur soll ich nehmen?")
    assert 0 < len(listed(shown)) <= 5
    assert shown.splitlines()[-1].startswith("Found by keywords alone; `python -m kd_study distill`")
    narrowed = listed(run("--search", "Temperatur", "--topic", ASKED.topic))
    assert {all_questions()[name].topic for name in narrowed} <= {ASKED.topic}
    assert run("--search", "?!").startswith("No question is like that.")


def test_the_list_is_filtered_by_how_a_question_is_known():
    run(ASKED.id, 1, 1, 1, 1)
    run(OTHERS[0].id, *[3] * len(OTHERS[0].points))
    assert listed(run("--state", "known")) == [ASKED.id]
    assert listed(run("--state", "weak")) == [OTHERS[0].id]
    assert len(listed(run("--state", "new"))) == len(all_questions()) - 2
    assert (
        run("--state", "due", "--topic", ASKED.topic, "--level", ASKED.level) == "No question is like that.\n"
    )
    assert f"✓ {ASKED.id} " in run() and f"✗ {OTHERS[0].id} " in run()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--topic", "cooking"], "--topic can be"),
        (["--level", "easy"], "--level can be basic, mid, hard, not 'easy'"),
        (["--state", "old"], "--state can be new, weak, known, due, not 'old'"),
        (["why"], "no question has the id 'why'"),
        ([ASKED.id, "1"], "has 4 points"),
        ([ASKED.id, "1", "2", "3", "4"], "not '4'"),
    ],
)
def test_what_is_not_there_is_one_sentence(typed, said):
    with pytest.raises(StudyError, match=re.escape(said)):
        run(*typed)
    assert Records().answers() == []


def test_marks_that_are_typed_are_recorded():
    assert "Recorded: 2 said, 1 half, 1 missed; 2 (hard)." in run(ASKED.id, 1, 2, 3, 1)
    (answer,) = Records().answers()
    assert (answer.question, answer.marks, answer.seconds) == (ASKED.id, "shms", None)


def test_a_question_shows_its_answer_at_a_key_and_asks_for_each_point():
    shown = run(ASKED.id, typed="x\n\n1\n2\nx\n3\n1\n")
    question, answer = shown.split("then press space.")
    assert str(ASKED.title) in question and str(ASKED.points[0]) not in question
    assert all(str(point) in answer for point in ASKED.points)
    assert str(ASKED.answer_deep).splitlines()[0] in answer
    assert (
        answer.index("Tick each point")
        < answer.index(str(ASKED.points[0]))
        < answer.index("strong candidate")
    )
    assert "Recorded: 2 said, 1 half, 1 missed" in answer
    (answer,) = Records().answers()
    assert answer.marks == "shms" and answer.seconds is not None


def test_whoever_stops_goes_on_later_with_the_points_that_are_open():
    assert run(ASKED.id, typed="") and Records().answers() == []
    shown = run(ASKED.id, typed="\n1\n2\nq\n")
    assert f"questions {ASKED.id} 1 1 1 1` records it later" in shown
    (open_one,) = Records().answers()
    assert open_one.marks == "sh.." and open_one.grade is None
    run(ASKED.id, typed="\n1\n1\n")
    assert [answer.marks for answer in Records().answers()] == ["shss"]


def test_it_speaks_chinese(monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    shown = run(ASKED.id, typed="\n1\n2\n3\n1\n")
    assert ASKED.title.zh in shown and "逐点打钩" in shown and "已记录：说到2点，一半1点，漏掉1点" in shown
    assert "共" in run() and "薄弱1题" in run()
