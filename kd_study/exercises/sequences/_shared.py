"""What the exercises on token losses have in common."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from kd_study.exercises.base import fresh


def kl_of_tokens(student_logits: Tensor, teacher_logits: Tensor, temperature: float = 1.0) -> Tensor:
    """(…, C) → (…): KL(teacher ‖ student) of every token, without T² and without a gradient to the teacher."""
    log_q = F.log_softmax(student_logits / temperature, -1)
    log_p = F.log_softmax(teacher_logits.detach() / temperature, -1)
    return (log_p.exp() * (log_p - log_q)).sum(-1)


def with_padding(arguments: dict, value: float) -> dict:
    """The arguments with this value at every masked-out place of both models' logits."""
    dropped = ~arguments["mask"][..., None]
    names = ("student_logits", "teacher_logits")
    return arguments | {name: arguments[name].masked_fill(dropped, value) for name in names}


def costs_of_tokens(arguments: dict) -> Tensor:
    """(N, L): what each token costs, T² included, 0 where it doesn't count."""
    student, teacher, mask, _, temperature = arguments.values()
    return temperature**2 * kl_of_tokens(student, teacher, temperature) * mask


def values_and_gradient(function: Callable, arguments: dict) -> Tensor:
    """The losses, then the gradient of their sum, in one row."""
    leaf = arguments["student_logits"].detach().clone().requires_grad_()
    losses = list(function(**arguments | {"student_logits": leaf}))
    (found,) = torch.autograd.grad(sum(losses), [leaf])
    return torch.cat([torch.stack(losses).detach(), found.flatten()])


def observed_losses(function: Callable, arguments: dict) -> list:
    """Kind of result, losses, and the gradient of their sum where there is a graph."""
    arguments = fresh(arguments)
    leaf = arguments["student_logits"].requires_grad_()
    losses = function(**arguments)
    several = isinstance(losses, list | tuple)
    total = sum(losses) if several else losses
    graph = getattr(total, "requires_grad", False)
    found = torch.autograd.grad(total, [leaf])[0] if graph else None
    return [
        [float(torch.as_tensor(loss).detach()) for loss in losses] if several else float(losses.detach()),
        found,
    ]


def back_propagated_one_by_one(function: Callable, arguments: dict) -> None:
    arguments = fresh(arguments)
    arguments["student_logits"].requires_grad_()
    for loss in function(**arguments):
        loss.backward()


def reaches_the_teacher(function: Callable, arguments: dict) -> bool:
    arguments = fresh(arguments)
    arguments["student_logits"].requires_grad_()
    teacher = arguments["teacher_logits"].requires_grad_()
    losses = function(**arguments)
    return torch.autograd.grad(sum(losses), [teacher], allow_unused=True)[0] is not None
