"""Lesson 05's kit: students, their teachers, what the one has of the other, and the kept record."""

import json

import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F

from kd_study.lessons.kit import what_is_learned as kit
from kd_study.lessons.kit import what_is_learned_record as record
from kd_study.lessons.kit.pictures import axes, draw_intervals
from kd_study.lessons.kit.subliminal import noise_inputs, start_with, taught_on_noise
from kd_study.lessons.kit.what_is_learned_pictures import draw_arrows, draw_copies, draw_draws

SEEDS = range(2)


@pytest.fixture(scope="module")
def world():
    return kit.gather(SEEDS, each=3)


@pytest.fixture(scope="module")
def students(world):
    return world.train(lambda logits: F.cross_entropy(logits, world.own_labels), steps=60)


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_students_have_equally_many_commands_of_each_intent_and_their_labels_in_that_order(world):
    assert world.own.shape == (2, 3 * len(world.intents))
    assert torch.equal(world.own_labels, world.labels[world.own[0].tolist() + world.own[1].tolist()])
    assert world.own_labels.bincount().tolist() == [6] * len(world.intents)


def test_the_same_seed_gives_the_same_student_and_a_start_is_copied(world, students):
    again = world.train(lambda logits: F.cross_entropy(logits, world.own_labels), steps=60)
    assert same(students, again)
    further = world.train(lambda logits: logits.square().mean(), steps=1, start=students)
    assert same(students, again) and not same(students, further)
    assert world.scores(world.answers(students)).min() > 50


def test_a_student_agrees_with_itself_and_repeats_all_its_mistakes(world, students):
    teacher, answers = world.as_teacher(students), world.answers(students)
    assert world.agreement(answers, teacher).tolist() == [100, 100]
    assert world.mistakes_repeated(answers, teacher).tolist() == [100, 100]
    right = F.one_hot(world.held_out_labels, len(world.intents)).float().expand(2, -1, -1)
    assert world.mistakes_repeated(right, teacher).tolist() == [0, 0]
    assert torch.allclose(world.agreement(right, teacher), world.scores(answers), atol=1e-3)


def test_several_teach_by_the_mean_of_their_logits(world, students):
    other = world.fresh(3)
    pair = world.as_teacher(students, other)
    alone, beside = world.as_teacher(students), world.as_teacher(other)
    assert torch.allclose(pair.shown, (alone.shown + beside.shown) / 2, atol=1e-5)
    assert torch.allclose(pair.held_out, (alone.held_out + beside.held_out) / 2, atol=1e-5)


def test_a_teacher_on_vectors_is_asked_at_each_stop_and_learns(world):
    first, last = world.from_vectors(3, stops=(1, 60))
    assert last.shown.shape == (len(world.own_labels), len(world.intents))
    before, after = (world.scores(found.held_out).mean() for found in (first, last))
    assert after > before + 20
    (smoothed,) = world.from_vectors(3, epsilon=0.3, stops=(60,))
    assert smoothed.shown.softmax(-1).amax(-1).mean() < last.shown.softmax(-1).amax(-1).mean()


def test_a_teacher_can_be_kept_apart_from_its_students_commands(world):
    among, apart = (world.rows_of_teachers(5, each) for each in (False, True))
    for own, beside, elsewhere in zip(world.own, among, apart, strict=True):
        assert torch.isin(own, beside).all() and not torch.isin(own, elsewhere).any()
    assert apart.shape == among.shape


def test_only_the_first_layer_is_taken_over(world, students):
    mixed = kit.first_layer_of(students, world.fresh(5))
    assert torch.equal(mixed.first, students.first) and torch.equal(mixed.second, world.fresh(5).second)


def test_permuting_moves_wrong_logits_alone_and_evening_makes_them_equal():
    logits, labels = torch.randn(6, 5, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 5
    mixed = kit.permuted(logits, labels)
    assert torch.equal(mixed.gather(1, labels[:, None]), logits.gather(1, labels[:, None]))
    assert torch.equal(mixed.sort(1).values, logits.sort(1).values) and not torch.equal(mixed, logits)
    evened = kit.with_wrong_spread(logits, labels, 0)
    assert kit.wrong_spread(evened, labels) == pytest.approx(0, abs=1e-4)
    assert torch.allclose(kit.with_wrong_spread(logits, labels, 1), logits, atol=1e-6)
    assert evened.mean(1).tolist() == pytest.approx(logits.mean(1).tolist(), abs=1e-6)


def test_draws_are_shares_that_tend_to_the_distribution():
    probabilities = torch.tensor([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])
    assert kit.drawn(probabilities, 1).sum(1).tolist() == [1, 1]
    assert torch.allclose(kit.drawn(probabilities, 4000), probabilities, atol=0.03)
    assert torch.equal(kit.drawn(probabilities, 7, seed=2), kit.drawn(probabilities, 7, seed=2))


def test_full_runs_more_students(monkeypatch):
    monkeypatch.delenv("FULL", raising=False)
    assert len(kit.chosen_seeds()) == 6
    monkeypatch.setenv("FULL", "1")
    assert len(kit.chosen_seeds()) == 20


def test_a_start_shares_what_isnt_named():
    own, other = start_with(1, 3), start_with(1, 3, ["hidden layer", "extra head"])
    assert torch.equal(own.second[..., :3], other.second[..., :3])
    assert not torch.equal(own.second[..., 3:], other.second[..., 3:])
    assert not torch.equal(own.first, other.first)
    with pytest.raises(ValueError, match="the parts are"):
        start_with(1, 3, ["first layer"])


def test_noise_is_no_command_and_teaches_where_the_heads_are_shared(world):
    assert torch.allclose(noise_inputs().norm(dim=1), torch.ones(len(noise_inputs())))
    found = taught_on_noise(world, {"same": (), "other": ("extra head",)})
    assert list(found) == ["untrained", "same", "other", "the teacher"]
    assert found["same"].mean() > found["other"].mean() + 3
    assert found["the teacher"].min() > 50


def test_the_record_holds_every_claim_for_both_sets_of_students():
    kept = record.read_record()
    found = record.claims(SEEDS, each=1, more=2, stops=(1, 2))
    assert found.keys() == kept["full"].keys() == kept["repeated"].keys()
    whole = json.loads(record.RECORD.read_text(encoding="utf-8"))
    assert whole["command"] == record.COMMAND and whole["date"] and whole["machine"]
    assert whole["full"]["seeds"] == f"{record.FULL[0]} to {record.FULL[-1]}"
    assert not set(record.FULL) & set(record.REPEATED) and len(record.REPEATED) >= 5


@pytest.mark.parametrize("part", ["full", "repeated"])
def test_what_the_lesson_teaches_holds_in_the_record(part):
    kept = record.read_record()[part]
    above = {
        "smoothing over labels",
        "the same, agreement with the twin",
        "smoothed teacher to the end over stopped early",
        "plain teacher's student over labels, T = 4",
        "stopped early, over evened",
        "whole distribution over 16 draws",
        "noise: same start",
        "noise: other hidden layer",
    }
    below = {
        "twin's student over smoothing",
        "then its student, T = 4",
        "then its student, T = 1",
        "then its student, T = 4, on commands that the teacher hadn't",
        "selected rows over all rows, smoothed teacher",
    }
    none = {
        "twin's student over labels",
        "the same, T = 4, permuted",
        "its student over smoothing alone, T = 4",
        "noise: other extra head",
        "noise: other class head",
    }
    assert all(kept[name].low > 0 for name in above)
    assert all(kept[name].high < 0 for name in below)
    assert all(kept[name].low <= 0 <= kept[name].high for name in none)


def test_pictures_are_drawn_with_their_names(world, students):
    scores = world.scores(world.answers(students))
    ax = axes()
    draw_copies(ax, {"a stranger": (scores, scores)})
    assert ax.get_legend_handles_labels()[1] == ["a stranger"]
    ax = axes()
    draw_arrows(ax, {"plain": (scores, scores + 1)}, {"plain": (scores, scores - 1)})
    assert ax.get_legend_handles_labels()[1] == ["plain"]
    ax = axes()
    soft = torch.full((31,), 1 / 31)
    draw_draws(ax, soft, soft, [str(i) for i in range(31)], 0, 16)
    assert ax.get_title() == "k = 16"
    ax = axes()
    draw_intervals(ax, {"nothing": kit.Interval(-0.2, -1, 1)}, "points")
    assert [text.get_text() for text in ax.texts] == ["+0"]
    plt.close("all")
