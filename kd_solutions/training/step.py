"""One step of the loop: a group of batches forward and backward, checked, then the optimizers."""

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from kd_solutions.training.batches import Batch, map_tensors, rows_of, to_device
from kd_solutions.training.buffers import Buffers
from kd_solutions.training.refusals import check_finite, check_reach, nothing_to_learn


class Step:
    """Makes one step of the optimizers on a group of batches.

    modules: the student, and the loss where it is one: what may have parameters and buffers. bf16, clip_norm,
    forward: as in `distill`. signal: asked on its own `device` where it names one, else on the student's.
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        signal: Callable[[Any], Any],
        loss_function: Callable[[Any, Any, Any], Tensor],
        optimizers: Sequence[Optimizer],
        *,
        forward: Callable[[Any], Any],
        bf16: bool,
        clip_norm: float | None,
    ):
        self._modules, self._signal, self._loss_function = modules, signal, loss_function
        self._optimizers, self._forward, self._clip_norm = optimizers, forward, clip_norm
        if not (parameters := self._parameters()):
            raise nothing_to_learn()
        self._device = next(modules[0].parameters(), parameters[0]).device
        self._asked_on = getattr(signal, "device", self._device)
        self._bf16 = bf16
        self._autocast = torch.autocast(self._device.type, torch.bfloat16) if bf16 else nullcontext()
        self._buffers = Buffers(modules)
        self._is_first = True

    def __call__(self, group: list[Batch], number: int) -> tuple[float, int]:
        """Returns the loss and the rows of the group. After an error in it the student is as it was before.

        number: the step's, for the message. Raises: as `distill`.
        """
        self._buffers.note()
        try:
            loss, rows = self._backward(group, number)
        except BaseException:
            self._buffers.restore()
            raise
        for optimizer in self._optimizers:
            optimizer.step()
        return loss, rows

    def _backward(self, group: list[Batch], number: int) -> tuple[float, int]:
        """Fill the gradients with those of the group's mean loss, clipped; returns that loss and the rows."""
        parameters = self._parameters()
        for parameter in parameters:
            parameter.grad = None
        if self._is_first:
            for module in self._modules:  # also what is in no optimizer, to see whom the loss reaches
                module.zero_grad()
        losses, weights, rows = self._add_up(group)
        if self._is_first:
            check_reach(self._modules, parameters)
            self._is_first = False

        gradients = _gradients(parameters)
        total = sum(weights) or 1.0  # a group where nothing counts: its loss and gradients are 0
        if gradients and total != 1.0:
            torch._foreach_div_(gradients, total)
        values, norm = _read(losses, gradients)
        for value, batch, batch_rows in zip(values, group, rows, strict=True):
            check_finite("loss", value, [batch], number, batch_rows)
        check_finite("gradient", norm, group, number, sum(rows))
        if self._clip_norm is not None and norm > self._clip_norm:
            torch._foreach_mul_(gradients, self._clip_norm / norm)
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total, sum(rows)

    def _add_up(self, group: list[Batch]) -> tuple[list[Tensor], list[float], list[int]]:
        """Add each batch's weighted gradients to those before; returns losses, weights and rows."""
        alone = len(group) == 1  # then its loss is the group's mean already
        losses, weights, rows = [], [], []
        for batch in group:
            loss, batch_rows = self._loss(batch)
            weight = 1.0 if alone else batch_rows if batch.weight is None else batch.weight
            (loss if alone else loss * weight).backward()
            losses.append(loss)
            weights.append(weight)
            rows.append(batch_rows)
        return losses, weights, rows

    def _loss(self, batch: Batch) -> tuple[Tensor, int]:
        """The loss of one batch, with a graph, and its rows."""
        with torch.no_grad():
            teacher_output = self._signal(to_device(self._asked_on, batch.teacher_inputs))
            teacher_output = to_device(self._device, teacher_output)
        with self._autocast:
            student_output = self._forward(to_device(self._device, batch.inputs))
        if self._bf16:
            student_output = map_tensors(_float, student_output)
        loss = self._loss_function(student_output, teacher_output, to_device(self._device, batch.targets))
        if not loss.requires_grad:
            raise nothing_to_learn()
        return loss, rows_of(teacher_output)

    def _parameters(self) -> list[nn.Parameter]:
        groups = (group for optimizer in self._optimizers for group in optimizer.param_groups)
        return [parameter for group in groups for parameter in group["params"]]


def _gradients(parameters: list[nn.Parameter]) -> list[Tensor]:
    """Every gradient as a dense tensor that shares its memory; of a sparse one, its rows' values."""
    gradients = []
    for parameter in parameters:
        gradient = parameter.grad
        if gradient is None:
            continue
        if gradient.is_sparse:
            parameter.grad = gradient = gradient.coalesce()  # a row that occurs twice has one gradient
            gradient = gradient.values()
        gradients.append(gradient)
    return gradients


def _float(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor  # a mask goes on being one


def _read(losses: list[Tensor], gradients: list[Tensor]) -> tuple[list[float], float]:
    """The losses, and the norm of all gradients together: in one transfer, for which a GPU is waited once."""
    norms = torch._foreach_norm(gradients) if gradients else ()
    scalars = [*(loss.detach() for loss in losses), *norms]
    here = scalars[0].device
    numbers = torch.stack([n if n.device == here else n.to(here) for n in scalars]).tolist()
    return numbers[: len(losses)], math.hypot(*numbers[len(losses) :])
