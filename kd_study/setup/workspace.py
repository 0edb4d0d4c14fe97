"""The learner's copies of the lessons. What a learner has is never overwritten, whatever they did to it.

A copy is laid down without outputs: the published ones would answer each question before it is guessed at.
"""

import hashlib
import json
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


def workspace_folder() -> Path:
    """Where the copies lie: in `$KD_STUDY_HOME` if set, else beside the lessons."""
    return (home_folder() or PROJECT) / "workspace"


def lay_down() -> list[str]:
    """Copy every lesson that the learner doesn't have yet, and newer versions beside the copies they have.

    Returns: a sentence for each newer version, which is laid down once.
    """
    news = []
    with _ledger() as laid:
        for name in _notebooks():
            copy, version = workspace_folder() / name, _digest(_fresh(name))
            if not copy.exists():
                _lay(name, copy)
            elif version not in laid.get(name, []) and version != _digest(copy.read_bytes()):
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

    lesson: its name or the beginning of it, such as "03"; StudyError where none or several begin so.
    Returns: a sentence for each copy.
    """
    told = []
    names = _named(lesson)
    with _ledger() as laid:
        for name in names:
            copy, version = workspace_folder() / name, _digest(_fresh(name))
            if copy.exists() and _digest(copy.read_bytes()) == version:
                told.append(say(f"{name} is fresh already.", f"{name}本来就是全新的。"))
                continue
            if copy.exists():
                saved = copy.rename(_free_name(copy, f"{date.today()}"))
                told.append(say(f"Your {name} is kept as {saved.name}.", f"你的{name}已另存为{saved.name}。"))
            _lay(name, copy)
            _note(laid, name, version)
            told.append(say(f"A fresh {name} is there.", f"已放好全新的{name}。"))
    return told


def _notebooks() -> list[str]:
    """Every published notebook, as `en/03_the_loop.ipynb`."""
    paths = (path for language in LANGUAGES for path in sorted((NOTEBOOKS / language).glob("*.ipynb")))
    return [f"{path.parent.name}/{path.name}" for path in paths]


def _named(lesson: str) -> list[str]:
    """The notebooks of the one lesson whose name begins so, one a language."""
    beginning = Path(lesson).name.removesuffix(".ipynb")
    lessons = sorted({Path(name).stem for name in _notebooks()})
    found = [each for each in lessons if each.startswith(beginning)]
    if len(found) == 1:
        return [name for name in _notebooks() if Path(name).stem == found[0]]
    choice = ", ".join(found or lessons)
    raise StudyError(
        say(
            f"Which lesson is {lesson!r}? Give one of: {choice}.", f"{lesson!r}是哪一课？请选一个：{choice}。"
        )
    )


def _free_name(copy: Path, mark: str) -> Path:
    """`03_the_loop.MARK.ipynb`, or the first of `03_the_loop.MARK-2.ipynb`, … that is free."""
    free, number = copy.with_name(f"{copy.stem}.{mark}.ipynb"), 1
    while free.exists():
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
        try:
            laid = json.loads(path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):  # lost or damaged: at worst a version is laid beside twice
            laid = {}
        yield laid
        write_whole(path, json.dumps(laid, indent=1).encode())


def _note(laid: dict[str, list[str]], name: str, version: str) -> None:
    if version not in laid.setdefault(name, []):
        laid[name].append(version)


def _fresh(name: str) -> bytes:
    """A published notebook before anybody ran it."""
    notebook = json.loads((NOTEBOOKS / name).read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
    return (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
