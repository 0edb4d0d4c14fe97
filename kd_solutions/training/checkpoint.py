"""Training that can be killed at any moment and goes on exactly where it was."""

import io
import random
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import write_whole
from kd_solutions.support.language import say


class Run:
    """How far a training run has come, and everything that a checkpoint of it must hold.

    A checkpoint stores each part's `state_dict`, the losses so far, the position in the loader, and the
    random state twice: as it is now, and as it was at the start of the epoch. A resumed run replays the
    epoch's order from the second, skips the batches it has seen, then sets the first. The random state is
    that of Python, NumPy and PyTorch, and of `loader.generator` where it exists, as a DataLoader's may.
    """

    def __init__(self, parts: dict[str, Any], loader: Iterable):
        self.parts = parts
        self.loader = loader
        self.generator: torch.Generator | None = getattr(loader, "generator", None)
        self.losses: list[float] = []
        self.epoch = 0
        self.seen = 0
        self.epoch_start: dict | None = None

    def groups(self, epochs: int, size: int) -> Iterator[list]:
        """Lists of up to `size` batches, of all epochs that are left; no list spans two epochs."""
        while self.epoch < epochs:
            batches = self._unseen_batches(size)
            while group := list(islice(batches, size)):
                self.seen += len(group)
                yield group
            if not self.seen:
                raise ValueError(
                    f"The loader gave no batch in epoch {self.epoch + 1}: "
                    "pass a list or a DataLoader with data, not an iterator that is used up."
                )
            self.epoch, self.seen = self.epoch + 1, 0

    def _unseen_batches(self, size: int) -> Iterator:
        if not self.seen:
            self.epoch_start = random_state(self.generator)
            return iter(self.loader)
        now = random_state(self.generator)
        set_random_state(self.epoch_start, self.generator)
        batches, skipped = iter(self.loader), 0
        # by groups, since asking an exhausted loader for more may draw, too
        while skipped < self.seen and (group := list(islice(batches, size))):
            skipped += len(group)
        if skipped != self.seen:
            raise StudyError(
                say(
                    f"The checkpoint has seen {self.seen} batches of its epoch, which this loader does not "
                    "give: go on with the data and the `accumulate` it was made with, or delete it.",
                    f"检查点在这一轮里已经看过{self.seen}个批次，而这个数据加载器给不出："
                    "请用生成它时的数据和`accumulate`继续，或删除它。",
                )
            )
        set_random_state(now, self.generator)
        return batches

    def save(self, path: Path) -> None:
        """Write a checkpoint; whoever is killed meanwhile still has the one before."""
        payload = {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "epoch": self.epoch,
            "seen": self.seen,
            "epoch_start": self.epoch_start,
            "now": random_state(self.generator),
        }
        buffer = io.BytesIO()
        torch.save(payload, buffer)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, buffer.getbuffer())
        except OSError as error:
            raise StudyError(
                say(
                    f"Can't write {path} ({error.strerror}): free some space or choose another folder.",
                    f"无法写入{path}（{error.strerror}）：请腾出空间，或换一个文件夹。",
                )
            ) from error

    def load(self, path: Path) -> None:
        """Take everything over from a checkpoint; StudyError where it is damaged or of another run."""
        try:
            payload = torch.load(path, map_location="cpu", weights_only=True)
            if payload["parts"].keys() != self.parts.keys():
                raise ValueError(f"It holds {', '.join(payload['parts'])}.")
            for name, part in self.parts.items():
                part.load_state_dict(payload["parts"][name])
        except Exception as error:
            raise StudyError(
                say(
                    f"The checkpoint {path} doesn't fit this run: delete it or choose another path. "
                    f"({error})",
                    f"检查点{path}与这次训练不符：请删除它，或换一个路径。（{error}）",
                )
            ) from error
        self.losses = payload["losses"].tolist()
        self.epoch, self.seen, self.epoch_start = payload["epoch"], payload["seen"], payload["epoch_start"]
        set_random_state(payload["now"], self.generator)


def random_state(generator: torch.Generator | None = None) -> dict:
    """The global random states of Python, NumPy and PyTorch, and of one generator: numbers and tensors."""
    name, keys, *rest = np.random.get_state()
    return {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "generator": None if generator is None else generator.get_state(),
    }


def set_random_state(state: dict, generator: torch.Generator | None = None) -> None:
    """Undo every draw since `random_state` was called."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    if generator is not None:
        generator.set_state(state["generator"])
