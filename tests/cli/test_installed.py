"""The package without the repository beside it: what works works, the rest says what is missing."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import kd_study
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.exercises.stubs import solved_source

PROJECT = Path(kd_study.__file__).parents[1]
NEEDS_THE_REPOSITORY = [["study"], ["reset", "03"], ["build"], ["workshop"], ["present", "01"]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which pip installed the package, from a copy: a build leaves things behind."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("kd_solutions", "kd_study"):
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*pip, f"--target={target}", source], check=True, capture_output=True)
    return target


@pytest.fixture
def run(installed, tmp_path):
    def kd_study(*arguments, **environment):
        settings = {"PYTHONPATH": str(installed), "KD_STUDY_HOME": str(tmp_path / "home"), "COLUMNS": "100"}
        (tmp_path / "empty").mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-m", "kd_study", *map(str, arguments)],
            cwd=tmp_path / "empty",
            env=os.environ | settings | environment,
            capture_output=True,
            text=True,
        )

    return kd_study


def test_it_is_the_installed_package_that_runs(installed, tmp_path):
    shown = subprocess.run(
        [sys.executable, "-c", "import kd_study; print(kd_study.__file__)"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert shown.stdout.startswith(str(installed))


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (["--help"], "exercise"),
        (["exercise"], NAMES[-1]),
        (["exercise", "kd_loss"], "def kd_loss("),
        (["hint", "kd_loss"], "Two losses"),
        (["solution", "kd_loss"], "def kd_loss("),
        (["progress"], "0 of "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_studying_in_the_terminal_needs_no_repository(run, command, shown):
    done = run(*command)
    assert (done.returncode, done.stderr) == (0, "") and shown in done.stdout


def test_a_file_is_graded_and_recorded(run, tmp_path):
    (tmp_path / "mine.py").write_text(solved_source(exercise("soft_targets")))
    graded = run("check", tmp_path / "mine.py")
    assert graded.returncode == 0 and "soft_targets: passed" in graded.stdout, graded.stderr
    assert "1 of " in run("progress").stdout


@pytest.mark.parametrize("command", NEEDS_THE_REPOSITORY, ids=" ".join)
@pytest.mark.parametrize(
    ("language", "sentence"), [("en", "needs the project's repository"), ("zh", "需要项目的仓库")]
)
def test_what_needs_the_repository_says_so(run, command, language, sentence):
    done = run(*command, KD_STUDY_LANGUAGE=language)
    assert done.returncode == 2 and done.stdout == ""
    assert sentence in done.stderr and done.stderr.count("\n") == 1


def test_doctor_looks_at_what_the_package_itself_asks_for(run, installed):
    seen = run("doctor").stdout
    assert "required packages" in seen and "workspace" not in seen and "Traceback" not in seen
    assert not (installed / "workspace").exists()


def test_the_records_that_are_read_are_shipped(installed):
    shipped = {path.relative_to(installed) for path in installed.rglob("*") if path.is_file()}
    needed = {
        path.relative_to(PROJECT)
        for package in ("kd_solutions", "kd_study")
        for path in (PROJECT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert needed <= shipped, sorted(needed - shipped)


def test_what_is_imported_is_asked_for():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    asked = {Requirement(each).name.lower().replace("-", "_") for each in project["dependencies"]}
    asked |= {"yaml", "markdown_it", "ipython"}  # PyYAML, markdown-it-py; ipywidgets brings IPython
    asked |= {"huggingface_hub", "tokenizers", "jupyter_core"}  # transformers and nbformat bring them
    only_to_build_lessons = {"jupytext", "nbclient", "nbconvert", "latex2mathml", "pygments"}
    paths = [path for name in ("kd_solutions", "kd_study") for path in (PROJECT / name).rglob("*.py")]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in {name.split(".")[0].lower() for name in names} - {"kd_solutions", "kd_study"}:
                if path.parent.name == "lessons" and name in only_to_build_lessons:
                    continue
                assert name in asked or name in sys.stdlib_module_names, f"{path}: {name}"


def test_a_learner_installs_no_tool_of_the_tests():
    tools = {"pytest", "pytest-xdist", "nbval", "hypothesis", "import-linter", "playwright"}
    study, teach, test = (
        {line.split("==")[0] for line in (PROJECT / name).read_text("utf-8").splitlines() if "==" in line}
        for name in ("requirements.txt", "requirements-workshop.txt", "requirements-dev.txt")
    )
    assert not (tools | {"ruff"}) & study and not tools & teach and tools <= test and "ruff" in teach
