"""The climb: what is chosen is chosen on the development half, and a climb that was ended goes on."""

import json

import pytest

from benchmarks import ladder as climb


@pytest.fixture
def fits(monkeypatch, tmp_path):
    """Fits that cost nothing: 50 % for every rate but the recipe's own, which reaches 60."""
    monkeypatch.setattr(climb, "LADDER", tmp_path / "ladder.json")
    made = []

    def make(fit):
        made.append(fit)
        score = 60.0 if fit["rate"] == 1.0 else 50.0
        return fit | {"languages": {"en": 99.0, "de": score - fit["refit"]}}

    monkeypatch.setattr(climb, "make", make)
    return made


def kept():
    return json.loads(climb.LADDER.read_text())["fits"]


def test_every_rung_is_tuned_on_the_development_half_before_any_is_tested(fits):
    climb.main([])
    halves = [fit["split"] for fit in fits]
    assert halves == sorted(halves)  # dev, then test
    tested = [fit for fit in fits if fit["split"] == "test"]
    assert {fit["rate"] for fit in tested} == {1.0}
    assert not any(fit["refit"] for fit in tested if fit["rung"] in climb.LEARNS_LABELS)
    assert climb.TUNING_SEED not in {fit["seed"] for fit in tested}


def test_the_rungs_are_paired(fits):
    """Each seed, number of labels and number of steps is asked of each rung."""
    climb.main([])
    ladder = {(fit["rung"], fit["seed"]) for fit in fits if fit["steps"] == climb.FULL.steps}
    assert ladder == {(rung, seed) for rung in climb.ALL_KNOWN for seed in climb.LADDER_SEEDS}
    sweep = [fit for fit in fits if fit["steps"] == climb.SWEEP_STEPS and "text" not in fit]
    asked = {(fit["rung"], fit["labels_a_class"], fit["seed"]) for fit in sweep}
    wanted = [(rung, None) for rung in climb.ALL_KNOWN]
    wanted += [(rung, labels) for rung in climb.SWEPT for labels in climb.LABELS_A_CLASS]
    assert asked == {(*each, seed) for each in wanted for seed in climb.SWEEP_SEEDS}
    assert len(sweep) == len(asked)  # none is made twice, though some are asked for twice
    less = [(fit["rung"], fit["seed"], *fit["text"].items()) for fit in fits if "text" in fit]
    assert len(less) == len(set(less)) == 3 * len(climb.TEXT_SEEDS) * len(climb.LESS_TEXT)


def test_a_climb_that_was_ended_goes_on_where_it_was(fits):
    climb.main(["--most", "7"])
    assert len(kept()) == len(fits) == 7
    climb.main([])
    everything = kept()
    climb.main([])
    assert kept() == everything and len(fits) == len(everything)


def test_english_is_left_out_of_the_mean():
    assert climb.mean_of_others({"en": 98.0, "de": 70.0, "fr": 60.0}) == 65.0
