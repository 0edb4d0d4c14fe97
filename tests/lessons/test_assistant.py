"""The voice assistant of the lessons: which commands are shown, and what is said of them."""

import torch

from kd_solutions.data.commands import Commands
from kd_solutions.models.student import StudentModel
from kd_solutions.models.vocabulary import trim_vocabulary
from kd_study.lessons.kit.assistant import Reading, asking_for_else, favourite_answer, with_rows_of

SAMPLE = Commands(
    "hu",
    texts=["a", "b", "c", "d"],
    labels=torch.tensor([0, 1, 2, 1]),
    templates=torch.arange(4),
    intents=("HassTurnOn", "HassTurnOff", "GetWeather"),
)


def model(texts):
    """Answers TurnOff, but to the first."""
    return torch.eye(3)[[0] + [1] * (len(texts) - 1)]


def test_a_favourite_is_what_a_model_answers_most():
    assert favourite_answer(model, SAMPLE) == ("TurnOff", 75.0)


def test_examples_are_the_first_that_ask_for_something_else():
    assert asking_for_else(SAMPLE, "TurnOff", 2) == {"a": "TurnOn", "c": "GetWeather"}
    assert asking_for_else(SAMPLE, "TurnOn", 2) == {"b": "TurnOff", "c": "GetWeather"}


def test_a_reading_is_shown_with_its_probability():
    assert str(Reading("TurnOn", 0.869)) == "TurnOn (87 %)"


def test_a_trimmed_student_reads_as_before_what_it_was_trimmed_for():
    student = StudentModel(["on", "off"], rows=512, width=8, hidden=8, size=4)
    trimmed, kept = with_rows_of(student, ["turn on", "turn off"], trim_vocabulary)
    assert torch.equal(trimmed(["on", "turn off"]), student(["on", "turn off"]))
    assert not torch.equal(trimmed(["bonjour"]), student(["bonjour"]))
    assert kept == len(student.features(["turn on", "turn off"]).ids.unique()) / 512
