"""The right parts of a loop, out of which the wrong answers on the loop are put together."""

import inspect
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn


def answer(teacher: nn.Module, inputs: Tensor) -> Tensor:
    """What the teacher says in eval mode and without a graph; its modes are as they were."""
    before = [(part, part.training) for part in teacher.modules()]
    teacher.eval()
    with torch.no_grad():
        output = teacher(inputs)
    for part, training in before:
        part.training = training
    return output


def compare(loss_function: Callable, student_output: Tensor, teacher_output: Tensor, target) -> Tensor:
    """The loss, which gets the target where it requires three positional arguments."""
    return loss_function(student_output, teacher_output, *([target] if required(loss_function) == 3 else []))


def required(loss_function: Callable) -> int:
    """How many positional parameters without a default a function has."""
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(getattr(loss_function, "forward", loss_function)).parameters.values()
    return sum(one.kind in positional and one.default is one.empty for one in parameters)


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
    """One step from fresh gradients."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def passes(data_loader: Iterable, epochs: int) -> Iterator:
    """The batches of all epochs; ValueError for a pass without a batch."""
    for _ in range(epochs):
        batch = None
        for batch in data_loader:
            yield batch
        if batch is None:
            raise ValueError("data_loader gave no batch")
