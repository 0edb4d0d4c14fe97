"""Where a teacher's outputs come from. A signal is a callable: teacher inputs → outputs without a graph.

A loss never knows which of these it was fed from, and neither does the loop.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from kd_solutions.signals.vector_store import KEY_BYTES, VectorStore
from kd_solutions.support.language import say
from kd_solutions.support.paths import cache_folder
from kd_solutions.support.progress import counting

TEXTS_A_CHUNK = 512  # computed under one lock and lost if the process is killed: some seconds' work


class Encoder(Protocol):
    """What `CachedSignal` asks of a teacher; `TeacherModel` is one."""

    size: int  # D

    def encode(self, texts: Sequence[str]) -> Tensor: ...  # (N, D)

    def fingerprint(self) -> str: ...  # the same for two teachers only if their vectors are the same


class CachedSignal:
    """A teacher's vectors of texts, each computed once and kept on disk: (N) texts → (N, D) float32.

    They are keyed by content: the teacher's fingerprint (its weights), the pooling, the text. Processes that
    need the same texts at the same time share the work. folder: by default in the user's cache.
    progress: a line that counts during long computations; by default where somebody looks.
    """

    def __init__(
        self,
        teacher: Encoder,
        folder: Path | None = None,
        pooling: str = "mean",
        progress: bool | None = None,
    ):
        self.teacher = teacher
        self._progress = progress
        name = hashlib.sha256(f"{teacher.fingerprint()} {pooling}".encode()).hexdigest()[:16]
        folder = folder or cache_folder() / "vectors"
        self._store = VectorStore(Path(folder) / f"{name}-{teacher.size}.vectors", teacher.size)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        keys = [_key(text) for text in texts]
        by_key = dict(zip(keys, texts, strict=True))
        while missing := {key: text for key, text in by_key.items() if key not in self._store}:
            self._compute(missing)  # more than once only if a damaged file was set aside meanwhile
        return self._store.read(keys)

    def _compute(self, missing: dict[bytes, str]) -> None:
        with self._store.locked():  # only to learn what other processes have computed
            missing = {key: text for key, text in missing.items() if key not in self._store}
        keys = sorted(missing, key=lambda key: len(missing[key]))  # like lengths together
        shown = self._progress if len(keys) > TEXTS_A_CHUNK else False
        title = say("the teacher reads", "教师模型正在读")
        with counting(title, len(keys), shown) as advance:
            for start in range(0, len(keys), TEXTS_A_CHUNK):
                chunk = keys[start : start + TEXTS_A_CHUNK]
                with self._store.locked():
                    new = [key for key in chunk if key not in self._store]
                    if new:
                        self._store.append(new, self.teacher.encode([missing[key] for key in new]))
                advance(len(chunk))


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=KEY_BYTES).digest()


def cache_teacher(teacher: nn.Module, data_loader: Iterable[tuple[Iterable, Any]]) -> dict[Any, Tensor]:
    """The teacher's logits of every sample, in one pass: sample id → (C), without a graph.

    The teacher answers in eval mode, and the modes of its parts come back as they were. Logits are kept under
    the sample's id, not its position, because a loader that shuffles would pair them with the wrong samples.

    Args: data_loader of (ids, data) batches; ids a tensor, or any row of hashable values.
    Source: haitongli/knowledge-distillation-pytorch PR #16 and #17, where a shuffled loader did just that.
    """
    cache = {}
    modes = [(module, module.training) for module in teacher.modules()]
    try:
        teacher.eval()
        with torch.no_grad():
            for ids, data in data_loader:
                names = ids.tolist() if isinstance(ids, Tensor) else ids
                cache.update(zip(names, teacher(data).clone().unbind(), strict=True))
    finally:
        for module, mode in modes:
            module.training = mode
    return cache
