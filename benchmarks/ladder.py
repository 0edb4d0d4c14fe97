"""What is the teacher worth? `python -m benchmarks.ladder` fits every rung, and keeps what each reached.

First each rung's rates, and whether its head is fitted once more, are chosen on the development half by short
fits with a seed of their own. Then come, on the test half, once: the sweep over English labels a class; the
ladder, all labels known, at full length; and what is left where fewer strings are translated, or words of the
lexicon are wrong. Each fit is kept as it ends, and a run that was ended goes on where it was; after a change
of what is fitted delete `kd_solutions/flagship/ladder.json`.
"""

import argparse
import json
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from kd_solutions.data.commands import ENGLISH, TEN_LANGUAGES, load_commands
from kd_solutions.flagship.ladder import RUNGS, Reader, Setting, settle
from kd_solutions.flagship.recipe import FULL, SHORTER, Recipe
from kd_solutions.flagship.record import LADDER, mean_of_others
from kd_solutions.flagship.scoreboard import score
from kd_solutions.support.files import write_whole
from kd_solutions.support.progress import counting

COMMAND = "python -m benchmarks.ladder"
RATES = (0.3, 1.0, 3.0)  # times the recipe's
TUNING_SEED = 100
LADDER_SEEDS, SWEEP_SEEDS, TEXT_SEEDS = range(3), range(5), range(3)
SWEEP_STEPS = 3_000
LABELS_A_CLASS = (1, 5, 20)
TUNED_AT = 5  # labels a class, for the sweep
LESS_TEXT = (
    *({"translated": share} for share in (0.01, 0.03, 0.1, 0.3)),
    *({"wrong_words": share} for share in (0.25, 0.5, 0.75)),
)  # fields of the recipe
READ_THE_TEXT = ("translate_train", "vectors_fitted_head", "full_recipe")
COMPARED = ("teacher", "translate_train", "self_training", "pseudo_labels", "full_recipe")
SWEPT = (*COMPARED, "soft_labels", "vectors_fitted_head")
LEARNS_LABELS = ("english_labels_only", "translate_train", "self_training", "pseudo_labels", "soft_labels")
LABELS_THE_REST = ("self_training", "pseudo_labels")  # with all labels known nothing is left to label
ALL_KNOWN = tuple(rung for rung in RUNGS if rung not in LABELS_THE_REST)
UNTRAINED = ("teacher",)
ONE_STUDENT = {"vectors_teacher_head": "vectors_fitted_head"}  # two heads, tuned as one

# rung, labels_a_class, steps, seed, rate, refit, split, text (of LESS_TEXT); what came out once it is made
Fit = dict


class Fits:
    """Every fit that was made, in a file that is written anew after each."""

    def __init__(self):
        self.kept = json.loads(LADDER.read_text()) if LADDER.exists() else {"command": COMMAND, "fits": []}

    def languages(self, wanted: Fit) -> dict[str, float] | None:
        """Language → accuracy in percent of a fit that was made."""
        for fit in self.kept["fits"]:
            if all(fit.get(key) == value for key, value in ({"text": None} | wanted).items()):
                return fit["languages"]
        return None

    def keep(self, fit: Fit) -> None:
        self.kept["fits"].append(fit)
        write_whole(LADDER, (json.dumps(self.kept, indent=1) + "\n").encode())


def tuning(rung: str, labels_a_class: int | None, fits: Fits) -> Iterator[Fit]:
    """The fits by which a rung's rate is chosen, then whether its head is fitted once more."""
    base = {"rung": rung, "labels_a_class": labels_a_class, "steps": SHORTER.steps, "seed": TUNING_SEED}
    by_rate = [base | {"rate": rate, "refit": True, "split": "dev"} for rate in RATES]
    yield from by_rate
    if rung in LEARNS_LABELS:
        yield max(by_rate, key=lambda fit: _score(fits, fit)) | {"refit": False}


def chosen(rung: str, labels_a_class: int | None, fits: Fits) -> Fit:
    """Rate and refit with the highest mean on the development half."""
    if rung in UNTRAINED:
        return {"rate": 1.0, "refit": True}
    candidates = list(tuning(ONE_STUDENT.get(rung, rung), labels_a_class, fits))
    best = max(candidates, key=lambda fit: _score(fits, fit))
    return {"rate": best["rate"], "refit": best["refit"]}


def plan(fits: Fits) -> Iterator[Fit]:
    """Every fit in its order; what is chosen is known by the time it is asked for."""
    for labels, rungs in ((None, ALL_KNOWN), (TUNED_AT, SWEPT)):
        for rung in rungs:
            if rung not in UNTRAINED and rung not in ONE_STUDENT:
                yield from tuning(rung, labels, fits)
    yield from sweep(SWEEP_SEEDS[:3], COMPARED, fits)
    for seed in LADDER_SEEDS:
        for rung in ALL_KNOWN:
            yield _final(rung, None, FULL.steps, seed, chosen(rung, None, fits))
    yield from sweep(SWEEP_SEEDS, SWEPT, fits)
    for seed in TEXT_SEEDS:
        for text in LESS_TEXT:
            for rung in READ_THE_TEXT:
                yield _final(rung, None, SWEEP_STEPS, seed, chosen(rung, None, fits)) | {"text": text}


def sweep(seeds: Iterable[int], rungs: Iterable[str], fits: Fits) -> Iterator[Fit]:
    """Few English labels a class to all, there with every rung; each seed whole before the next."""
    for seed in seeds:
        for labels in (*LABELS_A_CLASS, None):
            for rung in rungs if labels else ALL_KNOWN:
                tuned_at = TUNED_AT if labels else None
                yield _final(rung, labels, SWEEP_STEPS, seed, chosen(rung, tuned_at, fits))


def _final(rung: str, labels_a_class: int | None, steps: int, seed: int, tuned: Fit) -> Fit:
    fit = {"rung": rung, "labels_a_class": labels_a_class, "steps": steps, "seed": seed}
    return fit | tuned | {"split": "test"}


def make(fit: Fit) -> Fit:
    """Fits a rung and measures it."""
    start = time.perf_counter()
    setting = _setting(_recipe(fit), fit["labels_a_class"], fit["seed"], fit["refit"])
    languages = _measured(RUNGS[fit["rung"]](setting), fit["split"])
    return fit | {
        "languages": languages,
        "seconds": round(time.perf_counter() - start, 1),
        "date": time.strftime("%Y-%m-%d"),
        "commit": _commit(),
    }


@lru_cache(maxsize=1)  # neighbours may share a student
def _setting(recipe: Recipe, labels_a_class: int | None, seed: int, refit: bool) -> Setting:
    return settle(
        TEN_LANGUAGES, recipe=recipe, labels_a_class=labels_a_class, seed=seed, refit=refit, progress=False
    )


def _recipe(fit: Fit) -> Recipe:
    return replace(
        FULL,
        steps=fit["steps"],
        table_rate=FULL.table_rate * fit["rate"],
        body_rate=FULL.body_rate * fit["rate"],
        **fit.get("text", {}),
    )


def _measured(reader: Reader, split: str) -> dict[str, float]:
    names = TEN_LANGUAGES if split == "dev" else (ENGLISH, *TEN_LANGUAGES)
    return {name: round(score(reader, load_commands(name, split)), 2) for name in names}


def _score(fits: Fits, fit: Fit) -> float:
    return mean_of_others(fits.languages(fit))


def _commit() -> str:
    shown = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return shown.stdout.strip()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, help="fits at most, then end", default=None)
    most = parser.parse_args(arguments).most
    fits, made = Fits(), 0
    with counting("Climbing the ladder", None) as advance:
        for fit in plan(fits):
            if fits.languages(fit) is None:
                if made == most:
                    break
                fits.keep(make(fit))
                made += 1
            advance(note=f"{fit['rung']}, {fit['labels_a_class'] or 'all'} labels: {_score(fits, fit):.1f} %")


if __name__ == "__main__":
    main()
