"""The learner's copies of the lessons. What a learner has is never overwritten, whatever they did to it.

A copy is laid down without outputs: the published ones would answer each question before it is guessed at.
"""

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from kd_solutions.support.errors import StudyError, writing_to
from kd_solutions.support.files import write_whole
from kd_solutions.support.language import LANGUAGES, say
from kd_solutions.support.paths import home_folder

PROJECT = Path(__file__).parents[2]
NOTEBOOKS = PROJECT / "notebooks"
LEDGER = ".laid_down.json"  # notebook → digests of the versions that were ever copied here
# Lessons that had another name when somebody's copy of them was laid down.
FORMER_NAMES = {
    "01_soft_labels": "01_what_distillation_is",
    "08_many_languages": "08_a_student_for_many_languages",
}


def workspace_folder() -> Path:
    """Where the copies lie: in `$KD_STUDY_HOME` if set, else beside the lessons."""
    return (home_folder() or PROJECT) / "workspace"


def has_repository() -> bool:
    """Whether the lessons are here; the package can be installed without them."""
    return (NOTEBOOKS / LANGUAGES[0]).is_dir()


def require_repository() -> None:
    """StudyError where the package was installed without the project's repository beside it."""
    if not has_repository():
        raise StudyError(
            say(
                "This needs the project's repository, which is not here: clone it and type `make study` in "
                "it; exercises, hints and grading work without it.",
                "这需要项目的仓库，而这里没有：请克隆仓库，再在其中运行`make study`；"
                "练习、提示和批改不需要仓库。",
            )
        )


def lay_down() -> list[str]:
    """Copy every lesson that the learner doesn't have yet, and newer versions beside the copies they have.

    Returns: a sentence for each newer version, which is laid down once, and for what is in its way.
    """
    news = []
    with _ledger() as laid:
        for name in _notebooks():
            copy, version = workspace_folder() / name, _version(_published(name))
            if copy.is_symlink() and not copy.exists():
                news.append(_dangling(name, copy))
                continue
            if not copy.exists():
                news += _new_names(name)
                _lay(name, copy)
            elif version not in laid.get(name, []) and version != _version_of_copy(copy):
                newer = _free_name(copy, "newer")
                _lay(name, newer)
                news.append(
                    say(
                        f"There is a newer {name}: it lies beside your copy as {newer.name}.",
                        f"{name}有新版本：已放在你的副本旁边，名为{newer.name}。",
                    )
                )
            _note(laid, name, version)
    return news


def reset(lesson: str) -> list[str]:
    """Save the learner's copies of a lesson under a dated name, and lay fresh ones down, in both languages.

    lesson: its name, a former one, or the beginning of either, such as "03"; StudyError where none or several
    begin so. Where a fresh copy can't be written, the learner's has its own name again.
    Returns: a sentence for each copy.
    """
    told = []
    names = _named(lesson)
    with _ledger() as laid:
        for name in names:
            told += _reset(name)
            _note(laid, name, _version(_published(name)))
    return told


def unreadable_copies() -> list[str]:
    """The learner's copies that JupyterLab could not open, as `en/03_the_loop.ipynb`."""
    paths = (workspace_folder() / name for name in _notebooks())
    broken = (path for path in paths if path.exists() and _version_of_copy(path) is None)
    return [f"{path.parent.name}/{path.name}" for path in broken]


def _reset(name: str) -> list[str]:
    copy, fresh = workspace_folder() / name, _fresh(name)
    is_fresh = copy.is_file() and copy.read_bytes() == fresh
    copies = [_former(name), None if is_fresh else copy]
    kept: list[tuple[Path, Path]] = []
    try:
        for path in copies:
            if path and os.path.lexists(path):
                kept.append((path, path.rename(_free_name(path, f"{date.today()}"))))
        if not is_fresh:
            _lay(name, copy)
    except OSError:
        for path, saved in kept:
            saved.rename(path)
        raise
    told = [
        say(
            f"Your {path.parent.name}/{path.name} is kept as {saved.name}.",
            f"你的{path.parent.name}/{path.name}已另存为{saved.name}。",
        )
        for path, saved in kept
    ]
    told.append(
        say(f"{name} is fresh already.", f"{name}本来就是全新的。")
        if is_fresh
        else say(f"A fresh {name} is there.", f"已放好全新的{name}。")
    )
    return told


def _notebooks() -> list[str]:
    """Every published notebook, as `en/03_the_loop.ipynb`."""
    require_repository()
    paths = (path for language in LANGUAGES for path in sorted((NOTEBOOKS / language).glob("*.ipynb")))
    return [f"{path.parent.name}/{path.name}" for path in paths]


def _named(lesson: str) -> list[str]:
    """The notebooks of the one lesson whose name, or former name, begins so, one a language."""
    beginning = Path(lesson).name.removesuffix(".ipynb")
    notebooks = _notebooks()
    lessons = sorted({Path(name).stem for name in notebooks})
    found = [
        each
        for each in lessons
        if any(name.startswith(beginning) for name in (each, FORMER_NAMES.get(each, each)))
    ]
    if len(found) == 1:
        return [name for name in notebooks if Path(name).stem == found[0]]
    choice, asked = ", ".join(found or lessons), repr(lesson[:60])
    raise StudyError(
        say(f"Which lesson is {asked}? Give one of: {choice}.", f"{asked}是哪一课？请选一个：{choice}。")
    )


def _former(name: str) -> Path | None:
    """The path of a learner's copy under the lesson's former name; None where it had no other."""
    path = workspace_folder() / name
    return path.with_stem(FORMER_NAMES[path.stem]) if path.stem in FORMER_NAMES else None


def _new_names(name: str) -> list[str]:
    """What to say when a lesson comes under a new name to somebody who has it under the former one."""
    former = _former(name)
    if former is None or not os.path.lexists(former):
        return []
    return [
        say(
            f"{former.parent.name}/{former.name} is called {Path(name).name} now: "
            "your copy stays, the new one lies beside it.",
            f"{former.parent.name}/{former.name}现在叫{Path(name).name}：你的副本还在，新的放在旁边。",
        )
    ]


def _dangling(name: str, copy: Path) -> str:
    target = os.readlink(copy)
    return say(
        f"Your {name} is a link to {target}, which is not there: it stays as it is; `reset` makes a copy.",
        f"你的{name}是指向{target}的链接，而那里没有文件：链接保持原样；`reset`可以放一份新的。",
    )


def _free_name(copy: Path, mark: str) -> Path:
    """`03_the_loop.MARK.ipynb`, or the first of `03_the_loop.MARK-2.ipynb`, … that is free."""
    free, number = copy.with_name(f"{copy.stem}.{mark}.ipynb"), 1
    while os.path.lexists(free):
        number += 1
        free = copy.with_name(f"{copy.stem}.{mark}-{number}.ipynb")
    return free


def _lay(name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, _fresh(name))


@contextmanager
def _ledger() -> Iterator[dict[str, list[str]]]:
    """What was laid down; changes are kept."""
    path = workspace_folder() / LEDGER
    with writing_to(workspace_folder(), "KD_STUDY_HOME"):
        workspace_folder().mkdir(parents=True, exist_ok=True)
        laid = _read_ledger(path)
        yield laid
        write_whole(path, json.dumps(laid, indent=1).encode())


def _read_ledger(path: Path) -> dict[str, list[str]]:
    """Notebook → digests; empty where it is lost or damaged: at worst a version is laid beside twice."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: versions for name, versions in found.items() if isinstance(versions, list)}


def _note(laid: dict[str, list[str]], name: str, version: str) -> None:
    if version not in laid.setdefault(name, []):
        laid[name].append(version)


def _published(name: str) -> dict:
    return json.loads((NOTEBOOKS / name).read_text("utf-8"))


def _fresh(name: str) -> bytes:
    """A published notebook before anybody ran it, with what JupyterLab would add the moment it is opened."""
    notebook = _published(name)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
    notebook["metadata"] = notebook.get("metadata", {}) | {"language_info": _language_info()}
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _language_info() -> dict:
    """As ipykernel tells it: where a notebook lacks it, its tab says "unsaved" before anybody typed."""
    return {
        "codemirror_mode": {"name": "ipython", "version": sys.version_info.major},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": f"ipython{sys.version_info.major}",
        "version": ".".join(map(str, sys.version_info[:3])),
    }


def _version(notebook: dict) -> str:
    """A digest of what is written in a notebook, whoever ran it."""
    written = [(cell["cell_type"], "".join(cell["source"])) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(written).encode()).hexdigest()


def _version_of_copy(path: Path) -> str | None:
    """The version that a learner's copy holds; None where it is no notebook any more."""
    try:
        return _version(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
