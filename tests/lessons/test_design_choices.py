"""Lesson 04's kit: kinds of student side by side, losses that meet, settings chosen on other students."""

import matplotlib.pyplot as plt
import pytest
import torch

from kd_solutions import distillation_kl, logit_mse
from kd_solutions.data.commands import Commands
from kd_solutions.evaluation import Interval
from kd_study.lessons.kit import design_choices, design_record
from kd_study.lessons.kit.design_choices import (
    OTHERS,
    Part,
    World,
    best,
    draw_two,
    grown,
    label_loss,
    probability_mse,
    record,
    scores,
    seeds_for,
    taught,
    tried,
    warm_kl,
)
from kd_study.lessons.kit.experiments import bags
from kd_study.lessons.kit.families import LONGEST, bag, convolution, number_words, transformer

KINDS = {"bag": bag(8), "convolution": convolution(8), "transformer": transformer(8)}
by_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
TEXTS = [f"turn on the {thing}" for thing in ("lamp", "light", "fan")]
TEXTS += [f"stop the {thing}" for thing in ("timer", "clock", "alarm")]
LABELS = torch.tensor([0, 0, 0, 1, 1, 1])


@pytest.fixture
def world():
    numbers, pieces = number_words(TEXTS, 64)
    part = Part({"bags": bags(TEXTS, 64), "words": numbers}, LABELS)
    answers = {"labels": 1e4 * torch.nn.functional.one_hot(LABELS, 2).float()}
    return World(
        ("on", "stop"), pieces, part, part._replace(), part, answers | {"MiniLM": answers["labels"] / 2e3}
    )


def test_words_are_numbered_in_order_and_spelled_by_their_pieces():
    numbers, pieces = number_words(["stop the timer", "the timer"], 64)
    assert numbers.shape == (2, LONGEST)
    assert numbers[0, :3].tolist() == [1, 2, 3] and numbers[1, :2].tolist() == [2, 3]
    assert not numbers[0, 3:].any() and not pieces[0].any()
    assert torch.allclose(pieces[1:].norm(dim=1), torch.ones(3))


def test_words_beyond_the_longest_are_cut():
    assert number_words(["a " * 40], 16)[0].shape == (1, LONGEST)


@by_kind
def test_students_side_by_side_learn_what_each_would_learn_alone(world, kind):
    students = kind.build(world.pieces, 2, 3, 0)
    inputs = world.known.inputs[kind.reads]
    before = students(inputs)
    assert before.shape == (3, 6, 2)
    assert torch.allclose(before, students(inputs.expand(3, *inputs.shape)), atol=1e-5)
    students(inputs)[1].sum().backward()
    for weight in students.parameters():
        assert not weight.grad[[0, 2]].any()


@by_kind
def test_every_kind_learns_its_commands_and_the_same_seeds_the_same(world, kind):
    found = scores(world, kind, warm_kl, range(2), each=3, steps=60)
    assert found.tolist() == [100, 100]
    assert torch.equal(found, scores(world, kind, warm_kl, range(2), each=3, steps=60))


@pytest.mark.parametrize("kind", [convolution(8), transformer(8)], ids=["convolution", "transformer"])
def test_what_stands_behind_a_texts_end_does_not_count(world, kind):
    students = kind.build(world.pieces, 2, 2, 0)
    words = world.known.inputs["words"][:2]
    assert torch.allclose(students(words), students(words[:, :6]), atol=1e-5)


def test_word_order_counts_for_those_that_read_it(world):
    words = world.known.inputs["words"][:1]
    turned = torch.cat([words[:, :4].flip(1), words[:, 4:]], dim=1)
    for kind in (convolution(8), transformer(8)):
        students = kind.build(world.pieces, 2, 1, 0)
        assert not torch.allclose(students(words), students(turned), atol=1e-4)


def test_a_kind_tells_its_size(world):
    assert bag(8).size(world.pieces, 2) == 64 * 8 + 8 + 8 * 2 + 2


def test_students_to_begin_with_stay_as_they_are(world):
    start = taught(world, KINDS["bag"], label_loss, [0], teacher="labels", steps=5)
    before = start.first.detach().clone()
    further = taught(world, KINDS["bag"], warm_kl, [0], steps=5, start=start)
    assert torch.equal(start.first, before) and not torch.equal(further.first, before)


def test_a_rate_is_chosen_on_other_students_and_the_development_part(world, monkeypatch):
    seen = []

    def note(world, family, loss, seeds, **rest):
        seen.append(seeds)

    def marked(family, students, part):
        return torch.tensor([float(part is world.development)])

    monkeypatch.setattr(design_choices, "taught", note)
    monkeypatch.setattr(design_choices, "read", marked)
    assert tried(world, KINDS["bag"], warm_kl, (0.1, 0.2)) == {0.1: 1, 0.2: 1}
    assert seen == [OTHERS, OTHERS]
    assert best({0.1: 3, 0.2: 5}) == 0.2


def test_a_teacher_answers_every_known_command(world):
    answers, score = grown(world, KINDS["bag"], label_loss, 0.05)
    assert answers.shape == (6, 2) and score == 100


def test_the_halves_share_no_template_where_there_are_two():
    commands = Commands("en", ["x"] * 6, LABELS, torch.tensor([0, 0, 1, 5, 5, 5]), ("a", "b"))
    assert design_choices._half_of_templates(commands).tolist() == [True, True, False, True, False, True]


def test_squares_of_probabilities_tend_to_the_centred_squares_of_logits():
    student, teacher = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0)).double()
    hot = probability_mse(student, teacher, 1e4)
    assert hot.item() == pytest.approx(logit_mse(student, teacher).item(), rel=1e-2)


def test_for_a_blank_student_squares_and_kl_take_the_same_step():
    teacher = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    blank = torch.zeros(5, 7, requires_grad=True)
    losses = (probability_mse(blank, teacher, 1.0), distillation_kl(blank, teacher, 1.0))
    one, other = (torch.autograd.grad(loss, blank)[0] for loss in losses)
    assert torch.allclose(one, other, atol=1e-6)


def test_more_seeds_only_where_they_are_asked_for(monkeypatch):
    monkeypatch.delenv("FULL", raising=False)
    assert seeds_for(5) == range(5)
    monkeypatch.setenv("FULL", "1")
    assert seeds_for(5) == range(20)


def test_the_record_says_how_it_was_made_and_repeats_what_the_lesson_claims():
    kept = record()
    assert {"command", "date", "machine", "rates"} < kept.keys()
    assert kept["rates"]["kinds"].keys() == design_record.KINDS.keys()
    points = kept["repeated"]["points"]
    assert points.keys() == kept["full"]["points"].keys()
    assert points["transformer over bag"][2] < 0
    assert points["bag over transformer teacher, bag of pieces"][1] > 0
    assert points["MSE of probabilities, T = 1 over KL"][2] < 0
    assert points["sure and wrong"][2] < 0
    assert not set(range(*kept["repeated"]["seeds"])) & {*range(20), *OTHERS}


def test_the_records_claims_can_be_had_with_any_students(world, monkeypatch):
    monkeypatch.setattr(design_record, "BAG", KINDS["bag"])
    rates = {name: 0.05 for name in design_record.LOSSES}
    second = {name: 0.05 for name in ("KL, T = 1", "MSE of probabilities, T = 1")}
    found = design_record.loss_claims(world, range(2), rates, second)
    assert set(found) == {f"{name} over KL" for name in list(rates)[1:]} | {"sure and wrong"}
    found = design_record.optimizer_claims(world, range(2), {"SGD": 0.1, "Adam": 0.05})
    assert list(found) == ["SGD over Adam"]


def test_two_marks_a_row_are_drawn_with_their_names():
    ax = plt.subplots()[1]
    draw_two(ax, {"row": (Interval(1, 0, 2), Interval(3, 2, 4))}, ("labels", "teacher"), "score")
    assert ax.get_legend_handles_labels()[1] == ["labels", "teacher"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["row"]
