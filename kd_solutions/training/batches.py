"""What a loader gives to the loop."""

from collections.abc import Callable, MutableMapping
from copy import copy
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
    """The same nest of tuples, lists and mappings with every tensor replaced; other things stay.

    A mapping keeps its class, such as transformers' BatchEncoding and ModelOutput, which are no plain dicts.
    """
    if isinstance(value, Tensor):
        return function(value)
    if isinstance(value, MutableMapping):
        replaced = copy(value)
        for key, part in value.items():
            replaced[key] = map_tensors(function, part)
        return replaced
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(map_tensors(function, part) for part in value))
    if isinstance(value, (list, tuple)):
        return type(value)(map_tensors(function, part) for part in value)
    return value


def rows_of(value: Any) -> int:
    """N of a tensor (N, …), or of the first one in a nest of them: a pair of outputs has N rows, not two."""
    if isinstance(value, Tensor):
        return len(value)
    sizes: list[int] = []
    map_tensors(lambda tensor: sizes.extend(tensor.shape[:1]) or tensor, value)
    return sizes[0] if sizes else len(value)


def to_device(device: torch.device, value: Any) -> Any:
    """The same nest with its tensors on a device; what is there, and texts, stay as they are."""
    if isinstance(value, Tensor) and value.device == device:  # nearly always
        return value
    return map_tensors(lambda tensor: tensor if tensor.device == device else _moved(tensor, device), value)


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()  # without it the copy would wait, `non_blocking` or not
    ahead = device.type != "cpu"  # a copy from a GPU must have arrived before anybody reads it
    return tensor.to(device, non_blocking=ahead)
