"""The signature is looked at first: another order of parameters, or another form of result, is told once."""

import functools
import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kd_solutions.support.language import use_language
from kd_study import grade
from kd_study.exercises.catalog import exercise
from kd_study.exercises.expectations import Unmet
from kd_study.grading.signature import calling

ARGUMENTS = "takes_its_arguments"
FORM = "returns_it_in_the_form_asked_for"


def failed(report):
    return {result.name: result.message for result in report.results if not result.passed}


def labels_second(outputs, labels, teacher_outputs, T=4.0, alpha=0.5):
    log_q, log_p = (F.log_softmax(z / T, 1) for z in (outputs, teacher_outputs.detach()))
    soft = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True) * T**2
    return alpha * soft + (1 - alpha) * F.cross_entropy(outputs, labels)


def teacher_first(t_logits, s_logits, tau=1.0):
    log_q, log_p = (F.log_softmax(z / tau, 1) for z in (s_logits, t_logits.detach()))
    return F.kl_div(log_q, log_p, reduction="batchmean", log_target=True) * tau**2


@pytest.mark.parametrize(
    ("function", "name", "en", "zh"),
    [
        (
            labels_second,
            "kd_loss",
            "your function's parameters are (outputs, labels, teacher_outputs, T, alpha), and the call is "
            "kd_loss(student_logits, teacher_logits, targets, temperature=4.0, alpha=0.5); it is judged "
            "below as if it took them so",
            "以下按照它接收的正是这些参数来检查",
        ),
        (
            teacher_first,
            "distillation_kl",
            "your function's parameters are (t_logits, s_logits, tau), and the call is "
            "distillation_kl(student_logits, teacher_logits, temperature=1.0); it is judged below as if it "
            "took them so",
            "你的函数的参数是(t_logits, s_logits, tau)",
        ),
    ],
)
def test_another_order_of_the_parameters_is_told_once_and_the_rest_is_judged(function, name, en, zh):
    assert failed(grade(function, name)) == {ARGUMENTS: en}
    use_language("zh")
    message = failed(grade(function, name))
    assert list(message) == [ARGUMENTS] and zh in message[ARGUMENTS]


def test_a_mistake_behind_another_order_is_named_too():
    def loss(labels, teacher_outputs, student_outputs, T=4.0, alpha=0.5):
        log_q, log_p = (F.log_softmax(z / T, 1) for z in (student_outputs, teacher_outputs.detach()))
        soft = F.kl_div(log_q, log_p, reduction="batchmean", log_target=True)
        return alpha * soft + (1 - alpha) * F.cross_entropy(student_outputs, labels)

    report = grade(loss, "kd_loss")
    assert ARGUMENTS in failed(report) and report.diagnosis.name == "forgets_the_square"


class KDLoss(nn.Module):
    """The usual class: the temperature belongs to the object."""

    def __init__(self, temperature=1.0):
        super().__init__()
        self.temperature = temperature

    def forward(self, student_logits, teacher_logits):
        return teacher_first(teacher_logits, student_logits, self.temperature)


def test_a_class_is_told_what_is_asked_for():
    for language, words in (("en", "not a class; what its constructor takes"), ("zh", "而不是一个类")):
        use_language(language)
        report = grade(KDLoss, "distillation_kl")
        assert report.status == "failed" and [words in one.message for one in report.results] == [True]


def test_a_module_object_is_told_that_the_temperature_is_an_argument():
    report = grade(KDLoss(), "distillation_kl")
    messages = failed(report)
    told = (
        "your function's parameters are (student_logits, teacher_logits), and the call is "
        "distillation_kl(student_logits, teacher_logits, temperature=1.0); what its constructor takes, "
        "such as temperature, is an argument of the call"
    )
    assert messages[ARGUMENTS] == told and not any("forward()" in text for text in messages.values())
    assert set(report.messages()) - {"", "the same"} == {
        told
    }  # wherever the temperature is given, nowhere else


def test_a_module_whose_forward_takes_the_arguments_is_judged_as_any_function():
    class Loss(nn.Module):
        def forward(self, student_logits, teacher_logits, temperature=1.0):
            return teacher_first(teacher_logits, student_logits, temperature)

    assert grade(Loss(), "distillation_kl").status == "passed"


@pytest.mark.parametrize(
    "wrap",
    [
        lambda f: lambda *args, **kwargs: f(*args, **kwargs),
        lambda f: functools.partial(f, extra=0),
        functools.lru_cache,
        lambda f: functools.wraps(f)(lambda *args, **kwargs: f(*args, **kwargs)),
    ],
)
def test_what_takes_the_arguments_in_another_way_is_accepted(wrap):
    def distillation_kl(student_logits, teacher_logits, temperature=1.0, extra=0):
        return teacher_first(teacher_logits, student_logits, temperature)

    assert grade(wrap(distillation_kl), "distillation_kl").status == "passed"


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda logits, temperature=1.0, *, device: logits, "nobody gives it device"),
        (lambda **arguments: arguments, "parameters are (arguments)"),
        (lambda logits, /: logits, "parameters are (logits)"),
        (lambda logits: logits, "it has no temperature"),
    ],
)
def test_what_nobody_gives_and_what_it_lacks_are_told(function, words):
    reference = exercise("soft_targets").reference
    complaint = calling(function, reference, "soft_targets").complaint
    assert words in complaint.en and complaint.zh and complaint.zh != complaint.en


def test_an_argument_that_has_no_place_is_told_where_it_is_given():
    call = calling(lambda logits: logits.softmax(-1), exercise("soft_targets").reference, "soft_targets")
    call(torch.zeros(1, 2), temperature=1.0)  # its default
    with pytest.raises(Unmet, match="it has no temperature"):
        call(torch.zeros(1, 2), temperature=2.0)


def test_what_has_no_signature_is_called_as_it_comes():
    call = calling(max, inspect.unwrap(exercise("layer_map").reference), "layer_map")
    assert call.complaint is None and call(2, 3) == 3


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (lambda loss: loss.reshape(1), "a tensor of shape (1,) came back; squeeze() it"),
        (lambda loss: loss.reshape(1, 1), "a tensor of shape (1, 1) came back; squeeze() it"),
        (lambda loss: [loss], "returned list"),
        (lambda loss: {"loss": loss}, "returned dict"),
    ],
)
def test_a_result_that_is_right_but_for_its_form_is_told_once(form, words):
    def distillation_kl(student_logits, teacher_logits, temperature=1.0):
        return form(teacher_first(teacher_logits, student_logits, temperature))

    report = grade(distillation_kl)
    assert list(failed(report)) == [FORM] and words in failed(report)[FORM]
    assert report.diagnosis is None


def test_a_mistake_behind_another_form_is_named_too():
    def distillation_kl(student_logits, teacher_logits, temperature=1.0):
        return teacher_first(teacher_logits, student_logits, temperature).reshape(1) / temperature**2

    report = grade(distillation_kl)
    assert FORM in failed(report) and report.diagnosis.name == "forgets_the_square"


def test_a_loss_of_each_row_is_no_matter_of_form():
    def distillation_kl(student_logits, teacher_logits, temperature=1.0):
        log_q, log_p = (F.log_softmax(z / temperature, 1) for z in (student_logits, teacher_logits.detach()))
        return F.kl_div(log_q, log_p, reduction="none", log_target=True).sum(1) * temperature**2

    messages = failed(grade(distillation_kl))
    assert FORM not in messages and any("average it" in text for text in messages.values())
