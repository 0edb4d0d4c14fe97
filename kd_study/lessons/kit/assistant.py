"""The voice assistant of the lessons: what a teacher and a student make of commands in many languages."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn

from kd_solutions.data.commands import ENGLISH, Commands, load_commands
from kd_solutions.evaluation.metrics import accuracy
from kd_solutions.flagship.ladder import Reader
from kd_solutions.models.pretrained import Teacher
from kd_solutions.models.student import StudentModel
from kd_solutions.signals.cached import CachedSignal
from kd_solutions.support.language import say

FIRST_LANGUAGES = ("hu", "fr", "zh")  # of the start page


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
def logits_of(model: Teacher | Reader, texts: list[str]) -> Tensor:
    """(N, intents) of a teacher, whose vectors come from its cache, or of a student or another reader."""
    if isinstance(model, Teacher):
        return model.head(CachedSignal(model, progress=False)(texts).to(model.head.weight.device))
    return model(texts)


def percent_by_language(model: Teacher | Reader, commands: dict[str, Commands]) -> dict[str, float]:
    """Language → share of its commands read rightly, in percent."""
    return {
        language: 100 * accuracy(logits_of(model, sample.texts), sample.labels)
        for language, sample in commands.items()
    }


def favourite_answer(model: Teacher | StudentModel, sample: Commands) -> tuple[str, float]:
    """The intent that a model names most often, and for how many percent of the commands."""
    intents, counts = logits_of(model, sample.texts).argmax(-1).unique(return_counts=True)
    most = counts.argmax()
    return _short(sample.intents[intents[most]]), 100 * counts[most].item() / len(sample)


def asking_for_else(sample: Commands, intent: str, count: int) -> dict[str, str]:
    """The first commands of a sample with another right intent than this one: command → its intent."""
    pairs = zip(sample.texts, sample.labels.tolist(), strict=True)
    others = [(text, _short(sample.intents[label])) for text, label in pairs]
    return dict([pair for pair in others if pair[1] != intent][:count])


def _short(intent: str) -> str:
    return intent.removeprefix("Hass")


class Reading(NamedTuple):
    """What a model takes a command for, and its probability."""

    intent: str
    confidence: float

    def __str__(self) -> str:
        percent = f"{100 * self.confidence:.0f}"
        return say(f"{self.intent} ({percent} %)", f"{self.intent}（{percent}%）")


def side_by_side(teacher: Teacher, student: StudentModel) -> Callable[[str], dict[str, Reading]]:
    """For `try_commands` and `show_answers`: a command → what each of the two takes it for, how surely."""

    @torch.no_grad()
    def answer(command: str) -> dict[str, Reading]:
        return {
            say("teacher", "教师模型"): _reading(teacher([command])[0], student.labels),
            say("student", "学生模型"): _reading(student([command])[0], student.labels),
        }

    return answer


def _reading(logits: Tensor, intents: tuple[str, ...]) -> Reading:
    confidence, best = logits.softmax(-1).max(-1)
    return Reading(_short(intents[best]), confidence.item())


def with_rows_of(
    student: StudentModel,
    texts: list[str],
    trim: Callable[[nn.Embedding, list[int]], tuple[nn.Embedding, dict[int, int]]],
) -> tuple[StudentModel, float]:
    """A copy of the student with only those rows of its table that these texts use, and their share.

    trim: as `trim_vocabulary`. A piece whose row is gone adds nothing.
    """
    whole = student.table.weight.detach()
    used = student.features(texts).ids.unique().tolist()
    smaller, place_of = trim(nn.Embedding.from_pretrained(whole), used)
    kept = torch.zeros_like(whole)
    kept[list(place_of)] = smaller.weight[list(place_of.values())].detach()
    copy = deepcopy(student)
    copy.table.weight.data = kept
    return copy, len(smaller.weight) / len(whole)


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
    names = list(map(_short, student.labels))
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    return [Mistake(names[right], names[read], len(texts), texts[0]) for (right, read), texts in ordered]
