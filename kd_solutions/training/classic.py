"""The loop as one writes it on a whiteboard: freeze a teacher, make a step, train a student."""

import inspect
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from kd_solutions.support.language import say
from kd_solutions.support.modes import modes_restored


def freeze(teacher: nn.Module) -> nn.Module:
    """Make a teacher safe to keep beside, or inside, a student that trains.

    It stays in eval mode whatever `.train()` is called on it, on its parts or on a parent, so that dropout is
    off and BatchNorm's running statistics never move; no parameter asks for a gradient. eval() and
    requires_grad are different things: the first doesn't stop gradients, `no_grad` doesn't stop BatchNorm.

    Returns: the same module; it can still be copied, pickled and saved.
    Source: the bug of neuralmagic/sparseml PR #2191, where student.train() woke the teacher up.
    """
    teacher.eval().requires_grad_(False)
    teacher.zero_grad()
    for module in teacher.modules():
        module.train = partial(_stay_in_eval, module)
    return teacher


def _stay_in_eval(module: nn.Module, mode: bool = True) -> nn.Module:
    return module


def distill_step(
    student: nn.Module,
    teacher: nn.Module,
    inputs: Any,
    optimizer: Optimizer,
    loss_function: Callable[[Any, Any], Tensor],
) -> float:
    """One step of online distillation: forward both, backward the student, step.

    The teacher answers in eval mode and without a graph; the modes of all its parts come back as they were.
    The student trains in training mode, and stays in it, with the layers that it may share with the teacher;
    a teacher that is to sleep inside a student is frozen (`freeze`).

    Args: inputs as both models take them; loss_function(student_output, teacher_output) → scalar.
    Returns: the loss as a float.
    """
    with modes_restored(teacher), torch.no_grad():
        teacher.eval()
        teacher_output = teacher(inputs)
    student.train()  # last, because the two may share layers
    loss = loss_function(student(inputs), teacher_output)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def train_student_model(
    teacher_model: nn.Module,
    student_model: nn.Module,
    data_loader: Iterable,
    loss_function: Callable[..., Tensor],
    optimizer: Optimizer,
    epochs: int = 1,
) -> dict[str, Tensor]:
    """Train a student on a teacher's outputs: the classic loop. Modes are as in `distill_step`.

    Args: data_loader of (data, target) batches, gone through `epochs` times, ValueError where it has none;
    loss_function(student_output, teacher_output), or with the target as a third required parameter.
    Returns: the student's state_dict.
    Source: Hinton et al. 2015.
    """
    loss_function = taking_target(loss_function)
    student_model.train()
    for _ in range(epochs):
        batches = 0
        for data, target in data_loader:
            with modes_restored(teacher_model), torch.no_grad():  # at each step: the two may share layers
                teacher_model.eval()
                teacher_output = teacher_model(data)
            loss = loss_function(student_model(data), teacher_output, target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            batches += 1
        if batches == 0:
            raise _no_batch()
    return student_model.state_dict()


def repair_the_loop(
    teacher_model: nn.Module,
    student_model: nn.Module,
    data_loader: Iterable,
    loss_function: Callable[..., Tensor],
    optimizer: Optimizer,
    epochs: int = 1,
) -> dict[str, Tensor]:
    """`train_student_model` once more, with its body handed to `distill_step`, where modes, graph and fresh
    gradients are right in one place.

    Args, returns and errors: as `train_student_model`.
    """
    loss_function = taking_target(loss_function)
    for _ in range(epochs):
        losses = [
            distill_step(
                student_model,
                teacher_model,
                data,
                optimizer,
                lambda student, teacher, target=target: loss_function(student, teacher, target),
            )
            for data, target in data_loader
        ]
        if not losses:
            raise _no_batch()
    return student_model.state_dict()


def _no_batch() -> ValueError:
    return ValueError(
        say(
            "data_loader gave no batch: pass a list or a DataLoader with data in it.",
            "data_loader没有给出任何批次：请传入有数据的列表或DataLoader。",
        )
    )


def taking_target(loss_function: Callable[..., Tensor]) -> Callable[[Any, Any, Any], Tensor]:
    """A loss of (student_output, teacher_output, target), which ignores the target unless it is required."""
    function = loss_function.forward if isinstance(loss_function, nn.Module) else loss_function
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # written in C, such as torch.dist
        parameters = ()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [p for p in parameters if p.kind in positional and p.default is p.empty]
    if len(required) == 3:
        return loss_function
    return lambda student_output, teacher_output, target: loss_function(student_output, teacher_output)
