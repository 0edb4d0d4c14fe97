"""Solutions are found in files and notebooks, and nothing else of them is run."""

import nbformat
import pytest
from typer.testing import CliRunner

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import use_language
from kd_study.__main__ import app
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.exercises.stubs import stub_source
from kd_study.grading.grade import grade
from kd_study.grading.submissions import grade_all, solutions_in
from kd_study.lessons.editions import NOTEBOOKS

RIGHT = """
import torch
from math import inf

raise SystemExit("never reached")
LIMIT = 0
result = 1 / 0
def _check(temperature):
    if not LIMIT < temperature < inf:
        raise ValueError(temperature)

def soft_targets(logits, temperature=1.0):
    _check(temperature)
    result = torch.softmax(logits / temperature, -1)
    return result

while True:
    pass
"""
WRONG = "def soft_targets(logits, temperature=1.0):\n    return logits.softmax(-1)\n"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    use_language("en")


def notebook(path, *cells):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells]), path)
    return path


def test_a_solution_comes_with_its_helpers_and_constants_only(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RIGHT)
    found = solutions_in(path)
    assert list(found) == ["soft_targets"]
    assert grade(found["soft_targets"]).status == "passed"


def test_what_a_try_or_an_if_binds_comes_along(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "try:\n    import torch\nexcept ImportError:\n    raise SystemExit\n"
        "if True:\n    def soften(logits, temperature):\n"
        "        return torch.softmax(logits / temperature, -1)\n"
        "def soft_targets(logits, temperature=1.0):\n"
        "    if temperature <= 0:\n        raise ValueError\n"
        "    return soften(logits, temperature)\n"
    )
    assert grade(solutions_in(path)["soft_targets"]).status == "passed"


def test_the_last_definition_in_a_notebook_counts_and_magics_do_no_harm(tmp_path):
    path = notebook(tmp_path / "mine.ipynb", "%matplotlib inline\n!rm x", WRONG, "import torch", RIGHT)
    assert grade(solutions_in(path)["soft_targets"]).status == "passed"


CHOICE = "from kd_study import yours_or_reference\nsoft_targets = yours_or_reference(soft_targets)"


def test_a_lessons_choice_of_the_reference_is_no_solution(tmp_path):
    for solution, status in ((WRONG, "failed"), (RIGHT, "passed")):
        path = notebook(tmp_path / "mine.ipynb", solution, CHOICE)
        assert grade(solutions_in(path)["soft_targets"]).status == status


@pytest.mark.parametrize("name", ["en/01_soft_labels.ipynb", "zh/03_the_loop.ipynb"])
def test_an_untouched_lesson_holds_stubs_only(name, capsys):
    reports = grade_all(solutions_in(NOTEBOOKS / name))
    found = {report.status for report in reports if report.exercise != "repair_the_loop"}
    assert len(reports) > 3 and found == {"todo"}
    assert capsys.readouterr().out == ""


def test_a_solution_is_judged_on_its_own(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        """
import torch.nn.functional as F
def distillation_kl(student_logits, teacher_logits, temperature=1.0):
    raise NotImplementedError
def kd_loss(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    soft = distillation_kl(student_logits, teacher_logits, temperature)
    return alpha * soft + (1 - alpha) * F.cross_entropy(student_logits, targets)
"""
    )
    assert [report.status for report in grade_all(solutions_in(path))] == ["todo", "passed"]


@pytest.mark.parametrize(
    "source",
    [
        "soft_targets = lambda logits, temperature=1.0: (logits / temperature).softmax(-1)",
        "import torch\nif True:\n    def soft_targets(logits, temperature=1.0):\n        return logits",
    ],
    ids=["lambda", "in an if"],
)
def test_a_solution_need_not_be_a_plain_definition(tmp_path, source):
    path = tmp_path / "mine.py"
    path.write_text(source)
    assert solutions_in(path).keys() == {"soft_targets"}


def test_a_result_of_an_exercises_name_or_an_import_is_no_solution(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("from kd_solutions import kd_loss\nagreement = 0.5\n")
    assert solutions_in(path) == {}


def test_a_notebooks_broken_cell_is_named(tmp_path):
    path = notebook(tmp_path / "mine.ipynb", "import torch\n\n", RIGHT, "x = 1\ndef kd_loss(:")
    with pytest.raises(StudyError, match="line 2 of code cell 3"):
        solutions_in(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def kd_loss(:", "not valid Python at line 1"),
        ("import no_such_module\ndef kd_loss(s):\n    return no_such_module", "can't be loaded"),
        ("GONE = exit(3)\ndef kd_loss(s):\n    return GONE", "can't be loaded: SystemExit"),
    ],
)
def test_what_cannot_be_loaded_is_said_in_a_sentence(tmp_path, text, message):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(StudyError, match=message):
        solutions_in(path)


def test_a_missing_file_and_a_false_notebook_are_said_in_a_sentence(tmp_path):
    with pytest.raises(StudyError, match="can't be read"):
        solutions_in(tmp_path / "missing.py")
    (tmp_path / "false.ipynb").write_text("[]")
    with pytest.raises(StudyError, match="no notebook"):
        solutions_in(tmp_path / "false.ipynb")


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


def test_the_terminal_prints_an_exercise_that_can_be_checked(tmp_path):
    result = CliRunner().invoke(app, ["exercise", "soft_targets"])
    assert result.exit_code == 0
    path = tmp_path / "stub.py"
    path.write_text(result.output)
    assert grade(solutions_in(path)["soft_targets"]).status == "todo"
    assert isinstance(CliRunner().invoke(app, ["exercise", "soft_target"]).exception, StudyError)


def test_the_terminal_lists_hints_and_solves():
    def shown(*arguments):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 0
        return result.output

    assert all(name in shown("exercise") for name in NAMES)
    assert [shown("hint", "kd_loss").splitlines()[0] for _ in range(4)] == [
        "Hint 1 of 3:", "Hint 2 of 3:", "Hint 3 of 3:", "Hint 3 of 3:",
    ]  # fmt: skip
    assert "def kd_loss(" in shown("solution", "kd_loss")
    for command in ("hint", "solution"):
        assert isinstance(CliRunner().invoke(app, [command, "kdloss"]).exception, StudyError)


def test_a_class_is_graded_and_shown_where_it_fails(tmp_path):
    (tmp_path / "ann").mkdir()
    notebook(tmp_path / "ann" / "01.ipynb", RIGHT, CHOICE)
    for name in ("ben.py", "eve.py"):
        (tmp_path / name).write_text(WRONG)
    (tmp_path / "joe.py").write_text("def soft_targets(:")
    (tmp_path / "zoe.py").write_text(stub_source(exercise("repair_the_loop")))
    (tmp_path / ".ipynb_checkpoints").mkdir()
    notebook(tmp_path / ".ipynb_checkpoints" / "01.ipynb", WRONG)
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert result.exit_code == 1
    files, by_exercise = result.output.split("\n\n")
    assert "01.ipynb: 1 passed, 0 failed, 0 todo" in files and "joe.py is not valid Python" in files
    assert files.count("\n") == 4 and "zoe.py: no solution" in files
    assert by_exercise.startswith("soft_targets: 1 of 3 passed\n  2 × ")
    assert CliRunner().invoke(app, ["progress"]).output.startswith("0 of ")


def test_a_folder_without_a_file_is_one_sentence(tmp_path):
    result = CliRunner().invoke(app, ["check", str(tmp_path)])
    assert isinstance(result.exception, StudyError)
