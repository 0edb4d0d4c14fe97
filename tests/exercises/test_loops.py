"""Loops as practitioners write them: another step than the loss's is refused, however small the change."""

import inspect

import pytest
import torch

from kd_study import grade


def loop(of_the_loss):
    """A training loop that goes by `of_the_loss(loss, student)`; right where that is the loss itself."""

    def train(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
        function = getattr(loss_function, "forward", loss_function)
        parameters = inspect.signature(function).parameters.values()
        three = sum(each.default is each.empty for each in parameters) == 3
        batches = 0
        for _ in range(epochs):
            student_model.train()
            teacher_model.eval()
            for batches, (data, target) in enumerate(data_loader, 1):  # noqa: B007
                with torch.no_grad():
                    answer = teacher_model(data)
                outputs = student_model(data), answer, target
                loss = loss_function(*outputs[: 3 if three else 2])
                optimizer.zero_grad()
                of_the_loss(loss, student_model).backward()
                optimizer.step()
        if not batches:
            raise ValueError("no batch")
        return student_model.state_dict()

    return train


def penalty(strength):
    return lambda loss, student: loss + strength * sum(p.square().sum() for p in student.parameters())


def test_the_loop_without_a_change_passes():
    assert grade(loop(lambda loss, student: loss), "train_student_model").status == "passed"


@pytest.mark.parametrize("strength", [1e-5, 1e-4, 5e-4])
@pytest.mark.parametrize("name", ["train_student_model", "repair_the_loop"])
def test_a_penalty_on_the_weights_is_refused_however_small(name, strength):
    report = grade(loop(penalty(strength)), name)
    assert report.status == "failed"
    assert report.diagnosis is None or report.diagnosis.name == "adds_a_penalty_on_the_weights"


def test_a_scaled_loss_is_refused_and_taken_for_no_penalty():
    report = grade(loop(lambda loss, student: 1.0001 * loss), "train_student_model")
    assert report.status == "failed" and report.diagnosis is None
