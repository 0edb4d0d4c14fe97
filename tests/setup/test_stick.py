"""A stick for a room without a network, as far as that shows without one: copies, the command that starts."""

import os
import shutil
import subprocess
import sys

import pytest

from kd_solutions.support.errors import StudyError
from kd_study.setup import stick

MAKEFILE = r"""
set-up:
	@echo "index $$PIP_NO_INDEX, wheels $$PIP_FIND_LINKS"
	@mkdir -p .venv/bin && printf '#!/bin/sh\nexec {python} "$$@"\n' > .venv/bin/python
	@chmod +x .venv/bin/python
study:
	@echo "studying in $$(pwd)"
"""


@pytest.fixture
def project(tmp_path):
    """A repository of two files, with something beside them that git doesn't keep."""
    folder = tmp_path / "project"
    (folder / "lessons").mkdir(parents=True)
    (folder / "Makefile").write_text(MAKEFILE.format(python=sys.executable))
    (folder / "lessons/01 课.py").write_text("print(1)")
    (folder / ".venv").mkdir()
    (folder / ".venv/python").touch()
    (folder / "workspace").mkdir()
    (folder / "workspace/mine.ipynb").touch()
    return folder


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("with_git", [True, False])
def test_the_repository_is_copied_without_what_was_built(project, tmp_path, monkeypatch, with_git):
    if with_git:
        subprocess.run(["git", "init", "-q"], cwd=project, check=True)
        subprocess.run(["git", "add", "Makefile", "lessons"], cwd=project, check=True)
    else:
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    stick.copy_repository(tmp_path / "copy", project)
    assert files(tmp_path / "copy") == ["Makefile", "lessons/01 课.py"]


def test_caches_are_copied_without_locks_and_what_is_half_done(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_CACHE", str(tmp_path / "cache"))
    for name in ("assets/teacher-1/model", "assets/.teacher.lock", "assets/.t.partial/model", "data/done"):
        path = tmp_path / "cache" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    stick.copy_caches(tmp_path / "copy")
    assert files(tmp_path / "copy") == ["assets/teacher-1/model", "data/done"]


def test_one_command_sets_a_machine_up_without_an_index_and_opens_the_lessons(project, tmp_path):
    folder, home = tmp_path / "the stick", tmp_path / "learner"
    shutil.copytree(project, folder / "repository", ignore=shutil.ignore_patterns(".venv", "workspace"))
    (folder / "cache/data").mkdir(parents=True)
    (folder / "cache/data/done").touch()
    (folder / "student/en").mkdir(parents=True)
    (folder / "student/en/01.ipynb").write_text("fresh")
    stick.write_start(folder)
    assert os.access(folder / "start.sh", os.X_OK)

    def start():
        return subprocess.run(
            ["sh", "start.sh", str(home / "course")],
            cwd=folder,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
            | {"KD_STUDY_CACHE": str(home / "cache")},
            capture_output=True,
            text=True,
            check=True,
        )

    done, mine = start(), home / "course/workspace/student/en/01.ipynb"
    assert mine.read_text() == "fresh"
    mine.write_text("solved")
    start()
    assert mine.read_text() == "solved", "what somebody did is never overwritten"
    assert done.stdout.splitlines() == [
        f"index 1, wheels {folder}/wheels",
        f"studying in {home / 'course'}",
    ]
    assert (home / "cache/data/done").is_file() and (home / "course/lessons/01 课.py").is_file()
    said = (folder / "README.txt").read_text("utf-8")
    assert "sh start.sh" in said and "不联网" in said and sys.platform in said


def test_every_package_is_asked_for_but_the_project_itself(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        stick.subprocess,
        "run",
        lambda command, **_: asked.append(command) or subprocess.CompletedProcess(command, 0),
    )
    stick.fetch_packages(tmp_path)
    (command,) = asked
    assert "torch==2.13.0" in command and stick.TO_BUILD_WITH in command
    assert not any(each.startswith("-e") or "#" in each for each in command)


def test_what_pip_cannot_fetch_is_told_in_a_sentence(monkeypatch, tmp_path):
    failed = subprocess.CompletedProcess(
        [], 1, stderr="Looking\nERROR: No matching distribution found for torch.\n"
    )
    monkeypatch.setattr(stick.subprocess, "run", lambda command, **_: failed)
    with pytest.raises(StudyError, match=r"\(No matching distribution found for torch\)"):
        stick.fetch_packages(tmp_path)


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine").touch()
    with pytest.raises(StudyError, match="not empty|不是空的"):
        stick.make_stick(tmp_path)
    assert files(tmp_path) == ["mine"]
