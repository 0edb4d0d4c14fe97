"""What a loader gives to the loop."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """What one step looks at. The two inputs differ where teacher and student read different languages."""

    inputs: Any
    teacher_inputs: Any
    targets: Any = None
    name: str | None = None  # for the message when something goes wrong in it
    weight: float | None = None  # what its loss is a mean over, where that isn't the rows (kept tokens)


def as_batch(batch: Any) -> Batch:
    """A plain (data, target) as a batch whose data both models read."""
    if isinstance(batch, Batch):
        return batch
    data, target = batch
    return Batch(data, data, target)


def map_tensors(function: Callable[[Tensor], Tensor], value: Any) -> Any:
    """The same nest of tuples, lists and dicts with every tensor replaced; other things stay."""
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, dict):
        return {key: map_tensors(function, part) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(map_tensors(function, part) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(function, part) for part in value)
    return value


def to_device(device: torch.device, value: Any) -> Any:
    """The same nest with its tensors on a device; texts stay."""
    return map_tensors(lambda tensor: tensor.to(device, non_blocking=True), value)
