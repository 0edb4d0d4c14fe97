"""Answers that are kept: a sentence encoder's vectors on disk, a classifier's logits in memory."""

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from kd_solutions.signals.vector_store import KEY_BYTES, VectorStore
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_solutions.support.modes import answering, modes_restored
from kd_solutions.support.paths import cache_folder
from kd_solutions.support.progress import counting

TEXTS_A_CHUNK = 512  # computed under one lock and lost if the process is killed: some seconds' work


class Encoder(Protocol):
    """What `CachedSignal` asks of a teacher; `TeacherModel` and `PretrainedTeacher` are two."""

    size: int  # D

    def encode(self, texts: Sequence[str]) -> Tensor: ...  # (N, D)

    def fingerprint(self) -> str: ...  # the same for two teachers only if their vectors are the same


class CachedSignal:
    """A teacher's vectors of texts, each computed once and kept on disk: (N) texts → (N, D) float32.

    They are keyed by content: the text, and the teacher's fingerprint, which covers all that decides a
    vector. A teacher that is a module answers in eval mode, whatever mode it is in. Processes that need the
    same texts at the same time share the work. folder: by default in the user's cache; where every text is
    there, it may be read-only. progress: a line that counts during long computations; by default where
    somebody looks.
    Raises: StudyError for a vector that isn't finite, which nobody shall find in the cache.
    """

    def __init__(self, teacher: Encoder, folder: Path | None = None, progress: bool | None = None):
        self.teacher = teacher
        self._progress = progress
        name = hashlib.sha256(teacher.fingerprint().encode()).hexdigest()[:16]
        folder = folder or cache_folder() / "vectors"
        self._store = VectorStore(Path(folder) / f"{name}-{teacher.size}.vectors", teacher.size)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        keys = [_key(text) for text in texts]
        by_key = dict(zip(keys, texts, strict=True))
        while True:  # more than once only if something was missing or damaged
            self._store.refresh()
            if missing := {key: text for key, text in by_key.items() if key not in self._store}:
                self._compute(missing)
            elif (vectors := self._store.read(keys)) is not None:
                return vectors

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
                        self._store.append(new, self._vectors([missing[key] for key in new]))
                advance(len(chunk))

    def _vectors(self, texts: list[str]) -> Tensor:
        with answering(self.teacher) if isinstance(self.teacher, nn.Module) else nullcontext():
            vectors = self.teacher.encode(texts)
        if not vectors.isfinite().all():
            first = texts[int(vectors.isfinite().all(-1).int().argmin())]
            raise StudyError(
                say(
                    f"The teacher's vector of {first!r} isn't finite, so it is not kept: "
                    "look at the teacher's weights, or ask it in float32.",
                    f"教师模型对{first!r}给出的向量含有无穷大或非数，没有写入缓存：请检查教师模型的权重，"
                    "或改用float32。",
                )
            )
        return vectors


def _key(text: str) -> bytes:
    content = text.encode("utf-8", "surrogatepass")  # half an emoji is a text, too
    return hashlib.blake2b(content, digest_size=KEY_BYTES).digest()


def cache_teacher(teacher: nn.Module, data_loader: Iterable[tuple[Iterable, Any]]) -> dict[Any, Tensor]:
    """The teacher's logits of every sample, in one pass: sample id → (C), without a graph.

    The teacher answers in eval mode, and the modes of its parts come back as they were. Logits are kept under
    the sample's id, not its position, because a loader that shuffles would pair them with the wrong samples.

    Args: data_loader of (ids, data) batches; ids a tensor, or any row of hashable values.
    Source: haitongli/knowledge-distillation-pytorch PR #16 and #17, where a shuffled loader did just that.
    """
    cache = {}
    with modes_restored(teacher), torch.no_grad():
        teacher.eval()
        for ids, data in data_loader:
            names = ids.tolist() if isinstance(ids, Tensor) else ids
            cache.update(zip(names, teacher(data).clone().unbind(), strict=True))
    return cache
