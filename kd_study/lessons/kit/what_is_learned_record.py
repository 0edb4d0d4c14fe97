"""The sentences of lesson 05 as numbers, for any seeds, and what they were over more of them.

`python -m kd_study.lessons.kit.what_is_learned_record` measures them anew, some minutes on one core.
"""

import json
from datetime import date
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from kd_solutions.evaluation.intervals import Interval, paired_t_interval
from kd_solutions.losses.crosslingual import selective_kd
from kd_solutions.losses.response import distillation_kl, dkd_loss, kd_loss, soft_targets
from kd_solutions.support.files import write_whole
from kd_study.lessons.kit.subliminal import taught_on_noise
from kd_study.lessons.kit.what_is_learned import (
    Loss,
    Teacher,
    World,
    drawn,
    gather,
    permuted,
    with_wrong_spread,
)

RECORD = Path(__file__).with_name("what_is_learned.json")
FULL, REPEATED = range(20), range(100, 105)
EPSILON = 0.3  # the lesson's choice, made on students of their own
COMMAND = "python -m kd_study.lessons.kit.what_is_learned_record"


def from_teacher(logits: Tensor, temperature: float = 4.0) -> Loss:
    """`distillation_kl` from these (S · N, C) logits."""
    return lambda own: distillation_kl(own, logits, temperature)


def claims(
    seeds: range, each: int = 8, more: int = 32, stops: tuple[int, int] = (200, 1000)
) -> dict[str, Interval]:
    """What the lesson says, each a paired difference with its 95 % interval over these seeds, in points."""
    world = gather(seeds, each)
    return copies(world) | teachers(world, more, stops) | on_noise(world)


def copies(world: World) -> dict[str, Interval]:
    """Copying against being right: students of a twin, and one that never met it."""
    labels = world.own_labels
    alone = world.learned(lambda own: F.cross_entropy(own, labels))
    smoothed = world.learned(lambda own: F.cross_entropy(own, labels, label_smoothing=EPSILON))
    twin = world.train(lambda own: F.cross_entropy(own, labels), start=world.fresh(1))
    teacher = world.as_teacher(twin)
    again = world.learned(from_teacher(teacher.shown))
    inherited = world.learned(from_teacher(teacher.shown), start=twin)
    (pretrained,) = world.from_vectors(world.own.shape[1] // len(world.intents), stops=(300,))
    same_labels = world.learned(from_teacher(pretrained.shown))
    return {
        "smoothing over labels": _gain(world, smoothed, alone),
        "twin's student over labels": _gain(world, again, alone),
        "twin's student over smoothing": _gain(world, again, smoothed),
        "the same, agreement with the twin": paired_t_interval(
            world.agreement(again, teacher), world.agreement(smoothed, teacher)
        ),
        "MiniLM's student, the same labels, over labels": _gain(world, same_labels, alone),
        "MiniLM's student, the same labels, over smoothing": _gain(world, same_labels, smoothed),
        "from the twin's layers over from anew": _gain(world, inherited, again),
        "the same, agreement": paired_t_interval(
            world.agreement(inherited, teacher), world.agreement(again, teacher)
        ),
    }


def teachers(world: World, more: int = 32, stops: tuple[int, int] = (200, 1000)) -> dict[str, Interval]:
    """Better teachers and what becomes of their students."""
    labels = world.own_labels
    (early, plain), (early_smooth, smooth) = (
        world.from_vectors(more, epsilon, stops) for epsilon in (0.0, EPSILON)
    )
    apart = [
        world.learned(from_teacher(teacher.shown))
        for teacher in world.from_vectors(more, EPSILON, stops, apart=True)
    ]
    learned = {
        (name, temperature): world.learned(from_teacher(teacher.shown, temperature))
        for name, teacher in (
            ("early", early),
            ("plain", plain),
            ("early smooth", early_smooth),
            ("smooth", smooth),
        )
        for temperature in (1.0, 4.0)
    }
    smoothed = world.learned(lambda own: F.cross_entropy(own, labels, label_smoothing=EPSILON))
    alone = world.learned(lambda own: F.cross_entropy(own, labels))
    soft = soft_targets(plain.shown, 4.0)
    few = drawn(soft, 16)
    both = world.learned(lambda own: kd_loss(own, smooth.shown, labels))
    selected = world.learned(
        lambda own: (selective_kd(own, smooth.shown, labels, 4.0) + F.cross_entropy(own, labels)) / 2
    )

    def evened(teacher: Teacher) -> Tensor:
        return world.learned(from_teacher(with_wrong_spread(teacher.shown, labels, 0)))

    return {
        "smoothed teacher over plain": _gain(world, smooth.held_out, plain.held_out),
        "its student, T = 4": _gain(world, learned["smooth", 4.0], learned["plain", 4.0]),
        "its student, T = 1": _gain(world, learned["smooth", 1.0], learned["plain", 1.0]),
        "each at its better temperature": _gain(world, learned["smooth", 1.0], learned["plain", 4.0]),
        "its student over smoothing alone, T = 4": _gain(world, learned["smooth", 4.0], smoothed),
        "its student, T = 4, both stopped early": _gain(
            world, learned["early smooth", 4.0], learned["early", 4.0]
        ),
        "smoothed teacher to the end over stopped early": _gain(
            world, smooth.held_out, early_smooth.held_out
        ),
        "then its student, T = 4": _gain(world, learned["smooth", 4.0], learned["early smooth", 4.0]),
        "then its student, T = 4, on commands that the teacher hadn't": _gain(world, apart[1], apart[0]),
        "then its student, T = 1": _gain(world, learned["smooth", 1.0], learned["early smooth", 1.0]),
        "stopped early, over evened": _gain(world, learned["early smooth", 4.0], evened(early_smooth)),
        "to the end, over evened": _gain(world, learned["smooth", 4.0], evened(smooth)),
        "plain teacher to the end over stopped early": _gain(world, plain.held_out, early.held_out),
        "then the plain one's student, T = 4": _gain(world, learned["plain", 4.0], learned["early", 4.0]),
        "then the plain one's student, T = 1": _gain(world, learned["plain", 1.0], learned["early", 1.0]),
        "plain teacher's student over labels, T = 4": _gain(world, learned["plain", 4.0], alone),
        "the same, T = 1": _gain(world, learned["plain", 1.0], alone),
        "the same, T = 1, the brake off": _gain(
            world, world.learned(lambda own: dkd_loss(own, plain.shown, labels, 1.0, 1.0, 1.0)), alone
        ),
        "the same, T = 4, permuted": _gain(
            world, world.learned(from_teacher(permuted(plain.shown, labels))), alone
        ),
        "whole distribution over 16 draws": _gain(
            world,
            learned["plain", 4.0],
            world.learned(lambda own: 16 * F.cross_entropy(own / 4, few)),
        ),
        "selected rows over all rows, smoothed teacher": _gain(world, selected, both),
    }


def on_noise(world: World) -> dict[str, Interval]:
    """What passes through outputs that mean nothing."""
    found = taught_on_noise(
        world,
        {
            "same start": (),
            "other hidden layer": ("hidden layer",),
            "other extra head": ("extra head",),
            "other class head": ("class head",),
        },
    )
    untrained = found.pop("untrained")
    found.pop("the teacher")
    return {f"noise: {name}": paired_t_interval(score, untrained) for name, score in found.items()}


def read_record() -> dict[str, dict[str, Interval]]:
    """ "full" and "repeated" → sentence → its interval, as measured on the record's day."""
    kept = json.loads(RECORD.read_text(encoding="utf-8"))
    return {
        part: {name: Interval(*values) for name, values in kept[part]["claims"].items()}
        for part in ("full", "repeated")
    }


def measure() -> None:
    """Writes the record anew."""
    torch.set_num_threads(1)
    kept = {"date": date.today().isoformat(), "command": COMMAND, "machine": "2 CPU cores, one used"}
    for part, seeds in (("full", FULL), ("repeated", REPEATED)):
        found = {name: [round(value, 2) for value in each] for name, each in claims(seeds).items()}
        kept[part] = {"seeds": f"{seeds[0]} to {seeds[-1]}", "claims": found}
    write_whole(RECORD, (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode())


def _gain(world: World, answers: Tensor, rival: Tensor) -> Interval:
    return paired_t_interval(world.scores(answers), world.scores(rival))


if __name__ == "__main__":
    measure()
