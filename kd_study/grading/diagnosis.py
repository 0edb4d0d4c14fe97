"""Which known mistakes does a function behave like? Behaviour is compared, never source.

Behaviour is in two parts: what a function computes on ordinary inputs, and how it behaves at the edges. Real code
seldom has one mistake, so that two may have to be told by what they do together.
"""

from functools import cache
from itertools import combinations
from typing import NamedTuple

import torch

from kd_study.exercises.base import Exercise, WrongAnswer
from kd_study.exercises.expectations import is_close
from kd_study.grading.guard import Guarded, Unguarded
from kd_study.grading.state import World, reseed, usual_world

_ABSENT = object()  # of a leaf that one behaviour has and another hasn't, where one of the two raised
_RELATIVE = 2e-3  # how closely two mistakes must make up what a function computes


class _Behaviour(NamedTuple):
    """What is computed, leaf by leaf, and what happens at each edge."""

    ordinary: dict[str, object]
    edges: dict[str, object]


class _Known(NamedTuple):
    """A wrong answer, its behaviour, whether it computes what the reference does, and the edges where it doesn't."""

    wrong: WrongAnswer
    behaviour: _Behaviour
    computes_right: bool
    errs_at: frozenset[str]


def diagnose(guarded: Guarded, exercise: Exercise) -> list[WrongAnswer]:
    """The wrong answers that a function behaves like, the chief one first; none where there is no telling.

    guarded: the function as the judge calls it. Results that are right but for their form are looked at as they
    are, then in the right form.
    """
    right, bank = known_mistakes(exercise)
    found = _named(_observed(exercise, guarded.unguarded()), right, bank)
    return found or _named(_observed(exercise, guarded.unguarded(loosened=True)), right, bank)


@cache
def known_mistakes(exercise: Exercise) -> tuple[_Behaviour, list[_Known]]:
    """What the reference does, and what every wrong answer does, whatever the state of this process is."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # more cost time on inputs as small as these, and much of it on a busy machine
    try:
        with usual_world():
            world = World(exercise.uses_randomness)
            right, *wrong = (
                _observed(exercise, Unguarded(function, world, libraries=False))
                for function in (exercise.reference, *(one.function for one in exercise.wrong_answers))
            )
    finally:
        torch.set_num_threads(threads)
    return right, [
        _known(one, behaviour, right) for one, behaviour in zip(exercise.wrong_answers, wrong, strict=True)
    ]


def _observed(exercise: Exercise, function: Unguarded) -> _Behaviour:
    reseed()
    ordinary, edges = exercise.behaviour(function)
    return _Behaviour(
        _leaves(ordinary), edges | {"what it changes": function.changes and function.changes.en}
    )


def _known(wrong: WrongAnswer, behaviour: _Behaviour, right: _Behaviour) -> _Known:
    errs_at = frozenset(name for name in right.edges if not same(behaviour.edges[name], right.edges[name]))
    return _Known(wrong, behaviour, same(behaviour.ordinary, right.ordinary), errs_at)


def _named(theirs: _Behaviour, right: _Behaviour, bank: list[_Known]) -> list[WrongAnswer]:
    found: list[_Known] = []
    if not same(theirs.ordinary, right.ordinary):
        alike = [known for known in bank if same(known.behaviour.ordinary, theirs.ordinary)]
        found = _one(theirs, alike) if alike else _two(theirs, right, bank)
        if not found:
            return []
    return [known.wrong for known in _with_edges(found, theirs, right, bank)]


def _one(theirs: _Behaviour, alike: list[_Known]) -> list[_Known]:
    """Of those that compute the same the one that agrees at the most edges."""
    return _best(
        [
            (sum(same(known.behaviour.edges[name], edge) for name, edge in theirs.edges.items()), [known])
            for known in alike
        ]
    )


def _two(theirs: _Behaviour, right: _Behaviour, bank: list[_Known]) -> list[_Known]:
    """The two that together compute this; of several pairs, the one that tells of the most edges."""
    wrong = [known for known in bank if not known.computes_right]
    return _best(
        [
            (sum(_tells(pair, name, theirs, right) for name in theirs.edges), list(pair))
            for pair in combinations(wrong, 2)
            if _compute_together(theirs.ordinary, right.ordinary, *(one.behaviour.ordinary for one in pair))
        ]
    )


def _best(candidates: list[tuple[int, list[_Known]]]) -> list[_Known]:
    """The candidate with the highest score; of several, what they have in common."""
    highest = max((score for score, _ in candidates), default=0)
    best = [found for score, found in candidates if score == highest]
    return [known for known in best[0] if all(known in found for found in best)] if best else []


def _with_edges(
    found: list[_Known], theirs: _Behaviour, right: _Behaviour, bank: list[_Known]
) -> list[_Known]:
    """Adds those that err at the edges alone and show all their symptoms, as long as they tell of further edges."""
    untold = {name for name in theirs.edges if not _tells(found, name, theirs, right)}
    errs_already = frozenset().union(*(known.errs_at for known in found))
    while untold:
        shown = [
            known
            for known in bank
            if known.computes_right
            and known.errs_at & untold
            and all(
                same(theirs.edges[name], known.behaviour.edges[name]) or name in errs_already - untold
                for name in known.errs_at
            )
        ]
        if not shown:
            break
        best = max(shown, key=lambda known: len(known.errs_at & untold))
        found = [*found, best]
        untold -= best.errs_at
    return found


def _tells(found, name: str, theirs: _Behaviour, right: _Behaviour) -> bool:
    """Whether these mistakes, or the lack of any, are what an edge shows."""
    edge = theirs.edges[name]
    erring = [known for known in found if name in known.errs_at]
    if not erring:
        return same(edge, right.edges[name])
    return any(same(edge, known.behaviour.edges[name]) for known in erring)


def _compute_together(theirs: dict, right: dict, a: dict, b: dict) -> bool:
    """Whether each outcome is that of the one mistake which touches it, or the two's sum, or their product."""
    names = dict.fromkeys([*theirs, *right, *a, *b])
    both = []
    for name in names:
        they, ours, one, other = (leaves.get(name, _ABSENT) for leaves in (theirs, right, a, b))
        one_errs, other_errs = not same(one, ours), not same(other, ours)
        if one_errs and other_errs:
            both.append((they, ours, one, other))
        elif not same(they, one if one_errs else other):
            return False
    return any(all(rule(*leaves) for leaves in both) for rule in (_adds_up, _multiplies))


def _adds_up(they, ours, one, other) -> bool:
    if all(map(_numeric, (they, ours, one, other))):
        they, ours, one, other = map(_number, (they, ours, one, other))
        return they.shape == ours.shape == one.shape == other.shape and _near(they, one + other - ours)
    return same(they, one) or same(they, other)


def _multiplies(they, ours, one, other) -> bool:
    if all(map(_numeric, (they, ours, one, other))):
        they, ours, one, other = map(_number, (they, ours, one, other))
        return they.shape == ours.shape == one.shape == other.shape and _near(they * ours, one * other)
    return same(they, one) or same(they, other)


def _near(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Closeness relative to the largest entry, whatever its size; never for NaN or infinity."""
    if not (a.isfinite().all() and b.isfinite().all()):
        return False
    largest = b.abs().max().item() if b.numel() else 0.0
    return torch.allclose(a, b, rtol=0.0, atol=_RELATIVE * largest)


def _leaves(value, name: str = "") -> dict[str, object]:
    """A nested outcome as one dict from path to tensor, number, text or None."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        return {name: value}
    found = {f"{name} is a": "dict" if isinstance(value, dict) else "list"}
    for key, item in items:
        found |= _leaves(item, f"{name}.{key}")
    return found


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


def _number(value) -> torch.Tensor:
    return torch.as_tensor(value).detach().double()
