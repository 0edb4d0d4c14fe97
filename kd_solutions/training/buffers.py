"""A student's buffers, such as BatchNorm's running statistics, put back after a step that failed."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

SMALL = 2**18  # numbers; to copy so many takes no time that anybody would notice


class Buffers:
    """The buffers of some modules, noted before a step, to be restored after one that failed."""

    def __init__(self, modules: Iterable[nn.Module]):
        parts = {part for module in modules for part in module.modules()}
        self._kept = [_Kept(part._buffers, name) for part in parts for name in part._buffers]

    def note(self) -> None:
        for kept in self._kept:
            kept.note()

    @torch.no_grad()
    def restore(self) -> None:
        for kept in self._kept:
            kept.restore()


class _Kept:
    """One buffer: which tensor it was, and what was in it.

    A large one, such as a frozen table or a causal mask, is copied again only if its version says that
    somebody wrote to it. A small one always is: BatchNorm writes to its own without a new version.
    """

    def __init__(self, owner: dict[str, Tensor | None], name: str):
        self._owner, self._name = owner, name
        self._tensor: Tensor | None = None
        self._version = -1
        self._copy: Tensor | None = None

    def note(self) -> None:
        tensor = self._owner[self._name]
        is_known = tensor is self._tensor and (tensor is None or tensor._version == self._version)
        if is_known and (tensor is None or tensor.numel() > SMALL):
            return
        self._tensor = tensor
        self._copy = None if tensor is None else tensor.clone()
        self._version = -1 if tensor is None else tensor._version

    def restore(self) -> None:
        if self._tensor is not None:
            self._tensor.copy_(self._copy)
        self._owner[self._name] = self._tensor
