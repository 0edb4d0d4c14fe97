"""Teachers of several languages that read another one: what each says of its commands, and how near it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from kd_solutions.data.commands import load_commands
from kd_study.lessons.kit.experiments import ManyStudents, bags, few_commands, train_many

ROWS, HIDDEN, STEPS, RATE = 512, 32, 60, 0.03


@dataclass(frozen=True)
class Neighbours:
    """K teachers, S times with other commands, on N commands of the target language.

    logits: (S, K, N, C). together: (S, N, C), one teacher that learned all the languages' labels. labels:
    (N,). similarities: (K,), the cosine of the languages' mean counts of pieces of words, without any label.
    """

    logits: Tensor
    together: Tensor
    labels: Tensor
    similarities: Tensor


def ask_neighbours(target: str, sources: Sequence[str], seeds: Sequence[int], each: int = 10) -> Neighbours:
    """Small teachers, each trained on so many labelled commands an intent of its own language.

    Of the intents that all the languages have so many commands of.
    """
    *teachers, other = (load_commands(language, "dev") for language in (*sources, target))
    classes = len(other.intents)
    enough = [torch.bincount(known.labels, minlength=classes) >= each for known in (*teachers, other)]
    common = torch.stack(enough).all(0)
    *inputs, read = (bags(known.texts, ROWS) for known in (*teachers, other))
    similarities = [F.cosine_similarity(one.mean(0), read.mean(0), dim=0) for one in inputs]

    def drawn(seed: int) -> tuple[Tensor, Tensor]:
        """(K, M, width) inputs and (K, M) labels."""
        rows = [few_commands(known.labels, each, seed) for known in teachers]
        rows = [some[common[known.labels[some]]] for some, known in zip(rows, teachers, strict=True)]
        return (
            torch.stack([one[some] for one, some in zip(inputs, rows, strict=True)]),
            torch.stack([known.labels[some] for known, some in zip(teachers, rows, strict=True)]),
        )

    x, y = map(torch.stack, zip(*map(drawn, seeds), strict=True))
    asked = common[other.labels]

    def taught(x: Tensor, y: Tensor) -> Tensor:
        students = ManyStudents(len(x), ROWS, HIDDEN, classes)
        train_many(students, x, lambda logits: F.cross_entropy(logits, y.flatten()), STEPS, RATE)
        return students(read[asked]).detach()

    alone = taught(x.flatten(0, 1), y.flatten(0, 1)).unflatten(0, x.shape[:2])
    together = taught(x.flatten(1, 2), y.flatten(1, 2))
    return Neighbours(alone, together, other.labels[asked], torch.stack(similarities))
