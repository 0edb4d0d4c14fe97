"""A known mistake gets its name, two get both, a new one is not guessed at; in any state of the process."""

import contextlib
import random
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from kd_solutions.support.language import use_language
from kd_study import grade
from kd_study.exercises.catalog import exercise
from kd_study.exercises.loop._mistakes import sets_the_global_seed
from kd_study.grading.diagnosis import _adds_up, _multiplies, _near, known_mistakes, same
from kd_study.notebook.views import report_html


def test_a_new_mistake_at_the_edges_is_not_guessed_at():
    def layer_map(student_layers, teacher_layers):
        if not 1 <= student_layers <= teacher_layers:
            raise ValueError
        return tuple(i * teacher_layers // student_layers for i in range(1, student_layers + 1))

    report = grade(layer_map)
    assert report.status == "failed" and report.diagnosis is None


def test_a_wrong_answer_is_named_in_the_language_in_use():
    def soft_targets(logits, temperature=1.0):
        return (logits * temperature).softmax(-1)

    assert "divide" in grade(soft_targets).diagnosis.explanation
    use_language("zh")
    report = grade(soft_targets)
    assert "除以" in report.diagnosis.explanation
    assert "温度" in " ".join(result.message for result in report.results)


def test_a_new_mistake_is_not_guessed_at():
    def soft_targets(logits, temperature=1.0):
        if temperature <= 0:
            raise ValueError
        return (logits / temperature).softmax(-1).flip(-1)

    report = grade(soft_targets)
    assert report.status == "failed" and report.diagnosis is None
    assert "expected [[0.7311, 0.2689]], got [[0.2689, 0.7311]]" in report.results[0].message


def test_a_mistake_is_named_whatever_else_is_careless():
    def soft_targets(logits, temperature=1.0):  # accepts T = 0 as well
        return torch.exp(logits * temperature) / torch.exp(logits * temperature).sum(1, keepdim=True)

    assert grade(soft_targets).diagnosis.name == "multiplies_by_the_temperature"


def test_a_seed_that_the_caller_set_hides_no_mistake():
    """The known mistakes are observed once a process, whatever its random state is at that moment."""
    known_mistakes.cache_clear()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    report = grade(sets_the_global_seed, "train_student_model")
    assert report.diagnosis.name == "sets_the_global_seed", report
    assert torch.equal(torch.get_rng_state(), before)


def alpha_on_the_labels(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5):
    log_q, p = (student_logits / temperature).log_softmax(1), (teacher_logits / temperature).softmax(1)
    soft = F.kl_div(log_q, p, reduction="batchmean") * temperature**2
    return alpha * F.cross_entropy(student_logits, targets) + (1 - alpha) * soft


def sum_without_square(student_logits, teacher_logits, temperature=1.0):
    log_q = F.log_softmax(student_logits / temperature, dim=1)
    return F.kl_div(log_q, F.softmax(teacher_logits.detach() / temperature, dim=1), reduction="sum")


def exponentials_of_any_temperature(logits, temperature=1.0):
    powers = torch.exp(logits / temperature)
    return powers / powers.sum(-1, keepdim=True)


def nan_and_nothing(hidden, mask):
    return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


TWO = [
    (alpha_on_the_labels, "kd_loss", {"swaps_the_weights", "trains_the_teacher_too"}),
    (sum_without_square, "distillation_kl", {"forgets_the_square", "sums_over_rows"}),
    (exponentials_of_any_temperature, "soft_targets", {"overflows", "accepts_any_temperature"}),
    (nan_and_nothing, "mean_pool", {"multiplies_by_the_mask", "divides_by_zero"}),
]


@pytest.mark.parametrize(("function", "name", "expected"), TWO)
def test_two_mistakes_at_once_get_two_names(function, name, expected):
    report = grade(function, name)
    found = [found for _, found in report.diagnoses()]
    assert {one.name for one in found} == expected and report.diagnosis is found[0]
    for shown in (str(report), report_html(report, "")):
        assert shown.count("What this looks like:") == shown.count("And also:") == 1
    use_language("zh")
    assert "另外：" in str(report) and "另外：" in report_html(report, "")


@contextlib.contextmanager
def a_kernel_where_much_was_set():
    """As somebody leaves it who has tried this and that; afterwards all is as it was."""
    before = torch.get_rng_state(), random.getstate(), np.random.get_state(), np.geterr()
    try:
        use_language("zh")
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.autograd.set_detect_anomaly(True)
        torch.set_autocast_enabled("cpu", True)
        np.seterr(all="raise")
        for seed in (torch.manual_seed, random.seed, np.random.seed):
            seed(0)
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("error")
            yield
    finally:
        use_language("en")
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
        torch.autograd.set_detect_anomaly(False)
        torch.set_autocast_enabled("cpu", False)
        torch.set_rng_state(before[0])
        random.setstate(before[1])
        np.random.set_state(before[2])
        np.seterr(**before[3])


SENSITIVE = [
    "smooth_labels",
    "paired_bootstrap",
    "train_student_model",
    "distillation_kl",
    "retrieval_accuracy",
]


@pytest.mark.parametrize("name", SENSITIVE)
def test_known_mistakes_are_the_same_in_any_state_of_the_process(name):
    known_mistakes.cache_clear()
    right, bank = known_mistakes(exercise(name))
    known_mistakes.cache_clear()
    with a_kernel_where_much_was_set():
        other, others = known_mistakes(exercise(name))
    known_mistakes.cache_clear()
    assert same(list(right), list(other))
    assert [one.errs_at for one in bank] == [one.errs_at for one in others]
    assert all(same(list(a.behaviour), list(b.behaviour)) for a, b in zip(bank, others, strict=True))


@pytest.mark.parametrize("name", SENSITIVE)
def test_grading_gives_the_same_in_any_state_of_the_process(name):
    wrong = exercise(name).wrong_answers[0]
    with a_kernel_where_much_was_set():
        report = grade(exercise(name).reference, name)
        assert report.status == "passed", report
        report = grade(wrong.function, name)
        assert report.status == "failed" and report.diagnosis.name == wrong.name
        assert torch.is_inference_mode_enabled() and torch.get_default_dtype() == torch.float64
        assert np.geterr()["under"] == "raise" and torch.is_anomaly_enabled()


def test_not_a_number_tells_no_two_mistakes_and_raises_nothing():
    ones, strange = torch.ones(2), torch.tensor([torch.nan, torch.inf])
    assert _near(ones, ones * 1.0001) and not _near(ones, ones * 1.01)
    assert not _near(strange, strange) and not _near(ones, strange) and _near(ones[:0], ones[:0])
    for rule in (_adds_up, _multiplies):
        assert not rule(ones, ones, strange, ones)


def test_observing_the_known_mistakes_changes_nothing_and_says_nothing(capsys):
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    known_mistakes.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for name in ("paired_bootstrap", "train_student_model", "distillation_kl"):
            known_mistakes(exercise(name))
    assert torch.equal(before[0], torch.get_rng_state()) and before[1] == random.getstate()
    assert before[2] == np.random.get_state()[1].tolist()
    assert not caught and capsys.readouterr() == ("", "")


def test_grading_in_another_thread_gives_the_same():
    known_mistakes.cache_clear()
    with ThreadPoolExecutor(1) as pool:
        report = pool.submit(grade, alpha_on_the_labels, "kd_loss").result()
    assert [found.name for _, found in report.diagnoses()] == [
        found.name for _, found in grade(alpha_on_the_labels, "kd_loss").diagnoses()
    ]
