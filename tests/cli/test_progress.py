"""`python -m kd_study progress`: the table, and records carried to another machine."""

import errno
import os

import pytest
from typer.testing import CliRunner

from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study.__main__ import app
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.questions import all_questions
from kd_study.records.store import Records


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(language, "_current", "en")


def run(*arguments):
    result = CliRunner().invoke(app, ["progress", *map(str, arguments)])
    if isinstance(result.exception, StudyError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_shows_bars_and_exercises():
    Records().add_attempt("soft_targets", "failed", None, "en")
    Records().add_attempt("soft_targets", "passed", None, "en")
    shown = run()
    assert shown.startswith("1 of ") and "0 % of those tried at the first attempt" in shown
    (row,) = (line for line in shown.splitlines() if "soft_targets" in line)
    assert row.split()[:4] == ["✓", "soft_targets", "Response", "2"]


def test_begins_with_what_comes_next_and_what_was_hard():
    for name, status, diagnosis in (
        ("agreement", "passed", None),
        ("soft_targets", "failed", "normalises_over_the_batch"),
        ("kd_loss", "failed", None),
        ("kd_loss", "failed", None),
        ("logit_mse", "failed", None),
        ("logit_mse", "passed", None),
    ):
        Records().add_attempt(name, status, diagnosis, "en")
    lines = run().splitlines()
    start = lines.index("Next for you")
    assert (
        start == 2 and lines[start + 1].startswith("  exercise ") and len(lines[start + 1 : start + 5]) == 4
    )
    weak = lines.index("Weak spots")
    assert (
        lines[weak + 1].startswith("  ✗ kd_loss: 2 attempts") and "soft_targets: 1 attempt" in lines[weak + 2]
    )
    left = [name for name in NAMES if name not in ("agreement", "logit_mse")]
    assert (
        f"{len(left)} exercises, {len(all_questions())} new questions: about "
        in lines[lines.index("Left") + 1]
    )


def test_only_what_was_tried_has_a_row():
    Records().add_attempt("soft_targets", "failed", None, "en")
    assert "rkd_distance" not in run() and len(run().splitlines()) < 30


def test_a_solved_exercise_shows_no_misconception_any_more():
    (wrong, *_) = exercise("soft_targets").wrong_answers
    Records().add_attempt("soft_targets", "failed", wrong.name, "en")
    assert str(wrong.explanation)[:30] in run()
    Records().add_attempt("soft_targets", "passed", None, "en")
    assert str(wrong.explanation)[:30] not in run()


@pytest.mark.parametrize("columns", ["60", "80", None])
def test_no_name_is_cut(monkeypatch, columns):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns:
        monkeypatch.setenv("COLUMNS", columns)
    for name in NAMES:
        Records().add_attempt(name, "failed", None, "en")
    shown = run()
    assert all(name in shown for name in NAMES)


def test_import_and_export_in_one_go(tmp_path):
    Records().add_attempt("soft_targets", "passed", None, "en")
    run("--export", tmp_path / "one.json")
    shown = run("--import", tmp_path / "one.json", "--export", tmp_path / "two.json")
    assert "0 records added" in shown and "two.json" in shown


def test_a_full_disk_leaves_the_earlier_export(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "records.json").write_text("earlier")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StudyError, match="No space left"):
        run("--export", tmp_path / "records.json")
    assert [path.name for path in tmp_path.glob("*.json*")] == ["records.json"]
    assert (tmp_path / "records.json").read_text() == "earlier"


def test_speaks_chinese(monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    assert "道练习已完成0道" in run()


def test_records_travel_by_file(tmp_path, monkeypatch):
    Records().add_attempt("soft_targets", "passed", None, "en")
    run("--export", tmp_path / "records.json")
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "another machine"))
    assert run("--import", tmp_path / "records.json") == "1 records added\n"
    assert [attempt.exercise for attempt in Records().attempts()] == ["soft_targets"]


@pytest.mark.parametrize("option", ["--export", "--import"])
@pytest.mark.parametrize("path", ["", " ", "x" * 5000])
def test_a_name_that_can_be_no_file_is_one_short_sentence(option, path):
    with pytest.raises(StudyError) as caught:
        run(option, path)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize("option", ["--export", "--import"])
def test_a_path_that_leads_nowhere_is_one_sentence(tmp_path, option):
    with pytest.raises(StudyError, match="nowhere"):
        run(option, tmp_path / "nowhere" / "records.json")
