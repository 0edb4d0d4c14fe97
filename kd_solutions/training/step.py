"""One step of the loop: a group of batches forward and backward, checked, then the optimizers."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_solutions.training.batches import Batch, map_tensors, rows_of, to_device

SMALL = 2**18  # numbers; copying a buffer of so many takes no time that anybody would notice


class Step:
    """Makes one step of the optimizers on a group of batches.

    What doesn't change from step to step is listed once: parameters, buffers, the device. Loss and gradient
    norm are read in one transfer, so that a GPU is waited for once a step.
    """

    def __init__(
        self,
        student: nn.Module,
        signal: Callable[[Any], Any],
        loss_function: Callable[[Any, Any, Any], Tensor],
        optimizers: Sequence[Optimizer],
        *,
        forward: Callable[[Any], Any],
        modules: Sequence[nn.Module],
        bf16: bool,
        clip_norm: float | None,
    ):
        """modules: the student, and the loss where it is a module: whose buffers a step may change."""
        self._signal, self._loss_function, self._forward = signal, loss_function, forward
        self._optimizers, self._bf16, self._clip_norm = optimizers, bf16, clip_norm
        groups = (group for optimizer in optimizers for group in optimizer.param_groups)
        self._parameters = [parameter for group in groups for parameter in group["params"]]
        if not self._parameters:
            raise _nothing_to_learn()
        self._no_grad = torch.no_grad()
        self._device = next(student.parameters(), self._parameters[0]).device
        self._buffers = _Buffers(modules)
        self._outsiders: _Outsiders | None = _Outsiders(
            modules, self._parameters
        )  # until the first step is made

    def __call__(self, group: list[Batch], number: int) -> tuple[float, int]:
        """Returns the loss and the rows of the group. After an error the student is as it was before."""
        self._buffers.note()
        try:
            loss, rows = self._backward(group, number)
        except Exception:
            self._buffers.restore()
            raise
        for optimizer in self._optimizers:
            optimizer.step()
        return loss, rows

    def _backward(self, group: list[Batch], number: int) -> tuple[float, int]:
        """Fills the gradients with those of the group's mean loss, clipped."""
        for parameter in self._parameters:
            parameter.grad = None
        losses, weights, rows = [], [], 0
        for batch in group:
            loss, batch_rows = self._loss(batch)
            rows += batch_rows
            losses.append(loss)
            if len(group) == 1:  # its loss is the whole group's mean already
                loss.backward()
            else:
                weights.append(batch_rows if batch.weight is None else batch.weight)
                (loss * weights[-1]).backward()
        if self._outsiders:
            self._outsiders.check()
            if all(parameter.grad is None for parameter in self._parameters):
                raise _nothing_to_learn()
            self._outsiders = None
        total = sum(weights) or 1.0  # a group where nothing counts: its loss and gradients are 0
        gradients = self._gradients()
        if weights and gradients:
            torch._foreach_div_(gradients, total)
        values, norm = _read(losses, gradients)
        for value, batch in zip(values, group, strict=True):
            if not math.isfinite(value):
                raise _not_finite("loss", value, [batch], number)
        if not math.isfinite(norm):
            raise _not_finite("gradient", norm, group, number)
        if self._clip_norm is not None and norm > self._clip_norm:
            torch._foreach_mul_(gradients, self._clip_norm / norm)
        if not weights:
            return values[0], rows
        return sum(value * weight for value, weight in zip(values, weights, strict=True)) / total, rows

    def _loss(self, batch: Batch) -> tuple[Tensor, int]:
        device = self._device
        with self._no_grad:
            teacher_output = to_device(device, self._signal(to_device(device, batch.teacher_inputs)))
        inputs, targets = to_device(device, batch.inputs), to_device(device, batch.targets)
        if self._bf16:
            with torch.autocast(device.type, torch.bfloat16):
                student_output = self._forward(inputs)
            student_output = map_tensors(_float, student_output)
        else:
            student_output = self._forward(inputs)
        loss = self._loss_function(student_output, teacher_output, targets)
        if not loss.requires_grad:
            raise _nothing_to_learn()
        return loss, rows_of(teacher_output)

    def _gradients(self) -> list[Tensor]:
        """Every gradient as a dense tensor that shares its memory; of a sparse one, its rows' values."""
        gradients = []
        for parameter in self._parameters:
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
    """The losses, and the norm of all gradients together."""
    device = losses[0].device
    norms = torch._foreach_norm(gradients) if gradients else ()
    if device.type == "cpu":  # where a number is read at no cost, which stacking them would have
        return [loss.item() for loss in losses], math.hypot(*(norm.item() for norm in norms))
    values = torch.stack([scalar.detach().to(device) for scalar in (*losses, *norms)]).tolist()
    return values[: len(losses)], math.hypot(*values[len(losses) :])


def _not_finite(what: str, value: float, group: list[Batch], number: int) -> StudyError:
    names = ", ".join(str(batch.name) for batch in group if batch.name is not None)
    where = f"batch {names} (step {number})" if names else f"step {number}"
    return StudyError(
        say(
            f"The {what} is {value} in {where}, the student is as it was before: "
            "look at that batch, lower the learning rate or clip the gradients.",
            f"{where}的{what}是{value}，学生模型保持在这一步之前的样子："
            "请检查这个批次，降低学习率，或裁剪梯度。",
        )
    )


def _nothing_to_learn() -> ValueError:
    return ValueError(
        say(
            "The loss reaches no parameter of the optimizers, so nothing would be learned: don't detach the "
            "student's output, and give the optimizers the parameters of this student.",
            "损失没有连到优化器里的任何参数，什么也学不到："
            "请不要detach学生模型的输出，并把这个学生模型的参数交给优化器。",
        )
    )


class _Outsiders:
    """Parameters that want to learn but are in no optimizer."""

    def __init__(self, modules: Sequence[nn.Module], optimised: Sequence[nn.Parameter]):
        known = set(map(id, optimised))
        self._named = [
            (f"{type(module).__name__}.{name}", parameter)
            for module in modules
            for name, parameter in module.named_parameters()
            if parameter.requires_grad and id(parameter) not in known
        ]
        self._before = [_version(parameter.grad) for _, parameter in self._named]

    def check(self) -> None:
        """ValueError where one of them got a gradient, which nobody uses."""
        pairs = zip(self._named, self._before, strict=True)
        reached = [name for (name, parameter), before in pairs if _version(parameter.grad) != before]
        if reached:
            others = (
                say(f" and {len(reached) - 1} more", f"等{len(reached)}个参数") if len(reached) > 1 else ""
            )
            raise ValueError(
                say(
                    f"{reached[0]}{others} should learn, but is in no optimizer: give it to one, "
                    "or freeze it with requires_grad_(False).",
                    f"{reached[0]}{others}需要学习，却不在任何优化器里：请把它交给优化器，"
                    "或用requires_grad_(False)冻结。",
                )
            )


def _version(tensor: Tensor | None) -> tuple[int, int] | None:
    """What changes when something is added to a gradient."""
    return None if tensor is None else (id(tensor), tensor._version)


class _Buffers:
    """The buffers of some modules, kept to be put back after a step that failed."""

    def __init__(self, modules: Sequence[nn.Module]):
        parts = {id(part): part for module in modules for part in module.modules()}.values()
        self._where = [(part._buffers, name) for part in parts for name in part._buffers]
        self._tensors: list[Tensor | None] = [None] * len(self._where)
        self._copies: list[Tensor | None] = [None] * len(self._where)
        self._versions = [-1] * len(self._where)

    def note(self) -> None:
        """Copy them as they are now; of the large ones, only those that were written to since."""
        small = []
        for at, (buffers, name) in enumerate(self._where):
            tensor = buffers[name]
            if tensor is not self._tensors[at]:
                self._tensors[at], self._copies[at] = tensor, None if tensor is None else tensor.clone()
            elif tensor is None:
                continue
            elif tensor.numel() <= SMALL:  # BatchNorm writes to its own without a new version
                small.append(at)
            elif tensor._version != self._versions[at]:
                self._copies[at].copy_(tensor)
            self._versions[at] = -1 if tensor is None else tensor._version
        if small:
            torch._foreach_copy_([self._copies[at] for at in small], [self._tensors[at] for at in small])

    @torch.no_grad()
    def restore(self) -> None:
        for (buffers, name), tensor, copy in zip(self._where, self._tensors, self._copies, strict=True):
            if tensor is not None:
                tensor.copy_(copy)
            buffers[name] = tensor
