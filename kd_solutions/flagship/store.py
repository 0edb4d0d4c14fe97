"""Distilled students on disk: a numbered folder each, of which the highest number is the one in use.

A folder gets its number only once it is whole, so that no file has to say which student is the newest, and
none can say it wrongly. Nothing is ever deleted but what a save made here: whole students, and what a save
that was killed left behind.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from kd_solutions.flagship.corpus import training_commands
from kd_solutions.flagship.predict import Predictor
from kd_solutions.models.student import CONFIG, StudentModel, damaged_student, no_student
from kd_solutions.support.errors import StudyError, writing_to
from kd_solutions.support.files import sync_folder, write_whole
from kd_solutions.support.language import say
from kd_solutions.support.paths import CACHE_VARIABLE, HOME_VARIABLE, cache_folder, home_folder

CARD, EXAMPLES = "card.json", "examples.json"
ROOM = 12_000_000  # bytes, somewhat more than a student takes
_PARTIAL = ".partial-"
Loaded = TypeVar("Loaded")


def students_folder() -> Path:
    """Where students are saved: `students` in `$KD_STUDY_HOME`, else in the cache folder."""
    return (home_folder() or cache_folder()) / "students"


def save_student(student: StudentModel, card: dict, folder: Path | None = None) -> Path:
    """Save a student with what is known of it, and make it the one that `load_student` finds.

    A reader sees the student before or the whole new one; once this is there, the ones before are deleted.
    folder: by default `students_folder()`. Returns: the student's own folder.
    Raises: StudyError where it can't be written. The student is as it was, so it can be saved again then.
    """
    files = {CARD: json.dumps(card, ensure_ascii=False, indent=1), EXAMPLES: json.dumps(examples())}
    folder = folder or students_folder()
    try:
        with writing_to(folder, _variable_of(folder)), _locked(folder):
            return _save(student, files, folder)
    except StudyError as error:
        raise StudyError(
            say(
                f"{error} The student isn't saved yet, but still in memory: save it again then.",
                f"{error}学生模型还没有保存，但仍在内存中：处理好之后请再保存一次。",
            )
        ) from error


def require_room(folder: Path | None = None) -> None:
    """Raise what `save_student` would, before anything is trained for it."""
    folder = folder or students_folder()
    with (
        writing_to(folder, _variable_of(folder)),
        _locked(folder),
        tempfile.TemporaryFile(dir=folder) as file,
    ):
        file.write(bytes(ROOM))
        file.flush()
        os.fsync(file.fileno())


def load_student(folder: Path | None = None) -> tuple[StudentModel, list[str]]:
    """The student saved last, and the English commands that it may be compared with.

    Raises: StudyError where none was saved, or where it is damaged.
    """
    return _loaded(folder, lambda newest: (StudentModel.load(newest), _load_examples(newest)))


def load_predictor(folder: Path | None = None) -> Predictor:
    """The student saved last, at work, with the threshold on its card; StudyError as `load_student`."""
    return _loaded(
        folder,
        lambda newest: Predictor(
            StudentModel.load(newest), _load_examples(newest), threshold=_load_threshold(newest)
        ),
    )


def _loaded(folder: Path | None, load: Callable[[Path], Loaded]) -> Loaded:
    folder = folder or students_folder()
    while newest := _newest(folder):
        try:
            return load(newest)
        except StudyError:
            if newest == _newest(folder):  # else another process saved a student and deleted this one
                raise
    raise no_student(folder)


def megabytes(folder: Path) -> float:
    """Size on disk of a student's folder, all of its files."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def _variable_of(folder: Path) -> str | None:
    """The environment variable that moves a folder elsewhere, if one does."""
    if folder != students_folder():
        return None
    return HOME_VARIABLE if home_folder() else CACHE_VARIABLE


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Nobody else saves meanwhile."""
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield


def _save(student: StudentModel, files: dict[str, str], folder: Path) -> Path:
    for left in folder.glob(f"{_PARTIAL}*"):  # of a save that was killed; the lock is ours
        shutil.rmtree(left, ignore_errors=True)
    before = _students(folder)
    new = folder / f"student-{1 + max((_number(path) for path in folder.glob('student-*')), default=0)}"
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=folder))
    try:
        student.save(partial)
        for name, content in files.items():
            write_whole(partial / name, content.encode())
        partial.rename(new)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    sync_folder(folder)
    for path in before:
        shutil.rmtree(path, ignore_errors=True)
    return new


def _students(folder: Path) -> list[Path]:
    """The whole students, the newest last."""
    while True:
        listed = set(folder.glob("student-*"))
        whole = [path for path in listed if (path / CONFIG).is_file()]
        if whole or listed == set(folder.glob("student-*")):  # else another process saved one in between
            return sorted(whole, key=_number)


def _number(path: Path) -> int:
    number = path.name.removeprefix("student-")
    return int(number) if re.fullmatch("[0-9]{1,9}", number) else 0  # once their names were drawn


def _newest(folder: Path) -> Path | None:
    return next(reversed(_students(folder)), None)


def _load_examples(folder: Path) -> list[str]:
    texts = _read(folder, EXAMPLES)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise damaged_student(folder, ValueError("no list of texts"))
    return texts


def _load_threshold(folder: Path) -> float:
    card = _read(folder, CARD)
    threshold = card.get("threshold", 0.0) if isinstance(card, dict) else None  # 0 in students of before
    if not isinstance(threshold, int | float):
        raise damaged_student(folder, ValueError("no threshold"))
    return threshold


def _read(folder: Path, name: str):
    try:
        return json.loads((folder / name).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise damaged_student(folder, error) from error


def examples() -> list[str]:
    """What a command is compared with: one English training command of each template."""
    commands = training_commands()
    by_template = dict(zip(commands.templates.tolist(), commands.texts, strict=True))
    return [by_template[template] for template in sorted(by_template)]
