"""Lesson 05's coda: a student that copies outputs which mean nothing, on inputs which are none."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from kd_study.lessons.kit.experiments import ManyStudents, train_many
from kd_study.lessons.kit.what_is_learned import HIDDEN, RATE, ROWS, STEPS, World

EXTRA, NOISE = 64, 512  # outputs that nobody trains, inputs that are no commands
PARTS = ("hidden layer", "class head", "extra head")


def noise_inputs(seed: int = 0) -> Tensor:
    """(512, width) random rows of length 1, about as sparse as a bag of a command, and nothing else."""
    generator = torch.Generator().manual_seed(seed)
    amounts = torch.rand(NOISE, ROWS, generator=generator)
    kept = torch.rand(NOISE, ROWS, generator=generator) < 0.1
    return F.normalize(amounts * kept)


def start_with(count: int, classes: int, other: Sequence[str] = ()) -> ManyStudents:
    """The teachers' own starting weights, but for the parts named in `other`, which come from another draw.

    Outputs: the classes first, then the extra ones. other: of `PARTS`; ValueError for another name.
    """
    if unknown := set(other) - set(PARTS):
        raise ValueError(f"{', '.join(sorted(unknown))}: the parts are {', '.join(PARTS)}")
    start, foreign = (ManyStudents(count, ROWS, HIDDEN, classes + EXTRA, seed) for seed in (0, 1))
    columns = {"class head": slice(0, classes), "extra head": slice(classes, None)}
    with torch.no_grad():
        if "hidden layer" in other:
            start.first.copy_(foreign.first)
        for name in set(other) & set(columns):
            start.second[..., columns[name]] = foreign.second[..., columns[name]]
    return start


def taught_on_noise(world: World, starts: dict[str, Sequence[str]]) -> dict[str, Tensor]:
    """(S,) scores of students that only ever saw noise, and of their teachers, by name.

    The teachers learn their students' commands, on the class outputs alone. Then each student imitates its
    teacher's *extra* outputs on noise: no command, no label, no class output. starts: name → the parts that
    begin elsewhere than the teacher's did.
    """
    classes, inputs = len(world.intents), noise_inputs()
    teachers = start_with(len(world.own), classes)

    def labelled(logits: Tensor) -> Tensor:
        return F.cross_entropy(logits[:, :classes], world.own_labels)

    def score(students: ManyStudents) -> Tensor:
        return world.scores(world.answers(students)[..., :classes])

    found = {"untrained": score(teachers)}
    train_many(teachers, world.inputs[world.own], labelled, STEPS, RATE)
    with torch.no_grad():
        extra = teachers(inputs)[..., classes:].flatten(0, 1)
    for name, other in starts.items():
        students = start_with(len(world.own), classes, other)
        repeated = inputs.expand(len(world.own), -1, -1)
        train_many(students, repeated, lambda z: F.mse_loss(z[:, classes:], extra), STEPS, RATE / 2)
        found[name] = score(students)
    return found | {"the teacher": score(teachers)}
