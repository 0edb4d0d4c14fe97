"""The voice assistant of the lessons: what a teacher and a student make of commands in many languages."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from kd_solutions.data import ENGLISH, Commands, load_commands
from kd_solutions.evaluate import accuracy
from kd_solutions.models import StudentModel, TeacherModel
from kd_solutions.signals import CachedSignal
from kd_study.language import say

RECORD = Path(__file__).parent.parent / "benchmarks" / "flagship.json"


def some_commands(language: str, count: int = 300) -> Commands:
    """A fixed sample of labelled commands that no lesson's student was trained on.

    From English's test half and the other languages' development half; their test half stays closed.
    """
    every = load_commands(language, "test" if language == ENGLISH else "dev")
    chosen = torch.randperm(len(every), generator=torch.Generator().manual_seed(0))[:count]
    return replace(
        every,
        texts=[every.texts[row] for row in chosen.tolist()],
        labels=every.labels[chosen],
        templates=every.templates[chosen],
    )


@torch.no_grad()
def logits_of(model: TeacherModel | StudentModel, texts: list[str]) -> Tensor:
    """(N, intents); a teacher's vectors come from its cache."""
    if isinstance(model, TeacherModel):
        return model.head(CachedSignal(model, progress=False)(texts).to(model.head.weight.device))
    return model(texts)


def percent_by_language(
    model: TeacherModel | StudentModel, commands: dict[str, Commands]
) -> dict[str, float]:
    """Language → share of its commands read rightly, in percent."""
    return {
        language: 100 * accuracy(logits_of(model, sample.texts), sample.labels)
        for language, sample in commands.items()
    }


def side_by_side(teacher: TeacherModel, student: StudentModel) -> Callable[[str], dict[str, str]]:
    """For `try_commands` and `show_answers`: a command → what each of the two takes it for, how surely."""

    @torch.no_grad()
    def answer(command: str) -> dict[str, str]:
        return {
            say("teacher", "教师模型"): _reading(teacher([command])[0], student.labels),
            say("student", "学生模型"): _reading(student([command])[0], student.labels),
        }

    return answer


def _reading(logits: Tensor, intents: tuple[str, ...]) -> str:
    confidence, best = logits.softmax(-1).max(-1)
    return f"{intents[best].removeprefix('Hass')} ({confidence:.0%})"


@dataclass(frozen=True)
class Mistake:
    """An intent that is taken for another: how often, and one command with its language."""

    intent: str
    read_as: str
    count: int
    example: str


def common_mistakes(student: StudentModel, samples: list[Commands]) -> list[Mistake]:
    """What is taken for what, over several languages, the most frequent first."""
    found: dict[tuple[int, int], list[str]] = {}
    for sample in samples:
        read_as = logits_of(student, sample.texts).argmax(-1).tolist()
        for text, right, read in zip(sample.texts, sample.labels.tolist(), read_as, strict=True):
            if right != read:
                found.setdefault((right, read), []).append(f"{sample.language}: {text}")
    names = [intent.removeprefix("Hass") for intent in student.labels]
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Mistake(names[right], names[read], len(texts), texts[0]) for (right, read), texts in ordered]


@dataclass(frozen=True)
class RecordedRow:
    """One language in the flagship's record, in percent; student: one number a seed."""

    teacher: float
    student: list[float]
    english_labels_only: list[float]


@dataclass(frozen=True)
class Record:
    """What `python -m kd_study distill` reached when it was last recorded, over several seeds."""

    languages: dict[str, RecordedRow]
    megabytes: float
    seeds: int

    @property
    def mean_of_others(self) -> float:
        """Mean over the seeds and the languages other than English."""
        return mean(mean(row.student) for name, row in self.languages.items() if name != ENGLISH)


def recorded_flagship() -> Record:
    """Read from benchmarks/flagship.json: the `--json` outputs of the seeds, one after the other."""
    runs = json.loads(RECORD.read_text("utf-8"))
    languages = {
        name: RecordedRow(
            row["teacher"],
            [run["languages"][name]["student"] for run in runs],
            [run["languages"][name]["english_labels_only"] for run in runs],
        )
        for name, row in runs[0]["languages"].items()
    }
    return Record(languages, runs[0]["megabytes"], len(runs))
