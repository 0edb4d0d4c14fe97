import copy
from types import MethodType

import torch
from torch import nn

from tests.alternatives import accepted


@accepted("freeze")
def with_a_lambda(teacher):
    teacher.eval()
    for parameter in teacher.parameters():
        parameter.requires_grad = False
    teacher.train = lambda mode=True: teacher
    return teacher


@accepted("freeze")
def with_a_class_of_its_own(teacher):
    class Frozen(type(teacher)):
        def train(self, mode=True):
            return super().train(False)

    teacher.__class__ = Frozen
    return teacher.requires_grad_(False).train()


@accepted("freeze")
def with_a_bound_method_and_a_forward_without_graph(teacher):
    forward = teacher.forward

    @torch.no_grad()
    def quiet(*args, **kwargs):
        return forward(*args, **kwargs)

    teacher.forward = quiet
    teacher.train = MethodType(lambda self, mode=True: nn.Module.train(self, False), teacher)
    teacher.train()
    return teacher


@accepted("distill_step")
def asks_a_copy_of_the_teacher(student, teacher, inputs, optimizer, loss_function):
    target = copy.deepcopy(teacher).eval()(inputs).detach()
    optimizer.zero_grad(set_to_none=False)
    loss = loss_function(student.train()(inputs), target)
    loss.backward()
    optimizer.step()
    return float(loss)


@accepted("distill_step")
def with_a_closure(student, teacher, inputs, optimizer, loss_function):
    modes = {name: part.training for name, part in teacher.named_modules()}
    teacher.train(False)
    with torch.no_grad():
        target = teacher(inputs)
    for name, part in teacher.named_modules():
        part.training = modes[name]
    student.train(True)

    def closure():
        student.zero_grad()
        loss = loss_function(student.forward(inputs), target)
        loss.backward()
        return loss

    return optimizer.step(closure).item()


@accepted("distill_step")
def sets_the_gradients_by_hand_and_clears_them_afterwards(student, teacher, inputs, optimizer, loss_function):
    training = [part for part in teacher.modules() if part.training]
    for part in training:
        part.training = False
    target = teacher(inputs).detach()
    for part in training:
        part.training = True
    student.train()
    loss = loss_function(student(inputs), target)
    parameters = [p for p in student.parameters() if p.requires_grad]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach().item()
