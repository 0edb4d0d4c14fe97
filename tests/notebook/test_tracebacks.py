"""Two errors that every learner meets are told in one sentence."""

import signal

import pytest
from IPython.core.interactiveshell import InteractiveShell

from kd_solutions.support import language
from kd_study.notebook import tracebacks


@pytest.fixture
def shell(monkeypatch):
    monkeypatch.setattr(language, "_current", "en")
    shell = InteractiveShell.instance()
    tracebacks.shorten()
    yield shell
    InteractiveShell.clear_instance()


def said(shell, capsys, cell: str) -> str:
    result = shell.run_cell(cell)
    assert result.error_in_exec is not None
    return capsys.readouterr().out


@pytest.mark.parametrize("cell", ["check(soft_targets)", "kd_loss", "del check\nuse_language('en')"])
def test_a_missing_name_of_ours_is_one_sentence(shell, capsys, cell):
    out = said(
        shell, capsys, f"from kd_study import check\n{cell}" if "soft" in cell else cell.split("\n")[-1]
    )
    assert "isn't there yet" in out and "Run All Above" in out and "Traceback" not in out


def test_another_missing_name_keeps_its_traceback(shell, capsys):
    out = said(shell, capsys, "logitz + 1")
    assert "Traceback" in out and out.rstrip().endswith("Run All Above Selected Cell.")


@pytest.mark.parametrize("cell", ["raise NameError('x')", "def f():\n    print(y)\n    y = 1\nf()"])
def test_a_name_error_of_another_kind_is_left_as_it_is(shell, capsys, cell):
    out = said(shell, capsys, cell)
    assert "Traceback" in out and "isn't there yet" not in out


def test_an_interrupt_is_one_sentence(shell, capsys):
    out = said(shell, capsys, f"import signal\nsignal.raise_signal(signal.Signals({signal.SIGINT.value}))")
    assert out.strip() == "Interrupted. Run the cell again when you like."


def test_the_sentence_is_in_the_readers_language(shell, capsys, monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    assert "还没有kd_loss" in said(shell, capsys, "kd_loss")


def test_outside_a_notebook_nothing_changes():
    tracebacks.shorten()
