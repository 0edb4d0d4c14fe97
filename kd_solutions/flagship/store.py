"""A distilled student, saved and found again."""

import json
import shutil
import tempfile
from pathlib import Path

from kd_solutions.flagship.corpus import training_commands
from kd_solutions.models.student import StudentModel, no_student
from kd_solutions.support.errors import writing_to
from kd_solutions.support.files import write_whole
from kd_solutions.support.paths import CACHE_VARIABLE, cache_folder, home_folder

CARD, EXAMPLES, NEWEST = "card.json", "examples.json", "newest.txt"


def students_folder() -> Path:
    """Where students are saved: `students` in `$KD_STUDY_HOME`, else in the cache folder."""
    return (home_folder() or cache_folder()) / "students"


def save_student(student: StudentModel, card: dict, folder: Path | None = None) -> Path:
    """Save a student with what is known of it, and make it the one that `load_student` finds.

    It is written under another name first, so that a reader sees the old student or the whole new one.
    folder: by default `students_folder()`. Returns: the student's own folder.
    """
    folder = folder or students_folder()
    with writing_to(folder, CACHE_VARIABLE):
        folder.mkdir(parents=True, exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix="student-", dir=folder))
        student.save(new)
        (new / CARD).write_text(json.dumps(card, ensure_ascii=False, indent=1), "utf-8")
        (new / EXAMPLES).write_text(json.dumps(_examples(), ensure_ascii=False), "utf-8")
        previous = _newest(folder)
        write_whole(folder / NEWEST, new.name.encode())
        if previous:
            shutil.rmtree(previous, ignore_errors=True)
    return new


def load_student(folder: Path | None = None) -> tuple[StudentModel, list[str]]:
    """The student saved last, and the English commands that it may be compared with.

    Raises: StudyError where none was saved.
    """
    folder = folder or students_folder()
    newest = _newest(folder)
    if newest is None:
        raise no_student(folder)
    return StudentModel.load(newest), json.loads((newest / EXAMPLES).read_text("utf-8"))


def megabytes(folder: Path) -> float:
    """Size on disk of a student's folder, all of its files."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def _newest(folder: Path) -> Path | None:
    pointer = folder / NEWEST
    if not pointer.exists():
        return None
    newest = folder / pointer.read_text("utf-8")
    return newest if newest.is_dir() else None


def _examples() -> list[str]:
    """One English training command of each template."""
    commands = training_commands()
    by_template = dict(zip(commands.templates.tolist(), commands.texts, strict=True))
    return [by_template[template] for template in sorted(by_template)]
