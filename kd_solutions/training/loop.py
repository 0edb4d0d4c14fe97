"""The loop: a student learns from a teacher's outputs, wherever these come from and whatever the loss is."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from kd_solutions.signals.live import LiveSignal
from kd_solutions.support.language import say
from kd_solutions.support.progress import counting
from kd_solutions.training.batches import Batch, as_batch
from kd_solutions.training.checkpoint import Run
from kd_solutions.training.classic import taking_target
from kd_solutions.training.refusals import check_settings, check_shared_layers
from kd_solutions.training.step import Step


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
    loader: Iterable[Batch | tuple],
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
        signal: teacher_inputs → the teacher's outputs: a cache, a table, or a teacher, which is asked as a
            `LiveSignal`. A teacher may share layers with the student, unless they are frozen.
        loader: gives `Batch`es or plain (data, target); may be a stream, and endless if max_steps is given.
            Its tensors are moved to the student's device.
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
            on from it, with the learning rates that it holds, and ends bit for bit as if it had never
            stopped, as long as the loader's order comes from what a `Run` stores. Delete it to start anew.
        progress: a line that counts; by default where somebody looks, at a terminal or in a notebook.
    Returns: losses, rows and seconds.
    Raises: StudyError with the batch's name where a loss or a gradient isn't finite, with the student as it
        was before that step; ValueError for a setting that can't be meant, a loader without a batch, and at
        the first step for a loss that reaches no parameter of the optimizers, or one that is in none.
    """
    check_settings(
        epochs=epochs,
        max_steps=max_steps,
        accumulate=accumulate,
        clip_norm=clip_norm,
        checkpoint_every=checkpoint_every,
    )
    optimizers = [optimizer] if isinstance(optimizer, Optimizer) else list(optimizer)
    schedulers = [schedulers] if isinstance(schedulers, LRScheduler) else list(schedulers)
    if isinstance(signal, nn.Module):
        signal = LiveSignal(signal)
    check_shared_layers(student, signal, optimizers)
    modules = [student, loss_function] if isinstance(loss_function, nn.Module) else [student]
    step = Step(
        modules,
        signal,
        taking_target(loss_function),
        optimizers,
        forward=forward or student,
        bf16=bf16,
        clip_norm=clip_norm,
    )
    run = Run(_stateful_parts(modules, optimizers, schedulers), loader)
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


def _stateful_parts(modules, optimizers, schedulers) -> dict[str, Any]:
    """What a checkpoint holds, by name."""
    parts = dict(zip(("student", "loss"), modules, strict=False))
    parts |= {f"optimizer {i}": optimizer for i, optimizer in enumerate(optimizers)}
    parts |= {f"scheduler {i}": scheduler for i, scheduler in enumerate(schedulers)}
    return parts


def _total_steps(loader: Iterable, epochs: int, max_steps: int | None, accumulate: int) -> int | None:
    """How many steps training will make, None where nobody can know."""
    limits = [] if max_steps is None else [max_steps]
    with suppress(TypeError):  # a stream has no length, and its DataLoader has one only by name
        limits.append(epochs * math.ceil(len(loader) / accumulate))
    return min(limits, default=None)
