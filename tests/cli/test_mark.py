"""`python -m kd_study mark FOLDER`: whatever a class hands in, marked once, and while it works."""

import csv
import os
import time

import pytest
from typer.testing import CliRunner

from benchmarks.classes import HOSTILE
from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study.__main__ import app
from kd_study.classroom import MarksFolder, watching
from kd_study.cli import mark as command
from kd_study.grading import marking
from kd_study.grading.loading import Problem
from tests.grading.test_reading import RIGHT, WRONG, book

TEACHERS = "The teacher's softened answer says more than its label does."
CHINESE = {"cell_type": "markdown", "source": "教师软化之后的回答，比标签说得更多。"}


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(language, "_current", "en")
    monkeypatch.setattr(marking, "SECONDS", 15.0)
    monkeypatch.setattr(marking, "STEP_SECONDS", 6.0)
    (tmp_path / "class").mkdir()


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def everything(folder):
    return sorted((str(path), path.stat().st_mtime_ns) for path in folder.rglob("*"))


def test_a_class_is_marked_whatever_it_hands_in(tmp_path):
    folder = tmp_path / "class"
    for name, text in {
        "ann.ipynb": book({"cell_type": "markdown", "source": TEACHERS}, WRONG),
        "李雷/01.ipynb": book(CHINESE, WRONG),
        "ben/beside.py": "FLOOR = 0",
        "ben/answers.py": f"from beside import FLOOR\n{RIGHT.replace('> 0', '> FLOOR')}",
        "eve/loops.py": HOSTILE["loops"],
        "joe/empty.ipynb": "",
        "kim/kills.py": HOSTILE["writes_and_kills"],
        "max/exits.py": HOSTILE["exits"],
        "zoe/broken.py": "def kd_loss(:",
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    before = everything(folder)
    result = run("mark", folder)
    assert result.exit_code == 0 and everything(folder) == before
    for line in (
        "ann.ipynb: 0 passed, 1 failed (soft_targets), 0 todo",
        "ben/answers.py: 1 passed, 0 failed, 0 todo",
        "joe/empty.ipynb: it is empty",
        "zoe/broken.py: line 1 is not valid Python: invalid syntax; not graded: kd_loss",
    ):
        assert line in result.output.splitlines(), result.output
    assert "2 × The temperature has no effect" in result.output
    out = tmp_path / "class-marks"
    rows = {row["student"]: row for row in csv.DictReader((out / "marks.csv").open(encoding="utf-8-sig"))}
    assert list(rows) == ["ann", "ben", "eve", "joe", "kim", "max", "zoe", "李雷"]
    assert rows["ben"]["soft_targets"] == "solved" and rows["ben"]["solved"] == "1"
    assert rows["李雷"]["soft_targets mistake"] == "ignores_the_temperature + accepts_any_temperature"
    assert {rows["eve"][name] for name in ("soft_targets", "kd_loss")} == {"failed"}
    assert rows["max"]["kd_loss"] == rows["zoe"]["kd_loss"] == "not graded"
    assert "Feedback for ann" in (out / "feedback" / "ann.html").read_text("utf-8")
    chinese = (out / "feedback" / "李雷.html").read_text("utf-8")
    assert "李雷的作业反馈" in chinese and "温度系数没有用到" in chinese
    assert "<script" not in (out / "feedback" / "kim.html").read_text("utf-8")
    with pytest.raises(StudyError, match="never overwritten"):
        run("mark", folder)


def test_every_page_is_in_the_language_that_is_asked_for(tmp_path):
    (tmp_path / "class" / "en_ann.ipynb").write_text(book(WRONG))
    out = tmp_path / "deep" / "marks"
    assert run("mark", tmp_path / "class", "--out", out, "--language", "zh").exit_code == 0
    shown = (out / "feedback" / "en_ann.html").read_text("utf-8")
    assert '<html lang="zh">' in shown and "温度系数没有用到" in shown
    assert '<html lang="en">' in (out / "report.html").read_text("utf-8")


def test_what_a_teacher_can_mend_is_one_sentence(tmp_path):
    folder = tmp_path / "class"
    for arguments, message in (
        ([tmp_path / "nowhere"], "no folder"),
        ([folder, "--language", "fr"], "en or zh"),
        ([folder], "holds no Python file"),
    ):
        with pytest.raises(StudyError, match=message):
            run("mark", *arguments)
    assert not (tmp_path / "class-marks").exists()
    (folder / "ann.py").write_text(WRONG)
    with pytest.raises(StudyError, match="only read"):
        run("mark", folder, "--out", folder / "marks")


def test_a_hostile_file_has_no_more_than_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(marking, "SECONDS", 4.0)
    monkeypatch.setattr(marking, "STEP_SECONDS", 1.5)
    path = tmp_path / "class" / "eve.py"
    path.write_text(HOSTILE["loops"])
    start = time.monotonic()
    seen, *events = marking._grade(path, "en", 1.0)
    assert time.monotonic() - start < 30  # of 4 s, and what ending it takes on a busy machine
    assert len(seen.found) == 5
    assert sum(len(event.names) if isinstance(event, Problem) else 1 for event in events) == 5


def test_a_worker_that_is_gone_costs_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(marking, "LOST_SECONDS", 0.2)
    monkeypatch.setattr(marking, "_grade", _lose)
    (tmp_path / "class" / "ann.py").write_text(WRONG)
    (tmp_path / "class" / "ben.py").write_text(WRONG)
    ann, ben = marking.submissions(tmp_path / "class")
    assert "without a word" in str(ann.problems[0]) and "without a word" in str(ben.problems[0])


def _lose(*_):
    os._exit(1)


def test_a_class_is_marked_while_it_works(tmp_path, monkeypatch, capsys):
    folder, out = tmp_path / "class", tmp_path / "marks"
    (folder / "ann.py").write_text(WRONG)
    (folder / "ben.py").write_text(WRONG)
    monkeypatch.setattr(watching, "SETTLED", 0.0)
    graded = []

    def sleep(_):
        graded.append((out / "feedback" / "ann.html").read_text("utf-8"))
        if len(graded) == 1:
            (folder / "ann.py").write_text(RIGHT)
        if len(graded) == 3:
            raise KeyboardInterrupt

    before = everything(folder)[1:]
    command.mark_on(folder, MarksFolder(out, folder), "", sleep)
    said = capsys.readouterr().out
    assert said.count("answers solved") == 2
    assert (
        "2 students, 0 of 2 answers solved; most often: ignores_the_temperature in soft_targets, 2 ×" in said
    )
    assert "2 students, 1 of 2 answers solved" in said
    assert "failed" in graded[0] and "1 of 1 solved" in graded[1] == graded[2]
    assert everything(folder)[1:] == before


@pytest.mark.parametrize(
    ("code", "word"), [("en", "a feedback page for each student"), ("zh", "每名学生一页反馈")]
)
def test_help_is_in_both_languages(tmp_path, code, word):
    import subprocess
    import sys

    shown = subprocess.run(
        [sys.executable, "-m", "kd_study", "mark", "--help"],
        capture_output=True,
        text=True,
        env=os.environ | {"KD_STUDY_LANGUAGE": code},
    )
    assert word in "".join(shown.stdout.split("\n")) and "--watch" in shown.stdout
