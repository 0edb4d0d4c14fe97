"""Loops as practitioners write them: another step than the loss's is refused, however small the change."""

import pytest

from kd_study import grade
from tests.small_models import loop


def penalty(strength):
    return lambda loss, student: loss + strength * sum(p.square().sum() for p in student.parameters())


def test_the_loop_without_a_change_passes():
    assert grade(loop(), "train_student_model").status == "passed"


@pytest.mark.parametrize("strength", [1e-5, 1e-4, 5e-4])
@pytest.mark.parametrize("name", ["train_student_model", "repair_the_loop"])
def test_a_penalty_on_the_weights_is_refused_however_small(name, strength):
    report = grade(loop(goes_by=penalty(strength)), name)
    assert report.status == "failed"
    assert report.diagnosis is None or report.diagnosis.name == "adds_a_penalty_on_the_weights"


def test_a_scaled_loss_is_refused_and_taken_for_no_penalty():
    report = grade(loop(goes_by=lambda loss, student: 1.0001 * loss), "train_student_model")
    assert report.status == "failed" and report.diagnosis is None
