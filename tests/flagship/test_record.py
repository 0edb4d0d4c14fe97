"""The ladder's record: every number with the command, the date and the commit that it came from."""

import json

import pytest

from benchmarks.ladder import ALL_KNOWN, COMPARED, LABELS_THE_REST
from kd_solutions.data.commands import TEN_LANGUAGES
from kd_solutions.flagship.record import LADDER, by_seed, recorded_ladder

SWEEP_STEPS = 3000


def test_every_fit_says_when_and_by_which_code_it_was_made():
    kept = json.loads(LADDER.read_text("utf-8"))
    assert kept["command"] == "python -m benchmarks.ladder"
    for fit in kept["fits"]:
        assert fit["date"] >= "2026-11-28" and len(fit["commit"]) >= 7 and fit["seconds"] > 0


def test_the_test_half_was_read_by_every_rung_with_the_same_seeds():
    fits = [fit for fit in recorded_ladder() if fit.steps == SWEEP_STEPS and not fit.labels_a_class]
    seeds = {name: sorted({fit.seed for fit in fits if fit.rung == name}) for name in ALL_KNOWN}
    assert set(map(tuple, seeds.values())) == {tuple(seeds["teacher"])} and len(seeds["teacher"]) >= 3
    assert all(fit.languages.keys() == {"en", *TEN_LANGUAGES} for fit in fits)


@pytest.mark.parametrize("labels_a_class", [1, 5, 20, None])
def test_what_the_lesson_compares_is_paired(labels_a_class):
    wanted = {"labels_a_class": labels_a_class, "steps": SWEEP_STEPS}
    compared = [name for name in COMPARED if labels_a_class or name not in LABELS_THE_REST]
    counts = {len(by_seed(recorded_ladder(), rung=name, **wanted)) for name in compared}
    assert len(counts) == 1 and counts.pop() >= 3
