"""A teacher that is asked each time, and a table of answers in memory.

A signal is a callable: teacher inputs → the teacher's outputs without a graph. A loss never knows which one
it was fed from, and neither does the loop.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from kd_solutions.support.modes import answering


class LiveSignal:
    """Asks the teacher each time, in eval mode and without a graph; its parts' modes come back as they were.

    So a teacher may share layers with the student, or be the student: these go on training in training mode.
    forward: what to call on the inputs, such as `teacher.encode`; by default the teacher itself.
    """

    def __init__(self, teacher: nn.Module, forward: Callable[[Any], Any] | None = None):
        self.teacher = teacher
        self._forward = forward or teacher

    def __call__(self, inputs: Any) -> Any:
        with answering(self.teacher):
            return self._forward(inputs)


class TableSignal:
    """Looks up rows of a table that was computed before: (N) indices → rows of (M, …), on the table's device.

    device: where the table is kept, best the student's; by default where it is.
    """

    def __init__(self, table: Tensor, device: torch.device | str | None = None):
        self.table = table.detach().to(device)

    @property
    def device(self) -> torch.device:
        """Where row numbers are best, too: the loop sends them here straight away."""
        return self.table.device

    def __call__(self, indices: Tensor | Sequence[int]) -> Tensor:
        return self.table.index_select(0, torch.as_tensor(indices, device=self.device))
