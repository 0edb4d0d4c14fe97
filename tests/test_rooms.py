"""The house as a newcomer meets it: each room says what it is for, and the faces hold what they promise."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import kd_solutions
import kd_study
import kd_study.notebook
from kd_study.exercises.catalog import NAMES, TOPICS, exercise

PROJECT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in PROJECT.glob("kd_*/**/__init__.py"))
ROOMS = [
    path for path in PACKAGES if path.parent.name in ("kd_solutions", "kd_study") or path.name == "kit"
]  # a topic of exercises hands nothing on: the catalog finds its files


def named(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT).parts)


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_a_package_says_what_it_is_for(package):
    said = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8")))
    first, _, rest = (said or "").partition("\n")
    assert first.endswith((".", "?")) and len(first) <= 110
    assert not rest or package.parent == PROJECT  # only a face explains more


@pytest.mark.parametrize("room", ROOMS, ids=named)
def test_a_room_hands_on_its_names(room):
    module = import_module(named(room))
    assert module.__all__ and len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        if name not in {path.stem for path in room.glob("*.py")}:
            assert hasattr(module, name), name


def test_the_reference_answers_are_the_contracts_of_the_exercises():
    contracts = set(NAMES) - set(TOPICS["debugging"])  # what is mended there is under contract elsewhere
    assert set(kd_solutions.__all__) == contracts | {"StudentModel", "StudyError", "TeacherModel"}
    for name in contracts:
        assert getattr(kd_solutions, name) is exercise(name).reference


def test_the_desk_is_what_a_notebook_calls():
    assert set(kd_study.__all__) == {*kd_study.notebook.__all__, "Report", "grade"}
    for name in kd_study.notebook.__all__:
        assert getattr(kd_study, name) is getattr(kd_study.notebook, name)


@pytest.mark.parametrize("face", [kd_solutions, kd_study], ids=lambda face: face.__name__)
def test_editors_complete_the_names_of_a_face(face):
    stub = ast.parse(Path(face.__file__).with_suffix(".pyi").read_text("utf-8"))
    listed = [alias for node in stub.body for alias in node.names]
    assert sorted(alias.name for alias in listed) == sorted(face.__all__) == sorted(dir(face))
    assert all(alias.asname == alias.name for alias in listed)  # without `as`, a type checker hides it


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_the_faces_costs_nothing():
    code = """
import sys, time
start = time.process_time()
import kd_study, kd_solutions
print(time.process_time() - start)
"""
    assert min(float(run(code)) for _ in range(3)) < 0.05


def test_the_desk_waits_with_torch_until_a_grade_is_made():
    heavy = {"torch", "numpy", "scipy", "transformers", "matplotlib", "ipywidgets", "jupytext", "pydantic"}
    code = f"""
import sys
from kd_study import check, grade, hint, solution, use_language, yours_or_reference
print(*({heavy} & sys.modules.keys()))
grade(lambda logits, temperature=1.0: logits.softmax(-1), "soft_targets")
print(*({heavy} & sys.modules.keys()))
"""
    before, after = run(code).split("\n")[:2]
    assert before == ""
    assert "torch" in after.split() and "transformers" not in after.split()
