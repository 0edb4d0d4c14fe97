"""The loop: a student learns from a teacher's outputs, wherever these come from and whatever the loss is."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_solutions.support.progress import counting
from kd_solutions.training.batches import Batch, as_batch, map_tensors, rows_of, to_device
from kd_solutions.training.checkpoint import Run
from kd_solutions.training.classic import taking_target


@dataclass(frozen=True)
class DistillResult:
    """How training went; the student itself was trained in place."""

    losses: list[float]  # one a step, those before a resume included
    rows: int  # rows trained on in this call
    seconds: float  # of this call

    @property
    def steps(self) -> int:
        return len(self.losses)

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


def distill(
    student: nn.Module,
    signal: Callable[[Any], Any],
    loader: Iterable,
    loss_function: Callable[..., Tensor],
    optimizer: Optimizer | Sequence[Optimizer],
    *,
    schedulers: LRScheduler | Sequence[LRScheduler] = (),
    epochs: int = 1,
    max_steps: int | None = None,
    accumulate: int = 1,
    clip_norm: float | None = None,
    bf16: bool = False,
    forward: Callable[[Any], Any] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 1000,
    progress: bool | None = None,
) -> DistillResult:
    """Train a student on a signal: the loop that one would use at work.

    Args:
        student: trained in place, in training mode, on the device where its parameters are.
        signal: teacher_inputs → the teacher's outputs: `LiveSignal(teacher)`, a cache, a table (signals.py).
        loader: gives `Batch`es or plain (data, target); may be endless if max_steps is given. Its tensors are
            moved to the student's device.
        loss_function: (student_output, teacher_output) → scalar, the mean over rows; or with the targets as a
            third required parameter, for hard and soft labels mixed. If it has parameters of its own, such as
            a projector, it is a module, and they are in an optimizer.
        optimizer, schedulers: one or several; each makes one step for each group of batches.
        epochs, max_steps: training ends with whichever comes first.
        accumulate: batches a group. Their losses are weighted by rows (or by `Batch.weight`), so that a step
            equals one on the whole group as a single batch, which a mean of means would not. A group ends
            with its epoch.
        clip_norm: the largest norm of all gradients together, sparse ones included.
        bf16: bfloat16 autocast for the student's forward pass; the loss sees float32 again.
        forward: what is trained of the student, such as `student.encode`; by default the student itself.
        checkpoint: a file written every `checkpoint_every` steps and at the end. If it exists, training goes
            on from it and ends bit for bit as if it had never stopped. Delete it to start anew.
        progress: a line that counts; by default where somebody looks, at a terminal or in a notebook.
    Returns: losses, rows and seconds.
    Raises: StudyError with the batch's name where a loss or a gradient isn't finite, with the student as it
        was before that step; ValueError for a loader without a batch.
    """
    optimizers = [optimizer] if isinstance(optimizer, Optimizer) else list(optimizer)
    schedulers = [schedulers] if isinstance(schedulers, LRScheduler) else list(schedulers)
    step = _Step(
        student, signal, taking_target(loss_function), optimizers, forward or student, bf16, clip_norm
    )
    run = Run(_stateful_parts(student, loss_function, optimizers, schedulers), loader)
    path = Path(checkpoint) if checkpoint is not None else None
    if path is not None:
        run.begin(path)

    student.train()
    rows, start = 0, time.perf_counter()
    steps_left = None if max_steps is None else max(max_steps - len(run.losses), 0)
    groups = islice(run.groups(epochs, accumulate), steps_left)
    total = _total_steps(loader, epochs, max_steps, accumulate)
    with counting(say("training", "训练"), total, progress, done=len(run.losses)) as advance:
        for group in groups:
            loss, group_rows = step([as_batch(batch) for batch in group], number=len(run.losses) + 1)
            for scheduler in schedulers:
                scheduler.step()
            run.losses.append(loss)
            rows += group_rows
            advance(note=f"loss {loss:.4f}")
            if path is not None and len(run.losses) % checkpoint_every == 0:
                run.save(path)
    if path is not None:
        run.save(path)
    return DistillResult(run.losses, rows, time.perf_counter() - start)


@dataclass(frozen=True)
class _Step:
    """One step of the optimizers on a group of batches."""

    student: nn.Module
    signal: Callable[[Any], Any]
    loss_function: Callable[[Any, Any, Any], Tensor]
    optimizers: list[Optimizer]
    forward: Callable[[Any], Any]
    bf16: bool
    clip_norm: float | None

    def __call__(self, group: list[Batch], number: int) -> tuple[float, int]:
        """Returns the loss and the rows of the group. After a StudyError the student is as it was before."""
        buffers = [(buffer, buffer.clone()) for buffer in self.student.buffers()]
        try:
            return self._update(group, number)
        except StudyError:
            for buffer, before in buffers:
                buffer.copy_(before)
            raise

    def _update(self, group: list[Batch], number: int) -> tuple[float, int]:
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss_sum, weight_sum, row_sum = 0.0, 0.0, 0
        for batch in group:
            loss, rows = self._loss(batch)
            weight = rows if batch.weight is None else batch.weight
            if len(group) == 1:
                weight = 1.0  # the loss is the whole group's mean already
            (loss * weight).backward()
            value = loss.item()
            _require_finite("loss", value, [batch], number)
            loss_sum, weight_sum, row_sum = loss_sum + value * weight, weight_sum + weight, row_sum + rows
        gradients = self._gradients()
        weight_sum = weight_sum or 1.0  # a group where nothing counts: its loss and gradients are 0
        if len(group) > 1 and gradients:
            torch._foreach_div_(gradients, weight_sum)
        norm = get_total_norm(gradients).item()
        _require_finite("gradient", norm, group, number)
        if self.clip_norm is not None and norm > self.clip_norm:
            torch._foreach_mul_(gradients, self.clip_norm / norm)
        for optimizer in self.optimizers:
            optimizer.step()
        return loss_sum / weight_sum, row_sum

    def _loss(self, batch: Batch) -> tuple[Tensor, int]:
        device = next(self.student.parameters()).device
        inputs, teacher_inputs, targets = (to_device(device, part) for part in batch[:3])
        with torch.no_grad():
            teacher_output = to_device(device, self.signal(teacher_inputs))
        with torch.autocast(device.type, torch.bfloat16) if self.bf16 else nullcontext():
            student_output = self.forward(inputs)
        if self.bf16:
            student_output = map_tensors(Tensor.float, student_output)
        return self.loss_function(student_output, teacher_output, targets), rows_of(teacher_output)

    def _gradients(self) -> list[Tensor]:
        """Every gradient as a dense tensor that shares its memory; of a sparse one, its rows' values."""
        gradients = []
        for group in (group for optimizer in self.optimizers for group in optimizer.param_groups):
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                if parameter.grad.is_sparse:
                    parameter.grad = parameter.grad.coalesce()  # a row that occurs twice has one gradient
                    gradients.append(parameter.grad.values())
                else:
                    gradients.append(parameter.grad)
        return gradients


def _require_finite(what: str, value: float, group: list[Batch], number: int) -> None:
    if not math.isfinite(value):
        names = ", ".join(str(batch.name) for batch in group if batch.name is not None)
        where = f"batch {names} (step {number})" if names else f"step {number}"
        raise StudyError(
            say(
                f"The {what} is {value} in {where}, the student is as it was before: "
                "look at that batch, lower the learning rate or clip the gradients.",
                f"{where}的{what}是{value}，学生模型保持在这一步之前的样子："
                "请检查这个批次，降低学习率，或裁剪梯度。",
            )
        )


def _stateful_parts(student, loss_function, optimizers, schedulers) -> dict[str, Any]:
    """What a checkpoint holds, by name."""
    parts = {"student": student}
    if isinstance(loss_function, nn.Module):
        parts["loss"] = loss_function
    parts |= {f"optimizer {i}": optimizer for i, optimizer in enumerate(optimizers)}
    parts |= {f"scheduler {i}": scheduler for i, scheduler in enumerate(schedulers)}
    return parts


def _total_steps(loader: Iterable, epochs: int, max_steps: int | None, accumulate: int) -> int | None:
    """How many steps training will make, None where nobody can know."""
    limits = [] if max_steps is None else [max_steps]
    with suppress(TypeError):  # a stream has no length, and its DataLoader has one only by name
        limits.append(epochs * math.ceil(len(loader) / accumulate))
    return min(limits, default=None)
