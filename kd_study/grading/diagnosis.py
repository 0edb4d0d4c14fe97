"""Which known mistake does a function behave like? Behaviour is compared, never source."""

from collections.abc import Callable

import torch

from kd_study.exercises.base import Exercise, WrongAnswer
from kd_study.exercises.expectations import is_close


def diagnose(function: Callable, exercise: Exercise) -> WrongAnswer | None:
    """The wrong answer that `function` behaves like, or None where there is none, or no telling which.

    A function that computes something else than the reference must agree with the wrong answer on all that it
    computes; ties are broken by the edges. One that computes the same must show all the edges at which the
    wrong answer differs from the reference.
    """
    ours = exercise.behaviour(exercise.reference)
    known = [(wrong, exercise.behaviour(wrong.function)) for wrong in exercise.wrong_answers]
    theirs = exercise.behaviour(function)  # last, for it may change torch's defaults
    computes_the_same = same(theirs[0], ours[0])

    scores: dict[int, list[WrongAnswer]] = {}
    for wrong, (ordinary, edge) in known:
        if not same(ordinary, theirs[0]):
            continue
        signature = [name for name in ours[1] if not same(edge[name], ours[1][name])]
        if computes_the_same and not (
            signature and all(same(edge[name], theirs[1][name]) for name in signature)
        ):
            continue
        agreed = signature if computes_the_same else [n for n in ours[1] if same(edge[n], theirs[1][n])]
        scores.setdefault(len(agreed), []).append(wrong)

    best = scores.get(max(scores, default=0), [])
    return best[0] if len(best) == 1 else None


def same(a, b) -> bool:
    """Whether two outcomes agree: tensors and numbers to float accuracy, the rest exactly."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if _numeric(a) and _numeric(b):
        return is_close(a, b, tolerance=1e-3)
    if _numeric(a) or _numeric(b):
        return False
    return type(a) is type(b) and a == b


def _numeric(value) -> bool:
    return isinstance(value, torch.Tensor | int | float) and not isinstance(value, bool)
