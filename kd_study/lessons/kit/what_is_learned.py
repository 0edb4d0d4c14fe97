"""Lesson 05's world: small students, teachers of several kinds, and what the one has of the other."""

import os
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from kd_solutions.data.commands import load_commands
from kd_solutions.evaluation.intervals import Interval
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.signals.cached import CachedSignal
from kd_solutions.support.language import say
from kd_study.lessons.kit.experiments import (
    ADAM,
    ManyStudents,
    bags,
    few_commands,
    score_by_intent,
    train_many,
)

EACH, MORE = 8, 32  # labelled commands an intent: a student's, and those of a teacher that read more
ROWS, HIDDEN, STEPS, RATE = 256, 32, 200, 0.02
TEACHER_HIDDEN, TEACHER_BATCH, TEACHER_RATE = 128, 64, 0.01
Loss = Callable[[Tensor], Tensor]  # (S · N, C) logits → a scalar


class Teacher(NamedTuple):
    """What S teachers say, each to its own student.

    shown: (S · N, C) logits for the students' commands. held_out: (S, M, C) logits for the held-out ones.
    """

    shown: Tensor
    held_out: Tensor


@dataclass(frozen=True)
class World:
    """S students with N commands each; MiniLM's vectors of all, for teachers that may read more of them.

    own: (S, N) row numbers of a student's commands, equally many of each intent. inputs: (rows, width) bags,
    vectors: (rows, D), labels: (rows,), all training commands.
    """

    intents: tuple[str, ...]
    seeds: tuple[int, ...]
    texts: list[str]
    inputs: Tensor
    vectors: Tensor
    labels: Tensor
    own: Tensor
    held_out_inputs: Tensor
    held_out_vectors: Tensor
    held_out_labels: Tensor

    @property
    def own_labels(self) -> Tensor:
        """(S · N,): of the students' commands, in the order of the logits that a loss is given."""
        return self.labels[self.own].flatten()

    def fresh(self, seed: int = 0, hidden: int = HIDDEN) -> ManyStudents:
        """Untrained students. seed: of their starting weights."""
        return ManyStudents(len(self.own), ROWS, hidden, len(self.intents), seed)

    def train(
        self, loss_function: Loss, steps: int = STEPS, start: ManyStudents | None = None
    ) -> ManyStudents:
        """Students after so many steps on their own commands. start: copied; without it, `fresh()`."""
        students = self.fresh() if start is None else deepcopy(start).requires_grad_()
        return train_many(students, self.inputs[self.own], loss_function, steps, RATE)

    @torch.no_grad()
    def answers(self, students: ManyStudents) -> Tensor:
        """(S, M, C) logits for the held-out commands."""
        return students(self.held_out_inputs)

    def learned(self, loss_function: Loss, steps: int = STEPS, start: ManyStudents | None = None) -> Tensor:
        """`answers` of students after `train`."""
        return self.answers(self.train(loss_function, steps, start))

    def scores(self, answers: Tensor) -> Tensor:
        """(S,) percent of held-out commands read rightly, each intent weighing the same."""
        return score_by_intent(answers, self.held_out_labels)

    def agreement(self, answers: Tensor, teacher: Teacher) -> Tensor:
        """(S,) percent of held-out commands answered as the teacher does, weighed as the scores are."""
        same = answers.argmax(-1) == teacher.held_out.argmax(-1)
        return _by_intent(same, self.held_out_labels)

    def mistakes_repeated(self, answers: Tensor, teacher: Teacher) -> Tensor:
        """(S,) of the held-out commands that its teacher reads wrongly, percent answered just as wrongly."""
        said = teacher.held_out.argmax(-1)
        wrong = said != self.held_out_labels
        same = (answers.argmax(-1) == said) & wrong
        return 100 * same.sum(-1) / wrong.sum(-1)

    @torch.no_grad()
    def as_teacher(self, *students: ManyStudents) -> Teacher:
        """Students that teach: their logits, the mean where they are several."""
        shown = [each(self.inputs[self.own]).flatten(0, 1) for each in students]
        return Teacher(sum(shown) / len(shown), sum(map(self.answers, students)) / len(students))

    def from_vectors(
        self, each: int, epsilon: float = 0.0, stops: Sequence[int] = (1000,), apart: bool = False
    ) -> list[Teacher]:
        """Teachers on MiniLM's vectors: one hidden layer, trained on so many labelled commands an intent.

        epsilon: of label smoothing. stops: steps after which the same run is asked; the rate falls to zero
        at the last. apart: none of these commands is its student's; otherwise the student's are among them.
        """
        known = self.rows_of_teachers(each, apart)
        teachers = ManyStudents(len(known), self.vectors.shape[1], TEACHER_HIDDEN, len(self.intents), seed=7)
        optimizer = ADAM(teachers.parameters(), lr=TEACHER_RATE)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=stops[-1])
        generator = torch.Generator().manual_seed(0)
        found = []
        for step in range(1, stops[-1] + 1):
            batch = known[:, torch.randint(known.shape[1], (TEACHER_BATCH,), generator=generator)]
            logits, right = teachers(self.vectors[batch]).flatten(0, 1), self.labels[batch].flatten()
            loss = F.cross_entropy(logits, right, label_smoothing=epsilon) * len(known)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if step in stops:
                with torch.no_grad():
                    shown = teachers(self.vectors[self.own]).flatten(0, 1)
                    found.append(Teacher(shown, teachers(self.held_out_vectors)))
        return found

    def rows_of_teachers(self, each: int, apart: bool) -> Tensor:
        """(S, rows): numbers of the commands that a student's teacher learns from."""
        taught = self.own.shape[1] // len(self.intents) if apart else 0
        rows = [few_commands(self.labels, each + taught, seed) for seed in self.seeds]
        if apart:
            rows = [some[~torch.isin(some, own)] for some, own in zip(rows, self.own, strict=True)]
        return torch.stack(rows)


def chosen_seeds(few: int = 6, many: int = 20) -> range:
    """The students of the lesson: few, or many where FULL=1 is in the environment."""
    return range(many if os.environ.get("FULL") == "1" else few)


def gather(seeds: Sequence[int], each: int = EACH) -> World:
    """A student a seed, with so many English commands of every intent."""
    commands, held_out = load_commands("en", "train"), load_commands("en", "test")
    vectors_of = CachedSignal(PretrainedTeacher(), progress=False)
    return World(
        commands.intents,
        tuple(seeds),
        commands.texts,
        bags(commands.texts, ROWS),
        vectors_of(commands.texts),
        commands.labels,
        torch.stack([few_commands(commands.labels, each, seed) for seed in seeds]),
        bags(held_out.texts, ROWS),
        vectors_of(held_out.texts),
        held_out.labels,
    )


def first_layer_of(students: ManyStudents, fresh: ManyStudents) -> ManyStudents:
    """Fresh students whose first layer is that of trained ones."""
    with torch.no_grad():
        fresh.first.copy_(students.first)
        fresh.first_bias.copy_(students.first_bias)
    return fresh


def permuted(logits: Tensor, labels: Tensor, seed: int = 0) -> Tensor:
    """(N, C) logits whose wrong classes changed places in each row; the right class keeps its own."""
    is_wrong = ~F.one_hot(labels, logits.shape[1]).bool()
    wrong = logits[is_wrong].view(len(logits), -1)
    order = torch.rand(wrong.shape, generator=torch.Generator().manual_seed(seed)).argsort(1)
    mixed = logits.clone()
    mixed[is_wrong] = wrong.gather(1, order).flatten()
    return mixed


def with_wrong_spread(logits: Tensor, labels: Tensor, factor: float) -> Tensor:
    """(N, C) logits whose wrong classes stand `factor` times as far from their mean; 0 makes them equal."""
    is_wrong = ~F.one_hot(labels, logits.shape[1]).bool()
    wrong = logits[is_wrong].view(len(logits), -1)
    mean = wrong.mean(1, keepdim=True)
    changed = logits.clone()
    changed[is_wrong] = (mean + factor * (wrong - mean)).flatten()
    return changed


def wrong_spread(logits: Tensor, labels: Tensor) -> float:
    """How far a row's wrong logits differ (standard deviation), in percent of their way to the right one."""
    is_wrong = ~F.one_hot(labels, logits.shape[1]).bool()
    wrong = logits[is_wrong].view(len(logits), -1)
    distance = logits[~is_wrong] - wrong.mean(1)
    return 100 * (wrong.std(1).mean() / distance.mean()).item()


def drawn(probabilities: Tensor, count: int, seed: int = 0) -> Tensor:
    """(N, C): the shares of each class in `count` draws from each row."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.multinomial(probabilities, count, replacement=True, generator=generator)
    return F.one_hot(classes, probabilities.shape[1]).float().mean(1)


def _by_intent(hits: Tensor, labels: Tensor) -> Tensor:
    """(…, M) hits → (…) their percent, each intent weighing the same."""
    return 100 * torch.stack(
        [hits[..., labels == intent].float().mean(-1) for intent in labels.unique()]
    ).mean(0)


def in_tenths(found: Interval) -> str:
    """A difference with its 95 % interval to a tenth of a point, such as `+0.6 (+0.4 to +0.7)`."""
    mean, low, high = (f"{round(value, 1) + 0.0:+.1f}".replace("-", "−") for value in found)
    return say(f"{mean} ({low} to {high})", f"{mean}（{low}至{high}）")
