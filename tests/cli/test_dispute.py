"""`python -m kd_study dispute FILE NAME`: what a maintainer needs, in one file; and how one learns of it."""

import json

import pytest
from typer.testing import CliRunner

from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study.__main__ import app

WRONG = """import torch

FLOOR = 0
UNUSED = 1


def helper(logits):  # mine
    return logits.softmax(-1)


def soft_targets(logits, temperature=1.0):
    if not temperature > FLOOR:
        raise ValueError
    return helper(logits * temperature)
"""


@pytest.fixture(autouse=True)
def desk(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(language, "_current", "en")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(WRONG)


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if isinstance(result.exception, StudyError):
        raise result.exception
    return result.output


def test_it_holds_the_function_the_report_and_the_versions(tmp_path):
    said = run("dispute", "mine.py", "soft_targets")
    assert said.startswith("dispute-soft_targets.md is written")
    text = (tmp_path / "dispute-soft_targets.md").read_text("utf-8")
    assert "FLOOR = 0" in text and "def helper(logits):  # mine" in text and "UNUSED" not in text
    assert "soft_targets: failed" in text and "What this looks like" in text
    assert "- torch 2." in text and "- Python 3." in text
    run("dispute", "mine.py", "soft_targets")
    assert (tmp_path / "dispute-soft_targets-2.md").exists()


def test_it_takes_a_notebook_and_speaks_chinese(tmp_path, monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    cells = [
        {"cell_type": "code", "source": source, "metadata": {}, "outputs": [], "execution_count": None}
        for source in ("%time x = 1", WRONG)
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook))
    assert "已写好" in run("dispute", "mine.ipynb", "soft_targets")
    text = (tmp_path / "dispute-soft_targets.md").read_text("utf-8")
    assert "def helper(logits):  # mine" in text and "## 批改结果" in text and "这很像" in text


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        (WRONG.replace("* temperature)", "/ temperature)"), "soft_targets", "nothing to dispute"),
        ("def soft_targets(logits):\n    raise NotImplementedError\n", "soft_targets", "nothing to dispute"),
        (WRONG, "kd_loss", "holds no kd_loss"),
        ("def soft_targets(:", "soft_targets", "not valid Python"),
        (WRONG, "soft_target", "No exercise is called"),
    ],
)
def test_where_there_is_nothing_to_dispute_nothing_is_written(tmp_path, code, name, said):
    (tmp_path / "mine.py").write_text(code)
    with pytest.raises(StudyError, match=said):
        run("dispute", "mine.py", name)
    assert not list(tmp_path.glob("dispute*"))


def test_a_failed_check_says_how(tmp_path):
    shown = run("check", "mine.py")
    assert "`python -m kd_study dispute mine.py soft_targets`" in shown
    assert "`python -m kd_study hint soft_targets`" in shown and "check FILE" not in shown


def test_after_a_passed_check_the_next_exercise_comes(tmp_path):
    (tmp_path / "mine.py").write_text(WRONG.replace("* temperature)", "/ temperature)"))
    shown = run("check", "mine.py")
    assert "dispute" not in shown and "Next: `python -m kd_study exercise soft_cross_entropy`" in shown
