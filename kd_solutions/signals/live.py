"""A teacher that is asked, or a table of its answers that is held in memory."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn


class LiveSignal:
    """Asks the teacher each time, in eval mode and without a graph.

    forward: what to call on the inputs, such as `teacher.encode`; by default the teacher itself.
    """

    def __init__(self, teacher: nn.Module, forward: Callable[[Any], Any] | None = None):
        self.teacher = teacher
        self._forward = forward or teacher

    @torch.no_grad()
    def __call__(self, inputs: Any) -> Any:
        self.teacher.eval()
        return self._forward(inputs)


class TableSignal:
    """Looks up rows of a table that was computed before: (N) indices → rows of (M, …)."""

    def __init__(self, table: Tensor):
        self.table = table.detach()

    def __call__(self, indices: Tensor | Sequence[int]) -> Tensor:
        return self.table[torch.as_tensor(indices, device=self.table.device)]
