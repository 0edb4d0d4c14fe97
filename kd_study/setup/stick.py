"""A folder to carry into a room without a network: repository, packages, caches, a command that starts."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import write_whole
from kd_solutions.support.language import say
from kd_solutions.support.paths import cache_folder
from kd_solutions.support.progress import counting
from kd_study.setup.prepare import prepare
from kd_study.setup.workspace import PROJECT

TO_BUILD_WITH = "setuptools>=77"  # pip needs it for the project itself, see pyproject.toml
START = """\
#!/bin/sh
# Copies this folder's course into ~/kd-study, or the folder that is named, and opens it: no network.
# 把本文件夹里的课程复制到~/kd-study（或指定的文件夹），装好并打开，全程不需要网络。
set -e
here=$(cd "$(dirname "$0")" && pwd)
there=${1:-$HOME/kd-study}
mkdir -p "$there"
cp -R "$here/repository/." "$there"
cd "$there"
PIP_NO_INDEX=1 PIP_FIND_LINKS="$here/wheels" make set-up
cache=$(.venv/bin/python -c 'from kd_solutions.support.paths import cache_folder; print(cache_folder())')
mkdir -p "$cache"
cp -R "$here/cache/." "$cache"
if [ -d "$here/student" ] && [ ! -e workspace/student ]; then
  mkdir -p workspace
  cp -R "$here/student" workspace
fi
exec make study
"""
READ_ME = """\
On each machine, in this folder (Python {python}, {system}):
在每台机器上，进入这个文件夹（Python {python}，{system}）：

    sh start.sh

It copies the course to ~/kd-study, sets it up from the packages in wheels/, and opens JupyterLab, all without
a network. From then on: cd ~/kd-study && make study
它把课程复制到~/kd-study，用wheels/里的软件包装好，然后打开JupyterLab，全程不联网。
以后再打开：cd ~/kd-study && make study

The packages are for the system and the Python named above; other machines need a stick of their own.
软件包只适用于上面所写的系统和Python版本；其他机器要另做一个。
"""


def make_stick(folder: Path, editions: Path | None = None) -> None:
    """Fill a folder, which is made, with all that `make study` needs; editions: a class's, laid beside it.

    StudyError where the folder holds something already, or pip can't fetch a package.
    """
    if folder.exists() and any(folder.iterdir()):
        raise StudyError(
            say(f"{folder} is not empty: name a new folder.", f"{folder}不是空的：请指定一个新文件夹。")
        )
    folder.mkdir(parents=True, exist_ok=True)
    for _ in prepare(everything=True):
        pass
    fetch_packages(folder / "wheels")
    copy_repository(folder / "repository")
    copy_caches(folder / "cache")
    if editions is not None and editions.is_dir():
        for name in ("student", "handouts"):
            if (editions / name).is_dir():
                shutil.copytree(editions / name, folder / name)
    write_start(folder)


def fetch_packages(target: Path) -> None:
    """Every package of requirements.txt as wheels for this system and Python; StudyError where pip fails."""
    wanted = [line for line in _requirements() if not line.startswith("-e")]
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--progress-bar=off"]
    command += ["--prefer-binary", f"--dest={target}", *wanted, TO_BUILD_WITH]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["?"])[-1].removeprefix("ERROR: ").rstrip(".")
        raise StudyError(
            say(f"pip could not fetch the packages ({reason}).", f"pip没能下载软件包（{reason}）。")
        )


def _requirements() -> list[str]:
    """The lines of requirements.txt without comments."""
    lines = (PROJECT / "requirements.txt").read_text("utf-8").splitlines()
    return [text for line in lines if (text := line.partition("#")[0].strip())]


def copy_repository(target: Path, project: Path = PROJECT) -> None:
    """What git keeps of the project, as it lies in the working tree; without git all but what is built."""
    listed = subprocess.run(["git", "-C", str(project), "ls-files", "-z"], capture_output=True, text=True)
    if listed.returncode:
        built = shutil.ignore_patterns(".venv", "build", "workspace", "__pycache__", ".*_cache", "*.egg-info")
        shutil.copytree(project, target, ignore=built)
        return
    for name in filter(None, listed.stdout.split("\0")):
        if (project / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project / name, target / name)


def copy_caches(target: Path) -> None:
    """Downloads and what was computed from them, without locks and what was left half done."""
    source = cache_folder()
    files = [path for path in source.rglob("*") if path.is_file() and _belongs(path.relative_to(source))]
    with counting(say("caches", "缓存"), len(files)) as advance:
        for path in files:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
            advance()


def _belongs(path: Path) -> bool:
    return not any(part.startswith(".") for part in path.parts)


def write_start(folder: Path) -> None:
    """The command that a student types, and a page that says so in both languages."""
    script = folder / "start.sh"
    write_whole(script, START.encode())
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    python = ".".join(map(str, sys.version_info[:2]))
    write_whole(folder / "README.txt", READ_ME.format(python=python, system=sys.platform).encode())
