"""Training that can be killed at any moment and goes on exactly where it was."""

import copy
import hashlib
import io
import random
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kd_solutions.support.errors import StudyError, writing_to
from kd_solutions.support.files import write_whole
from kd_solutions.support.language import say

DIGEST_BYTES = hashlib.sha256().digest_size


class Run:
    """How far a training run has come, and everything that a checkpoint of it must hold.

    A checkpoint stores each part's `state_dict`, the losses so far, the position in the loader, and the
    random state twice: as it is now, and as it was at the start of the epoch. A resumed run replays the
    epoch's order from the second, skips the batches it has seen, then sets the first. The random state is
    that of Python, NumPy and PyTorch, and of every generator that the loader holds: its own, its samplers'
    and its dataset's. A loader that keeps its own place, by `state_dict` and `load_state_dict`, is asked to.
    """

    def __init__(self, parts: dict[str, Any], loader: Iterable):
        self.parts = parts
        self.loader = loader
        self.generators = generators_of(loader)
        self.losses: list[float] = []
        self.epoch = 0
        self.seen = 0
        self.epoch_start: dict | None = None
        self._keeps_its_place = hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")

    def groups(self, epochs: int, size: int) -> Iterator[list]:
        """Lists of up to `size` batches, of all epochs that are left; no list spans two epochs."""
        while self.epoch < epochs:
            batches = self._unseen_batches(size)
            while group := list(islice(batches, size)):
                self.seen += len(group)
                yield group
            if not self.seen:
                raise ValueError(
                    say(
                        f"The loader gave no batch in epoch {self.epoch + 1}: "
                        "pass a list or a DataLoader with data, not an iterator that is used up.",
                        f"数据加载器在第{self.epoch + 1}轮没有给出任何批次："
                        "请传入有数据的列表或DataLoader，而不是已经用完的迭代器。",
                    )
                )
            self.epoch, self.seen = self.epoch + 1, 0

    def _unseen_batches(self, size: int) -> Iterator:
        if not self.seen:
            self.epoch_start = random_state(self.generators)
            return iter(self.loader)
        if self._keeps_its_place:
            return iter(self.loader)
        if isinstance(self.loader, Iterator):
            raise StudyError(
                say(
                    f"The checkpoint has seen {self.seen} batches of its epoch, and an iterator can't be "
                    "rewound to find the next one: pass a list, a DataLoader or whatever starts anew with "
                    "each `for`.",
                    f"检查点在这一轮里已经看过{self.seen}个批次，而迭代器无法倒回去找到下一个："
                    "请传入列表、DataLoader，或其他每次for都从头开始的对象。",
                )
            )
        now = random_state(self.generators)
        set_random_state(self.epoch_start, self.generators)
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
        set_random_state(now, self.generators)
        return batches

    def begin(self, path: Path) -> None:
        """Go on from a checkpoint that is there; else write one, so that a bad place shows at once."""
        with writing_to(path.parent):
            there = path.exists()
        if there:
            self.load(path)
        else:
            self.save(path)

    def save(self, path: Path) -> None:
        """Write a checkpoint; whoever is killed meanwhile still has the one before.

        Behind what torch.save writes stands its SHA-256.
        """
        payload = {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "kinds": self._kinds(),
            "losses": torch.tensor(self.losses, dtype=torch.float64),
            "epoch": self.epoch,
            "seen": self.seen,
            "epoch_start": self.epoch_start,
            "now": random_state(self.generators),
            "place": self.loader.state_dict() if self._keeps_its_place else None,
        }
        buffer = io.BytesIO()
        torch.save(payload, buffer)
        buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
        with writing_to(path.parent):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, buffer.getbuffer())

    def load(self, path: Path) -> None:
        """Take everything over from a checkpoint.

        Raises: StudyError where it is damaged or of another run; then nothing has changed.
        """
        before = {name: copy.deepcopy(part.state_dict()) for name, part in self.parts.items()}
        now = random_state(self.generators)
        try:
            self._take_over(_read(path))
        except Exception as error:
            for name, part in self.parts.items():
                part.load_state_dict(before[name])
            set_random_state(now, self.generators)
            raise StudyError(
                say(
                    f"The checkpoint {path} doesn't fit this run: delete it or choose another path. "
                    f"({error})",
                    f"检查点{path}与这次训练不符：请删除它，或换一个路径。（{error}）",
                )
            ) from error

    def _take_over(self, payload: dict[str, Any]) -> None:
        losses, place = payload["losses"].tolist(), payload["place"]
        if payload["kinds"] != self._kinds():
            raise ValueError(f"It holds {payload['kinds']}, not {self._kinds()}.")
        for name, part in self.parts.items():
            part.load_state_dict(payload["parts"][name])
        set_random_state(payload["now"], self.generators)
        if self._keeps_its_place:
            self.loader.load_state_dict(place)
        self.epoch, self.seen, self.epoch_start = payload["epoch"], payload["seen"], payload["epoch_start"]
        self.losses = losses

    def _kinds(self) -> dict[str, str]:
        """Part → its class: an optimizer takes another's state without a word, and fails at its next step."""
        return {name: type(part).__name__ for name, part in self.parts.items()}


def _read(path: Path) -> dict[str, Any]:
    content = memoryview(path.read_bytes())
    payload, digest = content[:-DIGEST_BYTES], content[-DIGEST_BYTES:]
    if hashlib.sha256(payload).digest() != digest:
        raise ValueError("Its checksum is wrong.")
    return torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)


def generators_of(loader: Any) -> dict[str, Any]:
    """Where it hangs → every random generator that a loader, its samplers and its dataset hold."""
    found: dict[str, Any] = {}
    waiting, known = [("", loader)], set()
    while waiting:
        path, owner = waiting.pop()
        if id(owner) in known:
            continue
        known.add(id(owner))
        for name, value in (getattr(owner, "__dict__", None) or {}).items():
            if isinstance(
                value, (torch.Generator, random.Random, np.random.Generator, np.random.RandomState)
            ):
                found[f"{path}{name}"] = value
            elif name in ("sampler", "batch_sampler", "dataset", "loader"):
                waiting.append((f"{path}{name}.", value))
    return found


def random_state(generators: dict[str, Any]) -> dict[str, Any]:
    """The global random states of Python, NumPy and PyTorch, and of generators: numbers and tensors."""
    return {
        "python": random.getstate(),
        "numpy": _plain(np.random.get_state(legacy=False)),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "mps": torch.mps.get_rng_state() if torch.backends.mps.is_available() else None,
        "generators": {path: _state_of(generator) for path, generator in generators.items()},
    }


def set_random_state(state: dict[str, Any], generators: dict[str, Any]) -> None:
    """Undo every draw since `random_state` was called."""
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["cuda"])
    if torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])
    if state["generators"].keys() != generators.keys():
        raise ValueError(f"It holds the generators {list(state['generators'])}, not {list(generators)}.")
    for path, generator in generators.items():
        _set_state_of(generator, state["generators"][path])


def _state_of(generator: Any) -> Any:
    match generator:
        case torch.Generator():
            return generator.get_state()
        case random.Random():
            return generator.getstate()
        case np.random.Generator():
            return _plain(generator.bit_generator.state)
        case _:
            return _plain(generator.get_state(legacy=False))


def _set_state_of(generator: Any, state: Any) -> None:
    match generator:
        case torch.Generator():
            generator.set_state(state)
        case random.Random():
            generator.setstate(state)
        case np.random.Generator():
            generator.bit_generator.state = state
        case _:
            generator.set_state(state)


def _plain(state: Any) -> Any:
    """A NumPy state without its arrays, which loading safely would refuse."""
    if isinstance(state, dict):
        return {name: _plain(part) for name, part in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state
