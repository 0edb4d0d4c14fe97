import inspect
from collections.abc import Callable, Iterable

import torch


def repair_the_loop(
    teacher_model: torch.nn.Module,
    student_model: torch.nn.Module,
    data_loader: Iterable,
    loss_function: Callable[..., torch.Tensor],
    optimizer: torch.optim.Optimizer,
    epochs: int = 1,
) -> dict[str, torch.Tensor]:
    """Train a student on a teacher's outputs. It runs, the loss falls, and six things are wrong."""
    parameters = inspect.signature(loss_function).parameters.values()
    takes_target = sum(one.default is one.empty for one in parameters) == 3

    student_model.train()
    for _ in range(epochs):
        optimizer.zero_grad()
        batches = 0
        for data, target in data_loader:
            student_output = student_model(data)
            teacher_output = teacher_model(data)
            if takes_target:
                loss = loss_function(teacher_output, student_output, target)
            else:
                loss = loss_function(teacher_output, student_output)
            loss.backward()
            batches += 1
        if batches == 0:
            raise ValueError("data_loader gave no batch")
        optimizer.step()
        return student_model.state_dict()
