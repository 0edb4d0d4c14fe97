"""Files graded from the terminal, one by one and a class at a time."""

import os
import re

from typer.testing import CliRunner

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import use_language
from kd_study.__main__ import app
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.exercises.stubs import stub_source
from kd_study.grading import sandbox
from tests.grading.test_submissions import CHOICE, RIGHT, WRONG, grades, notebook, written

MULTIPLIES = """
import torch
def soft_targets(logits, temperature=1.0):
    if temperature <= 0:
        raise ValueError
    return torch.softmax(logits * temperature, -1)
"""


def test_the_terminal_grades_a_file_and_remembers(tmp_path):
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    (tmp_path / "empty.py").write_text("x = 1\n")
    run = CliRunner().invoke
    right, wrong = (
        run(app, ["check", str(tmp_path / "right.py")]),
        run(app, ["check", str(tmp_path / "wrong.py")]),
    )
    assert right.exit_code == 0 and "soft_targets: passed" in right.output
    assert wrong.exit_code == 1 and "has no effect" in wrong.output
    assert "1/" in run(app, ["progress"]).output
    assert isinstance(run(app, ["check", str(tmp_path / "empty.py")]).exception, StudyError)


def test_the_terminal_grades_what_can_be_graded_and_fails_for_the_rest(tmp_path):
    path = written(tmp_path / "mine.py", f"import no_such\ndef kd_loss(s):\n    return no_such\n{RIGHT}")
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 1
    assert "soft_targets: passed" in result.output and f"{path}: line 1 can't be run" in result.output
    path.write_text("def kd_loss(:")
    assert isinstance(CliRunner().invoke(app, ["check", str(path)]).exception, StudyError)
    assert isinstance(CliRunner().invoke(app, ["check", ""]).exception, StudyError)
    assert isinstance(CliRunner().invoke(app, ["check", "x" * 5_000]).exception, StudyError)


def test_the_terminal_prints_an_exercise_that_can_be_checked(tmp_path):
    result = CliRunner().invoke(app, ["exercise", "soft_targets"])
    assert result.exit_code == 0
    assert grades(written(tmp_path / "stub.py", result.output)) == {"soft_targets": "todo"}
    assert isinstance(CliRunner().invoke(app, ["exercise", "soft_target"]).exception, StudyError)


def test_the_terminal_lists_hints_and_solves():
    def shown(*arguments):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0
        return result.output

    assert all(name in shown("exercise") for name in NAMES)
    climbed = [re.findall(r"Hint (\d) of 3", shown("hint", "kd_loss")) for _ in range(4)]
    assert climbed == [["1"], ["1", "2"], ["1", "2", "3"], ["1", "2", "3"]]
    assert "def kd_loss(" in shown("solution", "kd_loss")
    for command in ("hint", "solution"):
        assert isinstance(CliRunner().invoke(app, [command, "kdloss"]).exception, StudyError)


def test_the_first_hint_after_a_failed_file_fits_the_mistake(tmp_path, monkeypatch):
    (tmp_path / "wrong.py").write_text(MULTIPLIES)
    run = CliRunner().invoke
    assert run(app, ["check", str(tmp_path / "wrong.py")]).exit_code == 1
    said = run(app, ["hint", "soft_targets"]).output
    assert said.index("Your last answer") < said.index("Hint 1 of 3")
    assert "divide" in said
    use_language("zh")
    said = run(app, ["hint", "soft_targets"]).output
    assert said.index("你上一次的答案") < said.index("提示1/3") < said.index("提示2/3")


def test_a_class_is_graded_and_shown_where_it_fails(tmp_path):
    (tmp_path / "ann").mkdir()
    notebook(tmp_path / "ann" / "01.ipynb", RIGHT, CHOICE)
    for name in ("ben.py", "eve.py"):
        (tmp_path / name).write_text(WRONG)
    (tmp_path / "joe.py").write_text("def soft_targets(:")
    (tmp_path / "max.py").write_text(f"import os\ndef kd_loss(x=os._exit(0)): pass\n{RIGHT}")
    (tmp_path / "zoe.py").write_text(stub_source(exercise("repair_the_loop")))
    (tmp_path / ".ipynb_checkpoints").mkdir()
    notebook(tmp_path / ".ipynb_checkpoints" / "01.ipynb", WRONG)
    (tmp_path / "ann" / "venv" / "lib" / "site-packages").mkdir(parents=True)
    (tmp_path / "ann" / "venv" / "lib" / "site-packages" / "package.py").write_text(WRONG)
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    files, by_exercise = result.output.split("\n\n")
    assert files.splitlines() == [
        "ann/01.ipynb: 1 passed, 0 failed, 0 todo",
        "ben.py: 0 passed, 1 failed (soft_targets), 0 todo",
        "eve.py: 0 passed, 1 failed (soft_targets), 0 todo",
        "joe.py: line 1 is not valid Python: invalid syntax; not graded: soft_targets",
        "max.py: 1 passed, 0 failed, 0 todo",
        "max.py: line 2 ended the process (exit code 0); not graded: kd_loss",
        "zoe.py: no solution",
    ]
    assert by_exercise.startswith("soft_targets: 2 of 4 passed\n  2 × ")
    assert str(sandbox.held()) in result.output
    assert CliRunner().invoke(app, ["progress"]).output.startswith("0 of ")


def test_a_class_is_not_graded_where_a_file_could_end_the_run(tmp_path, monkeypatch):
    (tmp_path / "ann.py").write_text(WRONG)
    monkeypatch.delattr(os, "fork")
    sandbox.held.cache_clear()
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    sandbox.held.cache_clear()
    assert isinstance(result.exception, StudyError) and "WSL" in str(result.exception)


def test_a_folder_without_a_file_is_one_sentence(tmp_path):
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(result.exception, StudyError)


def test_the_references_own_answer_is_nowhere_counted_as_solved(tmp_path):
    own = "from kd_solutions import soft_targets as theirs\n"
    text = own + "def soft_targets(logits, temperature=1.0):\n    return theirs(logits, temperature)\n"
    (tmp_path / "ann.py").write_text(text)
    run = CliRunner().invoke
    alone = run(app, ["check", str(tmp_path / "ann.py")])
    assert alone.exit_code == 1 and "not counted as solved" in alone.output
    assert "Write soft_targets without the reference" in alone.output and "Solved." not in alone.output
    shown = run(app, ["check", str(tmp_path)])
    assert shown.exit_code == 1
    assert "ann.py: 0 passed, 0 failed, 0 todo, 1 by the reference (soft_targets)" in shown.output
    assert "soft_targets: 0 of 1 passed" in shown.output
    assert "0/" in run(app, ["progress"]).output


def test_a_wrong_answer_that_calls_the_reference_is_remembered_for_its_hint(tmp_path):
    text = (
        "from kd_solutions import distillation_kl as theirs\n"
        "def distillation_kl(student_logits, teacher_logits, temperature=1.0):\n"
        "    return theirs(student_logits, teacher_logits, temperature) / temperature**2\n"
    )
    (tmp_path / "bob.py").write_text(text)
    run = CliRunner().invoke
    assert "What this looks like" in run(app, ["check", str(tmp_path / "bob.py")]).output
    assert "Your last answer" in run(app, ["hint", "distillation_kl"]).output
