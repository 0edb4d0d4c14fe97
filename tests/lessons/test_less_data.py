"""Lesson 09's kit: students side by side, rivals that are solved, amounts read off curves."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from kd_solutions.data.commands import Commands
from kd_study.lessons.kit.curves import amount_worth, amounts_worth, draw_curves
from kd_study.lessons.kit.less_data import (
    cosine_loss,
    examples,
    linear_scores,
    misaligned,
    mixed,
    nearest_scores,
    scores,
    soft_loss,
    teach,
)
from kd_study.lessons.kit.text_store import TextStore

COLOURS = ["red", "crimson red", "red rose", "blue", "navy blue", "blue sky"]
LABELS = torch.tensor([0, 0, 0, 1, 1, 1])


def colours(*languages: str) -> dict[str, Commands]:
    return {name: Commands(name, COLOURS, LABELS, torch.arange(6), ("red", "blue")) for name in languages}


def lesson(labels=LABELS):
    return examples(COLOURS, torch.nn.functional.one_hot(labels, 2).float())


def test_a_text_is_stored_once_and_counted_as_it_is_hashed():
    store = TextStore(64)
    assert store.numbers(["turn on", "off", "turn on"]).tolist() == [0, 1, 0]
    assert store.numbers(["off", "dim"]).tolist() == [1, 2]
    ids, starts, lengths = store.take(np.array([1, 0]))
    assert starts.tolist() == [0, lengths[0]] and len(ids) == lengths.sum()
    assert store.counts(["turn on", ""]).sum(1).A1.tolist() == [lengths[1], 0]


def test_a_rare_class_is_drawn_by_the_root_of_its_size():
    chances = examples(["a"] * 5, torch.eye(2)[[0, 0, 0, 0, 1]]).chances
    assert chances[:4].sum() == pytest.approx(2 * chances[4].item())
    assert chances.sum() == pytest.approx(1)


def test_mixed_examples_are_drawn_in_these_shares():
    chances = mixed(lesson(), lesson(), 0.8).chances
    assert chances[:6].sum() == pytest.approx(0.2)
    assert chances[6:].sum() == pytest.approx(0.8)


def test_each_student_learns_its_own_lesson_and_the_same_seed_the_same():
    students = teach([lesson(), lesson(1 - LABELS)], steps=20)
    assert scores(students, colours("a", "b")).tolist() == [100, 0]
    again = teach([lesson(), lesson(1 - LABELS)], steps=20)
    assert torch.equal(students.table, again.table)


def test_further_training_leaves_the_students_as_they_were_and_a_frozen_table_too():
    students = teach([lesson()], steps=5)
    before = students.table.detach().clone()
    further = teach([lesson(1 - LABELS)], steps=5, students=students)
    frozen = teach([lesson(1 - LABELS)], steps=5, students=students, frozen=True)
    assert torch.equal(students.table, before) and torch.equal(frozen.table, before)
    assert not torch.equal(further.table, before)
    assert not torch.equal(frozen.second, students.second)


def test_the_rivals_read_what_they_were_shown():
    known, asked = [lesson()], colours("a")
    assert linear_scores(known, asked, 0.1).tolist() == [100]
    assert nearest_scores(teach(known, steps=20), known, asked).tolist() == [100]


def test_losses_are_zero_for_what_is_asked():
    sure = torch.tensor([[30.0, 0.0]])
    assert soft_loss(sure, torch.tensor([[1.0, 0.0]])) == pytest.approx(0, abs=1e-6)
    assert cosine_loss(sure, 2 * sure) == pytest.approx(0, abs=1e-6)


def test_misaligned_pairs_change_partners_and_the_others_stay():
    pairs = [(f"e{i}", f"t{i}") for i in range(10)]
    wrong, right = misaligned(pairs, 0.5)
    assert right.sum() == 5
    assert [pair == old for pair, old in zip(wrong, pairs, strict=True)] == right.tolist()
    assert sorted(text for _, text in wrong) == sorted(text for _, text in pairs)


def test_an_amount_is_read_off_a_curve_between_its_points_and_never_beyond():
    curve = {10: 20.0, 100: 60.0, 1000: 50.0}
    assert amount_worth(curve, 40) == pytest.approx(10**1.5)
    assert amount_worth(curve, 5) == 10
    assert amount_worth(curve, 99) == 1000


def test_amounts_have_an_interval_over_the_repeats():
    curves = {10: torch.tensor([0.0, 0.0]), 1000: torch.tensor([100.0, 100.0])}
    found = amounts_worth(curves, [40, 60])
    assert found.low < found.mean < found.high
    assert found.mean == pytest.approx(100)


def test_a_curve_may_lack_an_amount():
    ax = plt.subplots()[1]
    values = torch.tensor([1.0, 2.0])
    draw_curves(ax, ["0", "10"], {"all": {"0": values, "10": values}, "some": {"10": values}}, "labels")
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "10"]
    assert ax.get_legend_handles_labels()[1] == ["all", "some"]
