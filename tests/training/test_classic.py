"""freeze, distill_step, train_student_model, repair_the_loop: modes, graphs, fresh gradients, the target."""

import copy
import math
import pickle
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from kd_solutions.losses.response import distillation_kl, kd_loss
from kd_solutions.training.classic import distill_step, freeze, repair_the_loop, train_student_model
from tests.small_models import batches, data, linear, network, same, sgd, state

# freeze


def test_freeze_returns_the_same_module_in_eval_and_without_gradients():
    teacher = network()
    teacher(data()[0]).sum().backward()
    assert freeze(teacher) is teacher
    assert not any(part.training for part in teacher.modules())
    assert not any(
        parameter.requires_grad or parameter.grad is not None for parameter in teacher.parameters()
    )


@pytest.mark.parametrize(
    "wake_up",
    [
        lambda parent: parent.train(),
        lambda parent: parent.teacher.train(),
        lambda parent: parent.teacher.train(True),
        lambda parent: parent.teacher[1].train(),
    ],
)
def test_a_frozen_teacher_can_not_be_woken_up(wake_up):
    parent = nn.Module()
    parent.teacher, parent.head = freeze(network()), nn.Dropout()
    before = state(parent.teacher)
    parent.eval()
    wake_up(parent)
    assert not any(part.training for part in parent.teacher.modules())
    assert_close(parent.teacher(data()[0]), parent.teacher(data()[0]))
    assert same(state(parent.teacher), before)
    assert all(part.train() is part for part in parent.teacher.modules())
    assert parent.train().head.training


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))])
def test_a_copy_of_a_frozen_teacher_is_frozen_and_its_own(clone):
    teacher = freeze(network())
    copied = clone(teacher)
    assert not copied.train().training and copied.train() is copied
    assert not any(parameter.requires_grad for parameter in copied.parameters())
    copied[0].weight.data.zero_()
    assert teacher[0].weight.any()


# distill_step


def test_a_step_moves_the_student_alone_and_restores_every_mode_of_the_teacher():
    student, teacher = network(), network(1)
    teacher.train()
    teacher[1].eval()
    modes = [part.training for part in teacher.modules()]
    student.eval()
    before, teacher_before = state(student), state(teacher)
    loss = distill_step(
        student, teacher, data()[0], torch.optim.SGD(student.parameters(), lr=0.1), F.mse_loss
    )
    assert isinstance(loss, float) and math.isfinite(loss)
    assert student.training and not same(state(student), before)
    assert [part.training for part in teacher.modules()] == modes
    assert same(state(teacher), teacher_before)
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_a_step_is_the_one_by_hand():
    student, teacher = nn.Linear(4, 3), network(1)
    by_hand, inputs = copy.deepcopy(student), data()[0]
    student.weight.grad = torch.ones_like(student.weight)  # left over from something else
    loss = F.mse_loss(by_hand(inputs), teacher.eval()(inputs).detach())
    loss.backward()
    torch.optim.SGD(by_hand.parameters(), lr=0.1).step()
    teacher.train()
    value = distill_step(student, teacher, inputs, torch.optim.SGD(student.parameters(), lr=0.1), F.mse_loss)
    assert value == pytest.approx(loss.item())
    assert_close(student.state_dict(), by_hand.state_dict())


def test_a_teacher_inside_its_student_answers_in_eval_mode():
    student, teacher = nn.Module(), network(1).eval()
    student.teacher, student.head = teacher, nn.Linear(4, 3)
    student.forward = lambda inputs: student.head(inputs)
    before = state(teacher)
    optimizer = torch.optim.SGD(student.head.parameters(), lr=0.1)
    distill_step(student, teacher, data()[0], optimizer, F.mse_loss)
    train_student_model(teacher, student, batches(), F.mse_loss, optimizer)
    assert same(state(teacher), before)


def test_modes_come_back_when_the_teacher_raises():
    teacher = network().train()
    student = nn.Linear(5, 3)
    with pytest.raises(RuntimeError):
        distill_step(student, teacher, torch.ones(2, 5), torch.optim.SGD(student.parameters()), F.mse_loss)
    assert all(part.training for part in teacher.modules())


# the classic loop, and its repaired twin


@pytest.fixture(params=[train_student_model, repair_the_loop])
def train(request):
    return request.param


def test_training_is_the_loop_by_hand(train):
    teacher, student = network(1).train(), network(2)
    by_hand = copy.deepcopy(student)
    optimizer, twin = (
        torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9) for model in (student, by_hand)
    )
    reference = copy.deepcopy(teacher).eval()
    torch.manual_seed(0)
    for inputs, _ in batches() + batches():
        twin.zero_grad()
        distillation_kl(by_hand.train()(inputs), reference(inputs).detach()).backward()
        twin.step()
    torch.manual_seed(0)
    teacher_before = state(teacher)
    trained = train(teacher, student.eval(), batches(), distillation_kl, optimizer, epochs=2)
    assert same(trained, by_hand.state_dict()) and same(trained, student.state_dict())
    assert same(state(teacher), teacher_before)
    assert all(parameter.grad is None for parameter in teacher.parameters())


def test_the_teacher_answers_in_eval_mode_and_without_a_graph(train):
    teacher, student, answers = network(1).train(), linear(), []
    teacher.register_forward_hook(lambda module, inputs, output: answers.append((module.training, output)))
    train(teacher, student, batches(), F.mse_loss, sgd(student))
    assert [(training, output.requires_grad) for training, output in answers] == [(False, False)] * 3


class WithTarget(nn.Module):
    def forward(self, student_output, teacher_output, targets):
        return kd_loss(student_output, teacher_output, targets)


def with_a_default(student_output, teacher_output, targets=None):
    assert targets is None
    return F.mse_loss(student_output, teacher_output)


def with_more(student_output, teacher_output, *more):
    assert not more
    return F.mse_loss(student_output, teacher_output)


@pytest.mark.parametrize(
    "loss, same_as",
    [
        (kd_loss, kd_loss),
        (WithTarget(), kd_loss),
        (partial(kd_loss, temperature=4.0), kd_loss),
        (lambda s, t, y: kd_loss(s, t, y), kd_loss),
        (nn.MSELoss(), F.mse_loss),
        (with_a_default, F.mse_loss),
        (with_more, F.mse_loss),
        (partial(distillation_kl, temperature=1.0), distillation_kl),
        (torch.dist, lambda s, t: (s - t).norm()),
    ],
)
def test_the_target_is_passed_where_it_is_required(train, loss, same_as):
    results = []
    for loss_function in (loss, same_as):
        student = nn.Linear(4, 3)
        nn.init.constant_(student.weight, 0.1)
        nn.init.zeros_(student.bias)
        optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
        train(network(1), student, batches(), loss_function, optimizer)
        results.append(state(student))
    assert_close(results[0], results[1])


@pytest.mark.parametrize(("language", "sentence"), [("en", "no batch"), ("zh", "没有给出任何批次")])
def test_a_loader_without_a_batch_is_an_error(train, language, sentence, monkeypatch):
    monkeypatch.setattr("kd_solutions.support.language._current", language)
    student = nn.Linear(4, 3)
    arguments = F.mse_loss, torch.optim.SGD(student.parameters())
    for loader, epochs in (([], 1), (iter(batches()), 2)):
        with pytest.raises(ValueError, match=sentence):
            train(network(1), student, loader, *arguments, epochs=epochs)


def test_the_student_learns_from_its_teacher():
    inputs, _ = data(256)
    teacher, student = network(1), nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    loader = DataLoader(TensorDataset(inputs, torch.zeros(256)), batch_size=32, shuffle=True)
    optimizer = torch.optim.Adam(student.parameters(), lr=0.01)
    train_student_model(teacher, student, loader, distillation_kl, optimizer, epochs=20)
    with torch.no_grad():
        assert distillation_kl(student(inputs), teacher.eval()(inputs)) < 0.01
