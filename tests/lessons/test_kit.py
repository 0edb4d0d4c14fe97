import matplotlib.pyplot as plt
import pytest
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

from kd_solutions.evaluation import Interval
from kd_solutions.support.language import use_language
from kd_study.lessons.kit.dials import Dial
from kd_study.lessons.kit.experiments import (
    Cohort,
    ManyStudents,
    attempt,
    bags,
    few_commands,
    in_words,
    kept_for_backward,
    score_by_intent,
    shared_words,
    side_by_side,
    train_head,
    train_many,
    typical,
)
from kd_study.lessons.kit.pictures import axes, draw_two_by_language


def test_few_commands_takes_as_many_of_each_intent_and_never_one_twice():
    labels = torch.tensor([0, 1, 2] * 10)
    rows = few_commands(labels, 4, seed=0)
    assert torch.bincount(labels[rows]).tolist() == [4, 4, 4]
    assert len(set(rows.tolist())) == 12
    assert not torch.equal(rows, few_commands(labels, 4, seed=1))
    assert torch.equal(rows, few_commands(labels, 4, seed=0))


def test_few_commands_takes_all_where_there_are_fewer():
    assert few_commands(torch.tensor([0, 0, 0, 1]), 2, seed=0).tolist()[-1] == 3


def test_a_typical_row_is_read_rightly_and_neither_the_surest_nor_the_least_sure():
    confidence = torch.tensor([9.0, 1.0, 3.0, 2.0, 4.0])
    logits = torch.stack([confidence, torch.zeros(5)], dim=1)
    labels = torch.tensor([1, 0, 0, 0, 0])  # the surest is wrong
    assert typical(logits, labels) == 2


def test_bags_have_length_one_and_know_no_word_order():
    found = bags(["turn the light on", "on light the turn", "stop the timer"], rows=64)
    assert found.shape == (3, 64)
    assert torch.allclose(found.norm(dim=1), torch.ones(3))
    assert torch.allclose(found[0], found[1])
    assert not torch.allclose(found[0], found[2])


def test_names_are_alike_by_the_words_that_they_share():
    shares = shared_words(["IncreaseTimer", "DecreaseTimer", "TurnOff"])
    assert torch.equal(shares, torch.tensor([[3, 1, 0], [1, 3, 0], [0, 0, 3]]) / 3)


def test_each_of_many_students_trains_as_it_would_alone():
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(3, 10, 6, generator=generator)
    labels = torch.randint(4, (3, 10), generator=generator)

    def trained(students, inputs, labels):
        return train_many(
            students, inputs, lambda z: F.cross_entropy(z, labels.flatten()), steps=5, rate=0.01
        )

    alone = ManyStudents(1, 6, 5, 4)
    with torch.no_grad():
        for own, of_three in zip(alone.parameters(), ManyStudents(3, 6, 5, 4).parameters(), strict=True):
            own.copy_(of_three[1:2])
    together = trained(ManyStudents(3, 6, 5, 4), inputs, labels)
    trained(alone, inputs[1:2], labels[1])
    for own, of_three in zip(alone.parameters(), together.parameters(), strict=True):
        assert torch.allclose(own[0], of_three[1], atol=1e-5)


def test_score_weighs_every_intent_alike():
    labels = torch.tensor([0, 0, 0, 1])
    always_zero = F.one_hot(torch.zeros(2, 4, dtype=torch.long), 2).float()
    assert score_by_intent(always_zero, labels).tolist() == [50.0, 50.0]


def test_a_head_learns_without_touching_the_random_state():
    vectors, labels = torch.eye(3).repeat(5, 1), torch.arange(3).repeat(5)
    before = torch.random.get_rng_state()
    head = train_head(vectors, labels, 3)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(head(vectors).argmax(1), labels)
    assert not any(parameter.requires_grad for parameter in head.parameters())


def test_a_head_does_not_learn_how_often_an_intent_occurs():
    labels = torch.tensor([0] * 90 + [1] * 10)
    probabilities = train_head(torch.ones(100, 2), labels, 2)(torch.ones(1, 2)).softmax(1)
    assert probabilities[0].tolist() == pytest.approx([0.5, 0.5], abs=0.02)


def test_autograd_keeps_activations_but_not_under_no_grad():
    model = nn.Sequential(nn.Linear(100, 100), nn.Tanh())
    inputs = torch.randn(250, 100, requires_grad=True)
    assert kept_for_backward(model, lambda: model(inputs)) == pytest.approx(
        0.2
    )  # its input and tanh's output
    with torch.no_grad():
        assert kept_for_backward(model, lambda: model(inputs)) == 0


def test_attempt_prints_what_went_wrong(capsys):
    attempt(lambda: int("x"))
    attempt(lambda: None)
    assert capsys.readouterr().out.splitlines() == [
        "ValueError: invalid literal for int() with base 10: 'x'",
        "no error",
    ]


@pytest.fixture
def cohort():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(4, (3, 10), generator=generator).flatten()
    return Cohort(
        intents=("a", "b", "c", "d"),
        texts=[""] * 30,
        inputs=torch.randn(3, 10, 6, generator=generator),
        labels=labels,
        teacher_logits=torch.randn(30, 4, generator=generator),
        held_out_inputs=torch.randn(20, 6, generator=generator),
        held_out_labels=torch.arange(20) % 4,
    )


def test_a_cohort_starts_every_training_alike(cohort):
    def trained():
        return cohort.scores(cohort.train(lambda z: F.cross_entropy(z, cohort.labels)))

    first, second = trained(), trained()
    assert first.shape == (3,) and torch.equal(first, second)


def test_a_cohort_trains_with_the_optimizer_and_rate_given(cohort):
    def trained(factor, rate):
        loss = lambda z: factor * (z - cohort.teacher_logits).square().mean()  # noqa: E731
        return cohort.train(loss, torch.optim.SGD, rate)(cohort.held_out_inputs)

    assert torch.equal(trained(1.0, 0.5), trained(1 / 16, 8.0))
    assert not torch.allclose(trained(1.0, 0.5), trained(1 / 16, 0.5))


@pytest.mark.parametrize(("language", "shown"), [("en", "+2 (+0 to +4)"), ("zh", "+2（+0至+4）")])
def test_a_difference_is_told_in_whole_points(language, shown):
    use_language(language)
    assert in_words(Interval(1.7, 0.2, 3.6)) == shown
    use_language("en")
    assert in_words(Interval(-3.2, -4.6, -1.8)) == "−3 (−5 to −2)"


def test_results_stand_side_by_side():
    alone, taught = torch.tensor([50.0, 60.0]), torch.tensor([60.0, 70.2])
    titles, rows = side_by_side({"labels": alone, "teacher": taught}, alone)
    assert len(titles) == 3
    assert rows == [["labels", "55", ""], ["teacher", "65", "+10 (+9 to +11)"]]


def test_a_dial_draws_its_picture_anew_and_describes_it():
    drawn, open_before = [], plt.get_fignums()

    def draw(temperature):
        drawn.append(temperature)
        ax = axes()
        ax.set_title(f"T = {temperature}")
        return ax.figure

    dial = Dial(draw, "temperature", (1, 2, 4), start=2)
    before = dial._picture.value
    dial._slider.value = 4
    assert drawn == [2, 4] and dial._picture.value != before
    assert 'alt="temperature = 4. Panel: T = 4' in dial._picture.value
    assert plt.get_fignums() == open_before
    assert dial._repr_mimebundle_()["text/plain"] == "A dial: temperature, from 1 to 4"


def test_two_models_are_drawn_with_their_intervals():
    ax = Figure().subplots()
    draw_two_by_language(
        ax, {"en": 93.0, "hu": 10.0}, {"en": 94.0, "hu": 67.0}, ["teacher", "student"], count=300
    )
    spans = [
        line.get_xdata()
        for line in ax.lines
        if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2
    ]
    assert len(spans) == 4 and all(low < high for low, high in spans)
    assert spans[1][0] < 10 < spans[1][1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["teacher", "student"]
    bare = Figure().subplots()
    draw_two_by_language(bare, {"en": 93.0}, {"en": 94.0}, ["teacher", "student"])
    assert len(bare.lines) == 3
