import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from kd_solutions.evaluation import Interval
from kd_study.lessons.kit import robustness
from kd_study.lessons.kit.pictures import axes
from kd_study.lessons.kit.robustness import (
    NOTHING,
    World,
    above,
    before_and_after,
    confidences,
    draw_pairs,
    in_percent,
    logits_of,
    read_rightly,
)


@pytest.fixture(scope="module")
def world():
    return World(["hu"])


@pytest.fixture(scope="module")
def answers(world):
    return F.one_hot(world.labels.clamp(min=0), world.classes) * (world.labels >= 0).float()[:, None]


@pytest.fixture(scope="module")
def student(world, answers):
    return world.student(answers, seed=0)


def test_a_student_learns_and_its_seed_decides(world, answers, student, monkeypatch):
    sample = world.sample("hu", 200)
    assert read_rightly([student], sample).mean() > 40
    monkeypatch.setattr(robustness, "STEPS", 3)
    once, again, other = (world.student(answers, seed) for seed in (1, 1, 2))
    assert torch.equal(once.table.weight, again.table.weight)
    assert not torch.equal(once.table.weight, other.table.weight)


def test_bags_give_what_the_student_itself_makes_of_the_texts(world, student):
    sample = world.sample("hu", 50)
    with torch.no_grad():
        assert torch.allclose(logits_of(student, sample), student(sample.texts), atol=1e-4)


def test_a_text_without_an_answer_is_never_shown(world, answers, monkeypatch):
    monkeypatch.setattr(robustness, "STEPS", 2)
    few = answers.clone()
    few[5:] = 0
    shown = world.student(few, seed=0).table.weight
    monkeypatch.setattr(robustness, "STEPS", 0)
    moved = (shown != world.student(few, seed=0).table.weight).any(1)
    known = few.sum(1).numpy()[world.corpus.originals] > 0
    met = world.bags[known].indices
    assert moved.any() and not moved[sorted(set(range(len(moved))) - set(met.tolist()))].any()


def test_a_perturbation_marks_what_it_changed_and_repeats_itself(world):
    sample = world.sample("hu", 40)

    def now_and_then(text, language, rng):
        assert language == "hu"
        return text + "!" if rng.random() < 0.5 else text

    changed = world.perturbed(sample, now_and_then)
    assert 5 < changed.changed.sum() < 35
    assert changed.texts == world.perturbed(sample, now_and_then).texts
    assert torch.equal(changed.labels, sample.labels)


def test_rewritings_are_changed_and_nothing_else(world):
    shown = world.rewritings_changed(lambda text, language, rng: "zzz", share=1.0)
    same = (shown != world.bags).getnnz(axis=1) == 0
    rewritten = set(world.groups["rewritten"].tolist())
    assert not any(same[row] for row in list(rewritten)[:500])
    assert all(same[row] for row in range(len(same)) if row not in rewritten)


def test_the_class_for_nothing_takes_the_interface(world, answers):
    more = world.with_nothing(answers)
    assert more.shape[1] == world.classes + 1 and torch.equal(
        more[world.is_command][:, :-1], answers[world.is_command]
    )
    assert more[:, -1].sum() > 100 and not more[world.is_command, -1].any()
    assert (more.sum(1) <= 1).all()


def test_a_student_with_a_class_for_nothing_never_answers_it(world, answers, monkeypatch):
    monkeypatch.setattr(robustness, "STEPS", 5)
    student = world.student(world.with_nothing(answers), 0, groups=["rewritten", "commands", "interface"])
    assert student.labels[-1] == NOTHING
    confidence, right = confidences(student, world.interface("hu", 0, 20))
    assert confidence.max() <= 1 and not right.any()


def test_the_interface_is_held_out_and_two_ranges_share_nothing(world):
    first, second = world.interface("en", 0, 50), world.interface("en", 50, 50)
    assert len(first.texts) == 50 and not set(first.texts) & set(second.texts)
    assert not set(first.texts) & set(world.corpus.english)


def test_what_is_answered_above_a_threshold(world, student):
    commands, interface = world.sample("hu", 60), world.interface("hu", 0, 60)
    every = above(0.0, student, commands, interface)
    wrong = (
        100 - read_rightly([student], commands).mean().item() / 2
    )  # all strings are answered, and none rightly
    assert every.answered == 100 and every.refused == 0
    assert every.wrong == pytest.approx(wrong, abs=1e-3)
    none = above(math.inf, student, commands, interface)
    assert (none.answered, none.refused) == (0, 100)


def test_before_and_after_count_what_was_changed(world, student):
    sample = world.sample("hu", 100)
    blank = world.perturbed(sample, lambda text, language, rng: "" if text < "m" else text)
    before, after = before_and_after([student], {"hu": sample}, {"hu": blank})
    right = read_rightly([student], sample)[:, blank.changed]
    assert before.tolist() == right.mean(1).tolist() and after.tolist() < before.tolist()
    untouched = replace(blank, changed=torch.zeros(100, dtype=torch.bool))
    both = before_and_after([student], {"hu": sample, "x": sample}, {"hu": blank, "x": untouched})
    assert both[0].tolist() == before.tolist()


def test_words_that_training_never_had(world):
    assert world.unknown_words([world.corpus.texts[world.groups["rewritten"][0]]]) == 0
    assert world.unknown_words(["qqqxx", "wwwyy"]) == 100


def test_the_dictionary_goes_to_english(world):
    assert world.dictionary("hu")["konyha"] == "kitchen"


def test_a_mean_in_words():
    assert in_percent(torch.tensor([50.0, 52.0, 54.0])) == "52 (47 to 57)"


def test_pairs_are_drawn_with_both_names():
    ax = axes()
    draw_pairs(ax, {"row": (Interval(1, 0, 2), Interval(3, 2, 4))}, ("one", "other"), "points")
    assert ax.get_legend_handles_labels()[1] == ["one", "other"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["row"]
