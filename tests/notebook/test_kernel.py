"""What a kernel says: which version was graded, what a missing name and an interrupt mean."""

import os
import re
import signal
import subprocess
import sys
from ast import literal_eval

import pytest
from IPython.core.interactiveshell import InteractiveShell

from kd_solutions.support import language, progress
from kd_study.notebook import kernel
from kd_study.setup.launch import SETTINGS

OWN = """def agreement(student_logits, teacher_logits):
    same = student_logits.argmax(-1) == teacher_logits.argmax(-1)
    return same.double().mean().item()"""


@pytest.fixture
def shell():
    """A shell of its own, with what it shows of errors."""
    shell = InteractiveShell()
    shell.told = []
    shell._showtraceback = lambda kind, error, lines: shell.told.append("\n".join(lines))
    kernel.load_ipython_extension(shell)
    yield shell
    shell.history_manager.end_session()


def graded_after(shell, *cells):
    """The note on `agreement` after these cells, as the cell of `check` would find it."""
    for cell in cells:
        shell.run_cell(cell, store_history=True)
    shell.user_ns["In"].append("check(agreement)")
    return kernel.newer_cell(shell.user_ns["agreement"], "agreement", shell)


@pytest.mark.parametrize(
    "newer",
    [OWN.replace("def agreement(", "def agreement_rate("), OWN.replace("mean()", "mean(")],
    ids=["renamed", "syntax error"],
)
def test_an_old_definition_that_is_graded_is_told(shell, newer, capsys):
    note = graded_after(shell, OWN, "x = 1", newer)
    assert "The version of cell [1] was graded" in note and "[3]" in note


@pytest.mark.parametrize(
    "cells",
    [
        [OWN],
        [OWN, "x = 1", "print(agreement)"],
        [OWN, OWN.replace("double", "float")],
        [OWN, OWN],
        [OWN, OWN.replace("def agreement(", "def soft_targets(")],
        [OWN, "def helper(rows):\n    return rows"],
    ],
)
def test_no_note_where_the_newest_is_graded(shell, cells):
    assert graded_after(shell, *cells) == ""


def test_no_note_outside_a_notebook():
    assert (
        kernel.newer_cell(OWN.join, "agreement") == "" and kernel.newer_cell(graded_after, "agreement") == ""
    )


@pytest.mark.parametrize("name", ["check", "soft_targets", "say"])
def test_a_missing_name_of_ours_says_which_cells_to_run(shell, name):
    result = shell.run_cell(f"{name}(1)")
    assert isinstance(result.error_in_exec, NameError)
    assert shell.told == [
        f"{name} is not defined in this kernel yet: run the cells above first "
        "(menu Run, Run All Above Selected Cell)."
    ]


def test_another_missing_name_keeps_its_traceback(shell):
    shell.run_cell("commands['en']")
    (told,) = shell.told
    assert "Traceback" in told and told.endswith("Run All Above Selected Cell.")


def test_an_interrupt_is_a_sentence(shell, monkeypatch):
    monkeypatch.setattr(language, "_current", "zh")
    shell.user_ns["stop"] = lambda: signal.raise_signal(signal.SIGINT)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background has none
    try:
        shell.run_cell("stop()")
    finally:
        signal.signal(signal.SIGINT, before)
    assert shell.told == ["已中断。要继续，请重新运行这个单元格。"]


def test_what_a_person_can_mend_is_a_sentence_without_a_traceback(shell):
    shell.run_cell("from kd_study.experiments import never_was")  # of a lesson copied before the move
    (told,) = shell.told
    assert told.startswith("kd_study.experiments.never_was is gone") and "\n" not in told


def test_other_errors_are_shown_as_ever(shell):
    shell.run_cell("1 / 0")
    assert "Traceback" in shell.told[0] and shell.told[0].endswith("division by zero")


def test_a_kernel_of_our_jupyterlab_has_it():
    code = '''
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="python3", extra_arguments=["--log-level=ERROR"])
show = lambda message: print(message["content"])
client.execute_interactive("check(1)", output_hook=show, timeout=60)
count = """
import time
from kd_solutions.support.progress import counting
with counting("reading", 3) as advance:
    time.sleep(0.3)
    advance(note="loss 0.5")
"""
client.execute_interactive(count, output_hook=show, timeout=60)
client.stop_channels()
manager.shutdown_kernel(now=True)
'''
    environment = os.environ | {"JUPYTER_PATH": str(SETTINGS)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "check is not defined in this kernel yet" in done.stdout, done.stderr
    shown = [literal_eval(line) for line in done.stdout.splitlines()]
    lines = [message["data"]["text/plain"] for message in shown if "transient" in message]
    assert [line for line in lines if line][:1] == ["reading …"] and lines[-1] == ""
    assert any(re.fullmatch(r"reading: 1 of 3, \d s left  loss 0.5", line) for line in lines), lines


def test_a_name_error_without_a_name_is_shown_as_ever(shell):
    shell.run_cell("raise NameError('x')")
    assert "None" not in shell.told[-1] and "Traceback" in shell.told[-1]


def test_importing_the_desk_explains_errors_in_any_kernel(monkeypatch, shell):
    shell.set_custom_exc((), None)
    monkeypatch.setattr(kernel, "_running_shell", lambda: shell)
    monkeypatch.setattr(progress, "_new_line", progress._new_line)
    kernel.equip()
    assert progress._new_line() is None  # this test is in no kernel, whose cells could show a line
    assert KeyboardInterrupt in shell.custom_exceptions
    monkeypatch.setattr(kernel, "_running_shell", lambda: None)
    kernel.equip()
