"""A distilled student at work: saved, found again, and asked."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from kd_solutions.assets import CACHE_VARIABLE, cache_folder, home_folder
from kd_solutions.corpus import training_commands
from kd_solutions.errors import StudyError, writing_to
from kd_solutions.language import say
from kd_solutions.models import StudentModel, no_student

CARD, EXAMPLES, NEWEST = "card.json", "examples.json", "newest.txt"


@dataclass(frozen=True)
class Prediction:
    """intent: its name in the data. confidence: its probability. nearest: (English command, cosine) pairs."""

    intent: str
    confidence: float
    nearest: list[tuple[str, float]]


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
        pointer = new / NEWEST
        pointer.write_text(new.name, "utf-8")
        os.replace(pointer, folder / NEWEST)
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


def predict(student: StudentModel, text: str, examples: Sequence[str], nearest: int = 3) -> Prediction:
    """What a command in any language asks for. Raises: StudyError for a text without a word."""
    features = student.features([text])
    if not len(features.ids):
        raise StudyError(
            say(
                "There is no word in this text: type a command, such as 'turn on the light'.",
                "这段文字里没有词语：请输入一条指令，例如“打开客厅的灯”。",
            )
        )
    with torch.no_grad():
        vector = student.encode(features)
        probabilities = student.head(vector).softmax(dim=-1)[0]
        similarities = student.encode(examples) @ vector[0]
    best = similarities.topk(min(nearest, len(examples)))
    return Prediction(
        intent=student.labels[int(probabilities.argmax())],
        confidence=float(probabilities.max()),
        nearest=[(examples[i], float(s)) for s, i in zip(best.values, best.indices.tolist(), strict=True)],
    )


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
