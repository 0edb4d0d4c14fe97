"""Lesson 04's claims with other students, and the rates of its kinds of student: `python -m` this module.

It takes some minutes and writes `design_choices.json` beside itself, which the lesson shows.
"""

import datetime
import json
from collections.abc import Callable, Iterable

from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.evaluation.intervals import Interval, paired_t_interval
from kd_solutions.losses.response import dist_loss, distillation_kl, logit_mse, soft_targets
from kd_solutions.losses.sequences import top_k_kd
from kd_solutions.support.files import write_whole
from kd_study.lessons.kit.design_choices import (
    OPTIMIZERS,
    OTHERS,
    RECORD,
    Loss,
    World,
    best,
    gather_world,
    grown,
    label_loss,
    probability_mse,
    scores,
    taught,
    tried,
    warm_kl,
)
from kd_study.lessons.kit.families import bag, convolution, transformer

BAG, KINDS = bag(), {"bag of pieces": bag(), "convolution": convolution(), "transformer": transformer()}
RAISED = {"bag": bag(128), "transformer": transformer(32)}
KIND_RATES = (0.0025, 0.005, 0.01, 0.02)
LOSS_RATES = (0.005, 0.01, 0.02, 0.04, 0.08)
SECOND_RATES = (0.005, 0.02, 0.08, 0.32)
LOWEST = {"SGD": 0.1, "momentum": 0.08, "Adam": 0.001, "AdamW": 0.001}
SWEEP = 8  # rates of each optimiser, a factor of two apart
LOSSES = {
    "T²·KL, T = 4": warm_kl,
    "KL, T = 1": lambda s, t: distillation_kl(s, t, 1.0),
    "MSE of logits": lambda s, t: F.mse_loss(s, t) / 2,
    "MSE of logits, centred": logit_mse,
    "MSE of probabilities, T = 4": lambda s, t: probability_mse(s, t, 4.0),
    "MSE of probabilities, T = 1": lambda s, t: probability_mse(s, t, 1.0),
    "DIST, T = 4": lambda s, t: dist_loss(s, t, temperature=4.0),
}
SECOND = ("T²·KL, T = 4", "KL, T = 1", "MSE of probabilities, T = 1")  # for those that begin sure and wrong
STORED, STORED_RATES = (1, 4, 16), (0.0025, 0.005, 0.01, 0.02)


def kind_rates(world: World) -> dict[str, dict[str, float]]:
    """Kind of student → the best rate with labels and with the teacher, for the `OTHERS`."""
    return {
        name: {
            "labels": best(tried(world, kind, label_loss, KIND_RATES, teacher="labels")),
            "teacher": best(tried(world, kind, warm_kl, KIND_RATES)),
        }
        for name, kind in KINDS.items()
    }


def kind_claims(world: World, seeds: Iterable[int], rates: dict) -> dict[str, Interval]:
    """Points between kinds of student, of teacher, of assistant; the teachers are raised anew, too."""
    seeds = list(seeds)
    for name, kind in RAISED.items():
        world.answers[name], _ = grown(world, kind, label_loss, 0.01, seed=seeds[0])
        world.answers[f"{name} assistant"], _ = grown(world, kind, warm_kl, 0.01, "MiniLM", seed=seeds[0])

    def found(kind: str, teacher: str = "MiniLM", **settings):
        rate = rates[kind]["teacher"]
        return scores(world, KINDS[kind], warm_kl, seeds, teacher=teacher, rate=rate, **settings)

    bags, transformers = found("bag of pieces"), found("transformer")
    claims = {"transformer over bag": paired_t_interval(transformers, bags)}
    for kind in ("bag of pieces", "transformer"):
        claims[f"bag over transformer teacher, {kind}"] = paired_t_interval(
            found(kind, "bag"), found(kind, "transformer")
        )
    for name in RAISED:
        claims[f"{name} assistant over MiniLM"] = paired_t_interval(
            found("bag of pieces", f"{name} assistant"), bags
        )
    return claims


def loss_rates(world: World) -> dict[str, float]:
    """Loss → its best rate for the `OTHERS`."""
    return {name: best(tried(world, BAG, loss, LOSS_RATES)) for name, loss in LOSSES.items()}


def misled_students(world: World, seeds: Iterable[int]) -> nn.Module:
    """Bag students that learned each label as its neighbour, and are sure of it."""
    world.answers["wrong labels"] = world.answers["labels"].roll(1, dims=1)
    return taught(world, BAG, label_loss, seeds, teacher="wrong labels", steps=100)


def second_rates(world: World) -> dict[str, float]:
    """Loss → its best rate for the `OTHERS` where they begin sure and wrong."""
    start = misled_students(world, OTHERS)
    return {name: best(tried(world, BAG, LOSSES[name], SECOND_RATES, start=start)) for name in SECOND}


def loss_claims(world: World, seeds: Iterable[int], rates: dict, second: dict) -> dict[str, Interval]:
    """Points over KL at T = 4; and over KL at T = 1 for students that begin sure and wrong."""
    seeds = list(seeds)
    by_loss = {name: scores(world, BAG, loss, seeds, rate=rates[name]) for name, loss in LOSSES.items()}
    warm, *others = by_loss
    start = misled_students(world, seeds)
    cold, squares = (
        scores(world, BAG, LOSSES[name], seeds, rate=second[name], start=start) for name in SECOND[1:]
    )
    claims = {f"{name} over KL": paired_t_interval(by_loss[name], by_loss[warm]) for name in others}
    return claims | {"sure and wrong": paired_t_interval(squares, cold)}


def stored_loss(count: int, function: Callable[..., Tensor] = top_k_kd) -> Loss:
    """`top_k_kd` at T = 4 of a teacher of whom so many of the most probable classes were stored."""

    def loss(logits: Tensor, answers: Tensor) -> Tensor:
        return function(logits, *soft_targets(answers, 4.0).topk(count), 4.0)

    return loss


def stored_rates(world: World) -> dict[str, float]:
    """Number of stored classes → its best rate for the `OTHERS`."""
    return {str(count): best(tried(world, BAG, stored_loss(count), STORED_RATES)) for count in STORED}


def optimizer_rates(world: World) -> dict[str, float]:
    """Optimiser → the best of its rates for the `OTHERS`."""
    return {
        name: best(
            tried(
                world,
                BAG,
                warm_kl,
                [low * 2**step for step in range(SWEEP)],
                optimizer=OPTIMIZERS[name],
            )
        )
        for name, low in LOWEST.items()
    }


def optimizer_claims(world: World, seeds: Iterable[int], rates: dict) -> dict[str, Interval]:
    """Points over Adam, each at its best rate."""
    seeds = list(seeds)
    found = {
        name: scores(world, BAG, warm_kl, seeds, rate=rate, optimizer=OPTIMIZERS[name])
        for name, rate in rates.items()
    }
    others = [name for name in found if name != "Adam"]
    return {f"{name} over Adam": paired_t_interval(found[name], found["Adam"]) for name in others}


def more_commands(world: World, seeds: Iterable[int], rates: dict) -> dict[str, float]:
    """Mean scores with twenty commands an intent."""
    return {
        name: scores(world, kind, warm_kl, seeds, each=20, rate=rates[name]["teacher"]).mean().item()
        for name, kind in KINDS.items()
    }


def main() -> None:
    world = gather_world()
    rates = {
        "kinds": kind_rates(world),
        "losses": loss_rates(world),
        "second": second_rates(world),
        "stored": stored_rates(world),
        "optimizers": optimizer_rates(world),
    }

    def run(seeds: range) -> dict:
        found = (
            kind_claims(world, seeds, rates["kinds"])
            | loss_claims(world, seeds, rates["losses"], rates["second"])
            | optimizer_claims(world, seeds, rates["optimizers"])
        )
        points = {name: [round(value, 1) for value in values] for name, values in found.items()}
        return {"seeds": [seeds[0], seeds[-1]], "points": points}

    more = more_commands(world, range(5), rates["kinds"])
    content = {
        "command": "python -m kd_study.lessons.kit.design_record",
        "date": datetime.date.today().isoformat(),
        "machine": "2 CPU cores",
        "rates": rates,
        "repeated": run(range(200, 205)),
        "full": run(range(20)),
        "twenty_commands": {name: round(score, 1) for name, score in more.items()},
    }
    write_whole(RECORD, json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")


if __name__ == "__main__":
    main()
