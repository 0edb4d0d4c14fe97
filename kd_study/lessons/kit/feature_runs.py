"""All of lesson 06's ways to learn, and what more of them gave than the lesson has time for.

`python -m kd_study.lessons.kit.feature_runs` makes the record anew, some ten minutes on two CPU cores.
"""

import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from kd_solutions.losses.features import (
    attention_transfer,
    contrastive_kd,
    hint_loss,
    layer_map,
    minilm_relation,
    rkd_distance,
    similarity_preserving,
)
from kd_solutions.support.progress import counting
from kd_study.lessons.kit.features import (
    DEPTH,
    RATE,
    TEACHER_WIDTH,
    WIDTH,
    Beside,
    Hints,
    Loss,
    Scores,
    World,
    asked_again,
    gather,
    labels_alone,
    labels_of_tomorrow,
    mismatched,
    of_today,
    scores,
    scores_tomorrow,
    soft,
)
from kd_study.lessons.kit.insides import Reading

RECORD = Path(__file__).with_name("features_record.json")
RELATION_HEADS = 4
WEIGHTS = {"hints": (30, 100, 300), "distances": (10, 30)}
SEEDS, OTHERS = range(5), range(5, 10)
SLOWER = {"distances": 6e-3, "similarities": 6e-3} | {
    f"logits + {weight} × distances": 10e-3 for weight in WEIGHTS["distances"]
}  # learning rates that are not RATE; all chosen among a few on other templates and seeds
NONE = torch.tensor([])
REPEATED = (
    "untrained",
    "logits",
    "hints",
    "hints, idle projector",
    "distances",
    "logits + 100 × hints",
    "logits + 300 × hints",
    "logits + 10 × distances",
    "logits, later log",
    "hints, later log",
    "teacher asked again",
    "labels of tomorrow",
)  # what the lesson's sentences rest on


class Contrast(nn.Module):
    """Each text's projected vector must find the teacher's vector of the same text in its batch."""

    def __init__(self, loss_function: Callable[..., Tensor] = contrastive_kd):
        super().__init__()
        self.loss_function, self.projector = loss_function, nn.Linear(WIDTH, TEACHER_WIDTH)

    def forward(self, ours: Reading, theirs: Reading) -> Tensor:
        return self.loss_function(self.projector(ours.vectors), theirs.vectors, 0.1)


def pairs() -> list[tuple[int, int]]:
    """(layer of the student, layer of the teacher), spread evenly."""
    return list(enumerate(layer_map(DEPTH, 6), 1))


def hints() -> Hints:
    return Hints(hint_loss, pairs())


def reversed_hints() -> Hints:
    """The student's first layer learns from the teacher's last, its last from the teacher's middle one."""
    ours, theirs = zip(*pairs(), strict=True)
    return Hints(hint_loss, zip(ours, theirs[::-1], strict=True))


def pooled(loss_function: Callable[[Tensor, Tensor], Tensor]) -> Loss:
    """A loss of the two models' sentence vectors."""
    return lambda ours, theirs: loss_function(ours.vectors, theirs.vectors)


def of_values(ours: Reading, theirs: Reading) -> Tensor:
    return minilm_relation(ours.values, theirs.values, RELATION_HEADS, ours.kept)


def of_attention(ours: Reading, theirs: Reading) -> Tensor:
    return attention_transfer(ours.attention, theirs.attention)


WAYS: dict[str, Callable[[], Loss]] = {
    "logits": lambda: soft,
    "hints": hints,
    "hints, idle projector": lambda: hints().requires_grad_(False),
    "hints, layers reversed": reversed_hints,
    "distances": lambda: pooled(rkd_distance),
    "similarities": lambda: pooled(similarity_preserving),
    "contrast": Contrast,
    "attention": lambda: of_attention,
    "value relations": lambda: of_values,
    **{
        f"logits + {weight} × hints": lambda weight=weight: Beside(weight, hints())
        for weight in WEIGHTS["hints"]
    },
    **{
        f"logits + {weight} × distances": lambda weight=weight: Beside(weight, pooled(rkd_distance))
        for weight in WEIGHTS["distances"]
    },
}


CHANGED: dict[str, Callable[[World, World, Iterable[int]], tuple[Tensor, Tensor]]] = {
    "untrained": lambda world, later, seeds: (NONE, scores(world, lambda: soft, seeds, rate=0.0).tomorrow),
    "hints of another text": lambda world, later, seeds: (
        NONE,
        scores(mismatched(world), hints, seeds).tomorrow,
    ),
    "labels of tomorrow": lambda world, later, seeds: (
        NONE,
        scores_tomorrow(later, labels_of_tomorrow, labels_alone, seeds),
    ),
    "teacher asked again": lambda world, later, seeds: (
        NONE,
        scores_tomorrow(later, asked_again, soft, seeds),
    ),
    "logits, later log": lambda world, later, seeds: _both(scores(later, lambda: soft, seeds)),
    "hints, later log": lambda world, later, seeds: _both(scores(later, hints, seeds)),
}  # another log or another head


def _both(found: Scores) -> tuple[Tensor, Tensor]:
    return found.today, found.tomorrow


def result(later: World, way: str, seeds: Iterable[int]) -> dict[str, list[float]]:
    """What a way's students score, a number a seed, rounded to a tenth; an empty list where they don't.

    later: the world whose log has tomorrow's commands, too.
    """
    world, seeds = of_today(later), list(seeds)
    found = (
        CHANGED[way](world, later, seeds)
        if way in CHANGED
        else _both(scores(world, WAYS[way], seeds, SLOWER.get(way, RATE)))
    )
    return {
        day: [round(value, 1) for value in values.tolist()]
        for day, values in zip(("today", "tomorrow"), found, strict=True)
    }


def record() -> None:
    """Runs every way, and again with other seeds what the lesson rests on; keeps after each what it gave."""
    later, sets = gather(), {"lesson": SEEDS, "repeated": OTHERS}
    kept = {
        "command": "python -m kd_study.lessons.kit.feature_runs",
        "date": date.today().isoformat(),
        "machine": "2 CPU cores",
        "unit": "percent of held-out commands, each intent weighing the same",
    } | {name: {"seeds": list(seeds), "ways": {}} for name, seeds in sets.items()}
    runs = [("lesson", way) for way in (*WAYS, *CHANGED)] + [("repeated", way) for way in REPEATED]
    with counting("ways", len(runs)) as advance:
        for name, way in runs:
            kept[name]["ways"][way] = result(later, way, sets[name])
            RECORD.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
            advance(note=way)


def draw_trade(ax: Axes) -> None:
    """The record's means over weights beside the logits: today along, tomorrow up; a star: logits alone."""
    start = [recorded("logits", day).mean() for day in ("today", "tomorrow")]
    for (name, weights), style in zip(WEIGHTS.items(), ("-o", "--s"), strict=True):
        ways = [f"logits + {weight} × {name}" for weight in weights]
        path = [start] + [[recorded(way, day).mean() for day in ("today", "tomorrow")] for way in ways]
        across, up = zip(*path, strict=True)
        ax.plot(across, up, style, color="black", markersize=5, label=f"{name}, with their weight")
        for weight, place in zip(weights, path[1:], strict=True):
            ax.annotate(f"{weight}", place, (5, 4), textcoords="offset points", fontsize=8)
    ax.plot(*start, "k*", markersize=15, label="logits alone")
    ax.set(xlabel="today's commands, %", ylabel="tomorrow's commands, %")
    ax.grid(alpha=0.3)
    ax.legend(loc="lower left", fontsize=8)


def recorded(way: str, day: str, run: str = "lesson") -> Tensor:
    """(S,) what the record has of "today" or "tomorrow", with the "lesson"'s seeds or in the "repeated" run;
    (0,) where that run left the way out."""
    ways = json.loads(RECORD.read_text("utf-8"))[run]["ways"]
    return torch.tensor(ways.get(way, {}).get(day, []))


if __name__ == "__main__":
    record()
