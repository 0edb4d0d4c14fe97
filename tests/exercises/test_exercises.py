"""Every exercise: its reference and other right answers pass, every wrong answer is rejected and named."""

import inspect

import pytest

from kd_study import grade
from kd_study.cli.scaffold import TO_WRITE
from kd_study.exercises.catalog import FOLDER, NAMES, TOPICS, all_exercises, exercise
from kd_study.grading.diagnosis import same
from tests.alternatives import ALTERNATIVES

WRONG = [
    pytest.param(task.name, wrong, id=f"{task.name}-{wrong.name}")
    for task in all_exercises()
    for wrong in task.wrong_answers
]
RIGHT = [
    pytest.param(name, function, id=f"{name}-{function.__name__}")
    for name, functions in sorted(ALTERNATIVES.items())
    for function in functions
]


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes(name):
    report = grade(exercise(name).reference, name)
    assert report.status == "passed", f"\n{report}"
    assert report.calls_reference


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_wrong_answer_is_rejected_and_named(name, wrong):
    report = grade(wrong.function, name)
    assert report.status == "failed", f"\n{report}"
    assert report.diagnosis is not None and report.diagnosis.name == wrong.name, f"\n{report}"


@pytest.mark.parametrize(("name", "function"), RIGHT)
def test_another_right_answer_is_accepted(name, function):
    report = grade(function, name)
    assert report.status == "passed", f"\n{report}"
    assert not report.calls_reference


@pytest.mark.parametrize("name", NAMES)
def test_two_wrong_answers_never_behave_the_same(name):
    task = exercise(name)
    seen = [(wrong.name, task.behaviour(wrong.function)) for wrong in task.wrong_answers]
    twins = [(a, b) for i, (a, one) in enumerate(seen) for b, other in seen[:i] if same(one, other)]
    assert not twins, "probes() and edges() need an input on which these differ"


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_complete(name):
    task = exercise(name)
    page = task.sheet
    assert page.name == task.name == name and name in TOPICS[page.topic] and 0 < page.minutes <= 60
    assert len(task.checks()) >= 5 and len(task.wrong_answers) >= 6
    assert len(ALTERNATIVES[name]) >= 2
    files = (FOLDER / page.topic).glob(f"{name}.*")
    assert not any(TO_WRITE in file.read_text("utf-8") for file in files)
    texts = [page.statement, *page.hints, page.discussion]
    texts += [method.title for method in task.checks().values()]
    texts += [wrong.explanation for wrong in task.wrong_answers]
    assert all(text.en.strip() and text.zh.strip() for text in texts)
    prose = [page.statement, page.discussion, *(wrong.explanation for wrong in task.wrong_answers)]
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in text.zh) for text in prose)


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_named_as_in_the_contract(name):
    expected = inspect.signature(exercise(name).reference)
    for wrong in exercise(name).wrong_answers:
        assert list(inspect.signature(wrong.function).parameters) == list(expected.parameters), wrong.name
