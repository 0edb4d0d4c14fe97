import copy
import inspect
from contextlib import ExitStack
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
def puts_the_modes_back_with_a_callback(student, teacher, inputs, optimizer, loss_function):
    with ExitStack() as stack:
        for part in teacher.modules():
            stack.callback(setattr, part, "training", part.training)
        teacher.eval()
        student.train()
        with torch.inference_mode():
            target = teacher(inputs)
    target = target.clone()
    optimizer.zero_grad()
    loss = loss_function(student(inputs), target)
    loss.backward()
    optimizer.step()
    return loss.item()


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
        optimizer.zero_grad()
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
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
        parameter.grad = gradient
    optimizer.step()
    optimizer.zero_grad()
    return loss.detach().item()


@accepted("train_student_model")
def in_the_order_of_the_textbook(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    parameters = inspect.signature(loss_function).parameters.values()
    needs_target = sum(p.default is p.empty and p.kind is not p.VAR_KEYWORD for p in parameters) >= 3
    teacher_model.eval()
    student_model.train()
    seen = 0
    for _epoch in range(epochs):
        for data, target in data_loader:
            seen += len(data)
            optimizer.zero_grad()
            output = student_model(data)
            with torch.no_grad():
                soft = teacher_model(data)
            args = (output, soft, target) if needs_target else (output, soft)
            loss = loss_function(*args)
            loss.backward()
            optimizer.step()
    if seen == 0:
        raise ValueError("nothing to train on")
    return copy.deepcopy(student_model.state_dict())


@accepted("train_student_model")
def tries_without_the_target_first(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    if len(data_loader) == 0:
        raise ValueError("empty loader")
    teacher_model.train(False)
    for data, target in (batch for _ in range(epochs) for batch in data_loader):
        student_model.train()
        optimizer.zero_grad(set_to_none=False)
        outputs = student_model(data), teacher_model(data).detach()
        try:
            loss = loss_function(*outputs)
        except TypeError:
            loss = loss_function(*outputs, target)
        loss.backward()
        optimizer.step()
    return {name: value.clone() for name, value in student_model.state_dict().items()}


@accepted("train_student_model")
def freezes_the_teacher_for_good(
    teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1
):
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    target_loss = [
        name
        for name, p in inspect.signature(loss_function).parameters.items()
        if p.kind in kinds and p.default is inspect.Parameter.empty
    ][2:]
    student_model.requires_grad_(True).train()
    teacher_model.requires_grad_(False).eval()
    epoch = 0
    while epoch < epochs:
        iterator = iter(data_loader)
        try:
            batch = next(iterator)
        except StopIteration:
            raise ValueError("no batch") from None
        while batch is not None:
            data, target = batch

            def closure(data=data, target=target):
                optimizer.zero_grad()
                pair = student_model(data), teacher_model(data)
                loss = loss_function(*pair, target) if target_loss else loss_function(*pair)
                loss.backward()
                return loss

            optimizer.step(closure)
            batch = next(iterator, None)
        epoch += 1
    return student_model.state_dict()


@accepted("repair_the_loop")
def with_every_line_mended(teacher_model, student_model, data_loader, loss_function, optimizer, epochs=1):
    parameters = inspect.signature(loss_function).parameters.values()
    takes_target = sum(one.default is one.empty for one in parameters) == 3
    student_model.train()
    teacher_model.eval()
    for _ in range(epochs):
        batches = 0
        for data, target in data_loader:
            optimizer.zero_grad()
            student_output = student_model(data)
            with torch.no_grad():
                teacher_output = teacher_model(data)
            if takes_target:
                loss = loss_function(student_output, teacher_output, target)
            else:
                loss = loss_function(student_output, teacher_output)
            loss.backward()
            optimizer.step()
            batches += 1
        if batches == 0:
            raise ValueError("data_loader gave no batch")
    return student_model.state_dict()


accepted("repair_the_loop")(freezes_the_teacher_for_good)
accepted("repair_the_loop")(tries_without_the_target_first)


@accepted("cache_teacher")
def one_sample_at_a_time(teacher, data_loader):
    teacher.eval()
    cache = {}
    for ids, data in data_loader:
        for position, name in enumerate(ids):
            name = name.item() if isinstance(name, torch.Tensor) else name
            cache[name] = teacher(data[position : position + 1]).detach().squeeze(0).clone()
    return cache


@accepted("cache_teacher")
def gathers_first_and_cuts_afterwards(teacher, data_loader):
    was_training = teacher.training
    teacher.train(False)
    names, blocks = [], []
    with torch.inference_mode():
        for ids, data in data_loader:
            names.extend(ids.tolist() if torch.is_tensor(ids) else ids)
            blocks.append(teacher(data).cpu())
    teacher.train(was_training)
    table = torch.cat(blocks)
    return {name: table[row] for row, name in enumerate(names)}


@accepted("cache_teacher")
@torch.no_grad()
def with_a_copy_of_the_teacher(teacher, data_loader):
    quiet = copy.deepcopy(teacher).eval()
    pairs = ((ids, quiet(data)) for ids, data in data_loader)
    return {
        (int(name) if isinstance(name, torch.Tensor) else name): row
        for ids, logits in pairs
        for name, row in zip(ids, logits, strict=True)
    }
