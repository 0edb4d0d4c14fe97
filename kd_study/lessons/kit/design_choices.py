"""Lesson 04's kit: kinds of student, losses and optimisers, each tuned alike, and what they score."""

import json
import os
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.data.commands import Commands, load_commands
from kd_solutions.evaluation.intervals import Interval
from kd_solutions.losses.response import distillation_kl, soft_targets
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.signals.cached import CachedSignal
from kd_study.lessons.kit.experiments import ADAM, bags, few_commands, score_by_intent, train_head, train_many
from kd_study.lessons.kit.families import Family, number_words

RECORD = Path(__file__).with_name("design_choices.json")
ROWS, EACH, STEPS = 256, 2, 200
OTHERS = range(100, 105)  # the students that settings are chosen on; no result is reported of them
OPTIMIZERS = {
    "SGD": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "Adam": ADAM,
    "AdamW": partial(torch.optim.AdamW, fused=True, weight_decay=0.1),
}

Loss = Callable[[Tensor, Tensor], Tensor]  # (rows, classes) logits of students and of a teacher → their mean


def warm_kl(logits: Tensor, answers: Tensor) -> Tensor:
    """T² · KL at T = 4."""
    return distillation_kl(logits, answers, 4.0)


def label_loss(logits: Tensor, answers: Tensor) -> Tensor:
    """Cross-entropy with the teacher's probabilities as they are: with labels, if those are the teacher."""
    return F.cross_entropy(logits, answers.softmax(-1))


def probability_mse(logits: Tensor, answers: Tensor, temperature: float) -> Tensor:
    """Row mean of C · T² / 2 · ‖q − p‖², q and p the probabilities at T; for large T it is `logit_mse`."""
    gap = soft_targets(logits, temperature) - soft_targets(answers, temperature)
    return temperature**2 * gap.shape[1] * gap.square().sum(1).mean() / 2


class Part(NamedTuple):
    """Commands as every family reads them: inputs["bags"] (N, rows), inputs["words"] (N, L); labels (N,)."""

    inputs: dict[str, Tensor]
    labels: Tensor


@dataclass(frozen=True)
class World:
    """English commands to learn from, two parts to score on, and what teachers say of the first.

    pieces: (K, rows), the words by their pieces. answers: teacher → (N, classes) logits; "labels" is a
    teacher that is sure of every label, and further ones may join.
    """

    intents: tuple[str, ...]
    pieces: Tensor
    known: Part
    development: Part
    test: Part
    answers: dict[str, Tensor]


def gather_world() -> World:
    """The commands of lesson 01 and its teacher; the held-out ones in two parts that share no template.

    The teacher itself isn't loaded where its vectors are cached.
    """
    commands, held_out = load_commands("en", "train"), load_commands("en", "test")
    vectors = CachedSignal(PretrainedTeacher())(commands.texts)
    head = train_head(vectors, commands.labels, len(commands.intents))
    first = _half_of_templates(held_out)
    answers = {
        "MiniLM": head(vectors),
        "labels": 1e4 * F.one_hot(commands.labels, len(commands.intents)).float(),
    }
    numbers, pieces = number_words([*commands.texts, *held_out.texts], ROWS)
    counts = bags(commands.texts, ROWS), bags(held_out.texts, ROWS)
    known = Part({"bags": counts[0], "words": numbers[: len(commands)]}, commands.labels)
    asked = Part({"bags": counts[1], "words": numbers[len(commands) :]}, held_out.labels)
    return World(commands.intents, pieces, known, _of(asked, first), _of(asked, ~first), answers)


def _of(part: Part, rows: Tensor) -> Part:
    return Part({name: values[rows] for name, values in part.inputs.items()}, part.labels[rows])


def _half_of_templates(commands: Commands) -> Tensor:
    """(N,) bool: of each intent every second template; where it has but one, every second command."""
    first = torch.zeros(len(commands), dtype=torch.bool)
    for intent in commands.labels.unique():
        rows = (commands.labels == intent).nonzero().squeeze(1)
        templates, place = commands.templates[rows].unique(return_inverse=True)
        first[rows] = (place if len(templates) > 1 else torch.arange(len(rows))) % 2 == 0
    return first


def taught(
    world: World,
    family: Family,
    loss: Loss,
    seeds: Iterable[int],
    teacher: str = "MiniLM",
    rate: float = 0.02,
    optimizer: Callable[..., torch.optim.Optimizer] = ADAM,
    each: int = EACH,
    steps: int = STEPS,
    start: nn.Module | None = None,
) -> nn.Module:
    """A student a seed, each on commands of its own, after so many steps from the same starting weights.

    start: students to begin with in the place of new ones; they stay as they are.
    """
    seeds = list(seeds)
    rows = torch.stack([few_commands(world.known.labels, each, seed) for seed in seeds])
    answers = world.answers[teacher][rows.flatten()]
    new = family.build(world.pieces, len(world.intents), len(seeds), seeds[0])
    students = new if start is None else deepcopy(start)
    inputs = world.known.inputs[family.reads][rows]
    return train_many(students, inputs, lambda logits: loss(logits, answers), steps, rate, optimizer)


@torch.no_grad()
def read(family: Family, students: nn.Module, part: Part) -> Tensor:
    """(S,) scores of students in percent, each intent weighing the same."""
    return score_by_intent(students(part.inputs[family.reads]), part.labels)


def scores(world: World, family: Family, loss: Loss, seeds: Iterable[int], **settings) -> Tensor:
    """(S,) scores on the test part of students that were `taught` so."""
    return read(family, taught(world, family, loss, seeds, **settings), world.test)


def tried(world: World, family: Family, loss: Loss, rates: Iterable[float], **settings) -> dict[float, float]:
    """Rate → mean score of the `OTHERS` on the development part: what a rate is chosen by."""
    return {
        rate: read(family, taught(world, family, loss, OTHERS, rate=rate, **settings), world.development)
        .mean()
        .item()
        for rate in rates
    }


def best(found: dict[float, float]) -> float:
    return max(found, key=found.get)


def grown(
    world: World, family: Family, loss: Loss, rate: float, teacher: str = "labels", seed: int = 0
) -> tuple[Tensor, float]:
    """A teacher, raised on up to 20 commands an intent: its logits for all commands, and its score."""
    network = taught(world, family, loss, [seed], teacher, rate, each=20, steps=100)
    with torch.no_grad():
        answers = [network(some)[0] for some in world.known.inputs[family.reads].split(2_000)]
    return torch.cat(answers), read(family, network, world.test).item()


def seeds_for(short: int) -> range:
    """So many seeds, or 20 where FULL=1 stands in the environment."""
    return range(20 if os.environ.get("FULL") == "1" else short)


def record() -> dict:
    """What longer runs gave, and the rates of each kind of student: written by `design_record`."""
    return json.loads(RECORD.read_text("utf-8"))


def draw_two(ax: Axes, rows: dict[str, tuple[Interval, Interval]], names: tuple[str, str], unit: str) -> None:
    """A row a name with two marks and their intervals, the first hollow and a little above the second."""
    for number, (name, style) in enumerate(zip(names, ({"markerfacecolor": "white"}, {}), strict=True)):
        places = [place + 0.26 * (number - 0.5) for place in range(len(rows))]
        found = [both[number] for both in rows.values()]
        ax.hlines(places, [each.low for each in found], [each.high for each in found], color="black")
        ax.plot([each.mean for each in found], places, "ko" if number else "ks", label=name, **style)
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(f"{unit}, with 95 % interval")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
