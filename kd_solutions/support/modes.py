"""Training mode and eval mode: who answers is in eval mode, and nobody's mode changes for it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def modes_restored(module: nn.Module) -> Iterator[None]:
    """Afterwards every part is back in the mode that it had before."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


@contextmanager
def answering(module: nn.Module) -> Iterator[None]:
    """Inside, the module is in eval mode and nothing has a graph; afterwards modes are as before."""
    with modes_restored(module), torch.no_grad():
        module.eval()
        yield
