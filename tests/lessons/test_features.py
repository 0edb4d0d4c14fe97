"""Lesson 06's kit: what a model holds between its layers, students that may look at it, and the record."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from kd_solutions.losses.features import hint_loss
from kd_solutions.models.pooling import mean_pool
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_study.lessons.kit import feature_runs
from kd_study.lessons.kit.feature_runs import CHANGED, WAYS, recorded
from kd_study.lessons.kit.features import (
    TEACHER_WIDTH,
    Beside,
    Hints,
    Labelled,
    Student,
    World,
    asked_again,
    by_new_head,
    by_own_head,
    labels_of_tomorrow,
    learn,
    mismatched,
    of_today,
    soft,
    vectors_by,
)
from kd_study.lessons.kit.insides import (
    HEADS,
    LONGEST,
    Insides,
    Pieces,
    Reading,
    left_out,
    main_directions,
    random_directions,
)

PAIRS = [(1, 3), (2, 6)]


def small_world(texts: int = 24) -> World:
    """Texts of six pieces, of which the first tells the intent: three of today's, three of tomorrow's."""
    generator = torch.Generator().manual_seed(0)
    intents = torch.arange(texts) % 6
    numbers = torch.randint(8, 20, (texts, LONGEST), generator=generator)
    numbers[:, 0] = intents + 2
    lengths = 4 + torch.arange(texts) // 2 % 3
    numbers[torch.arange(LONGEST) >= lengths[:, None]] = 0
    states = torch.randn(texts, LONGEST, TEACHER_WIDTH, generator=generator)
    today = torch.where(intents < 3, intents, -1)
    logits = 4 * F.one_hot(today.clamp(min=0), 3).float()
    teacher = Reading(
        numbers > 0, {3: states, 6: 2 * states}, states, torch.zeros(texts, HEADS, 1, 1), logits
    )
    kinds = tuple(
        Labelled([""] * texts, numbers[rows], intents[rows] % 3, F.one_hot(intents[rows], 6).float())
        for rows in (intents < 3, intents >= 3)
    )
    vectors = F.one_hot(intents, 6).float()
    return World(range(20), 3, [""] * texts, numbers, today, teacher, vectors, kinds, kinds, kinds)


@pytest.fixture(autouse=True)
def fewer_labels(monkeypatch):
    monkeypatch.setattr("kd_study.lessons.kit.features.FEW", 2)


def test_the_best_directions_leave_less_out_than_blind_ones_and_all_leave_nothing():
    states = torch.randn(60, 8, generator=torch.Generator().manual_seed(0)) * torch.arange(1.0, 9)
    best, blind = main_directions(states, 3), random_directions(8, 3)
    assert left_out(states, best) < left_out(states, blind) < 1
    assert left_out(states, main_directions(states, 8)) == pytest.approx(0, abs=1e-5)
    assert torch.allclose(blind.T @ blind, torch.eye(3), atol=1e-5)


def test_a_student_looks_at_pieces_alone_and_padding_changes_nothing():
    student, numbers = Student(20, 3).eval(), torch.tensor([[2, 3, 4] + [0] * (LONGEST - 3)])
    found = student(numbers)
    assert torch.allclose(found.attention.sum(-1)[0, :, :3], torch.ones(4, 3), atol=1e-5)
    assert not found.attention[0, :, 3:].any() and not found.attention[0, :, :, 3:].any()
    student.pieces.weight.data[0] += 7
    assert torch.allclose(student(numbers).logits, found.logits, atol=1e-5)


def test_rows_of_a_reading_are_rows_of_all_its_parts():
    teacher = small_world().teacher
    some = teacher.rows(torch.tensor([5, 2]))
    assert torch.equal(some.hidden[6][1], teacher.hidden[6][2]) and torch.equal(some.kept[0], teacher.kept[5])
    assert torch.equal(some.vectors[1], mean_pool(teacher.hidden[6], teacher.kept)[2])


def test_a_projector_moves_with_the_student_unless_it_asks_for_no_gradient():
    made = []

    def make(idle):
        made.append(Hints(hint_loss, PAIRS).requires_grad_(not idle))
        made.append([part.detach().clone() for part in made[-1].parameters()])
        return made[-2]

    for idle in (False, True):
        learn(small_world(), lambda idle=idle: make(idle), seed=0, steps=2)
        hints, before = made[-2:]
        moved = [not torch.equal(part, old) for part, old in zip(hints.parameters(), before, strict=True)]
        assert any(moved) is not idle


def test_the_seed_decides_and_nothing_else_moves():
    before = torch.random.get_rng_state()
    one, same, other = (learn(small_world(), lambda: soft, seed, steps=2) for seed in (0, 0, 1))
    assert torch.equal(one.head.weight, same.head.weight)
    assert not torch.equal(one.head.weight, other.head.weight)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_students_learn_today_from_logits_and_tomorrow_from_whom_they_may_ask():
    world = small_world()
    assert by_own_head(learn(world, lambda: soft, 0), world.test[0]) > 90
    for changed in (asked_again, labels_of_tomorrow):
        assert by_own_head(learn(changed(world, 0), lambda: soft, 0), world.test[1]) > 60
    assert by_new_head(lambda commands: commands.vectors, world, 0, world.test[1]) == 100
    assert by_new_head(vectors_by(learn(world, lambda: soft, 0, steps=0)), world, 0, world.test[1]) > 0


def test_a_loss_beside_the_logits_counts_by_its_weight():
    world = small_world()
    student = Student(20, 3)
    ours = student(world.numbers)
    alone = soft(ours, world.teacher)
    found = Beside(10, lambda ours, theirs: torch.tensor(0.5))(ours, world.teacher)
    assert found.item() == pytest.approx(alone.item() + 5)
    assert list(Beside(1, nn.Linear(2, 2)).parameters()) and not list(Beside(1, soft).parameters())


def test_worlds_that_lack_something():
    world = small_world()
    assert (of_today(world).today >= 0).all() and len(of_today(world).numbers) == 12
    swapped = mismatched(replace(world, teacher=world.teacher))
    assert torch.equal(swapped.teacher.kept, world.teacher.kept)
    same = (swapped.teacher.hidden[6] == world.teacher.hidden[6]).all(-1).all(-1)
    assert not same.any()


def test_a_piece_that_was_never_met_has_a_number_of_its_own():
    pieces = Pieces(PretrainedTeacher().folder, ["turn on the light"])
    (known,), (new,) = pieces(["turn the light on"]), pieces(["turn the radio on"])
    assert (known > 1).sum() == 6 and (new == 1).sum() == 1 and len(known) == LONGEST
    assert pieces.fits("turn on") and not pieces.fits("on " * LONGEST)


def test_what_minilm_holds_is_what_its_vectors_are_made_of():
    texts, teacher = ["turn on the light", "stop"], PretrainedTeacher()
    insides = Insides(teacher)
    kept = Pieces(teacher.folder, texts)(texts) > 0
    rows = insides.encode(texts)
    assert rows.shape == (2, insides.size)
    found = insides.unpack(rows, kept, torch.zeros(2, 1))
    assert torch.allclose(F.normalize(found.vectors), teacher.encode(texts).cpu(), atol=1e-4)
    assert torch.allclose(found.attention.sum(-1), kept[:, None].expand(-1, HEADS, -1).float(), atol=1e-4)
    assert found.values.shape == found.hidden[3].shape == (2, LONGEST, TEACHER_WIDTH)


def test_the_record_has_every_way_and_both_sets_of_seeds():
    for way in (*WAYS, *CHANGED):
        days = [recorded(way, day) for day in ("today", "tomorrow")]
        assert any(len(day) == 5 for day in days), way
    for way in feature_runs.REPEATED:
        assert any(len(recorded(way, day, "repeated")) == 5 for day in ("today", "tomorrow")), way
