"""A file of vectors under keys that processes share: append-only, memory-mapped, checked row by row."""

import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from kd_solutions.support.errors import writing_to
from kd_solutions.support.paths import CACHE_VARIABLE

KEY_BYTES = 16


class VectorStore:
    """Rows of `width` float32 on disk, each under a key of 16 bytes and with a checksum.

    A row that a killed process left unfinished is dropped by the next writer. A row whose checksum is wrong
    means a damaged file: it is set aside under a dated name, said on standard error, and a new one begins.
    """

    def __init__(self, path: Path, width: int):
        self._path = path
        self._row = np.dtype([("checksum", "<u4"), ("key", "u1", KEY_BYTES), ("vector", "<f4", width)])
        self._forget()

    def _forget(self) -> None:
        self._rows = np.empty(0, self._row)
        self._inode = None
        self._row_of: dict[bytes, int] = {}

    def __contains__(self, key: bytes) -> bool:
        """Whether the row was there when this process last held the lock."""
        return key in self._row_of

    def read(self, keys: Sequence[bytes]) -> Tensor:
        """(N, width) copies of the rows of keys that are there."""
        rows = np.fromiter((self._row_of[key] for key in keys), np.int64, len(keys))
        return torch.from_numpy(self._rows["vector"][rows])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else reads or writes meanwhile; what others wrote before is known from here on."""
        from filelock import FileLock

        with writing_to(self._path.parent, CACHE_VARIABLE):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._path.with_suffix(".lock"))
            lock.acquire()
        try:
            self._refresh()
            yield
        finally:
            lock.release()

    def append(self, keys: Sequence[bytes], vectors: Tensor) -> None:
        """Write rows; call it inside `locked`, with keys that are not there. vectors: (len(keys), width)."""
        rows = np.empty(len(keys), self._row)
        if vectors.shape != rows["vector"].shape:  # NumPy would write one vector under every key
            raise ValueError(f"{len(keys)} texts have vectors of shape {tuple(vectors.shape)}.")
        rows["key"] = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, KEY_BYTES)
        rows["vector"] = vectors.detach().float().cpu().numpy()
        rows["checksum"] = self._checksums(rows)
        with writing_to(self._path.parent, CACHE_VARIABLE), self._path.open("ab") as file:
            file.truncate(len(self._rows) * self._row.itemsize)
            file.write(rows.tobytes())
        self._refresh()

    def _refresh(self) -> None:
        """Take up the rows that were added; begin anew where the file was replaced or is damaged."""
        if not self._path.exists():
            return self._forget()
        status = self._path.stat()
        count = status.st_size // self._row.itemsize
        if status.st_ino != self._inode or count < len(self._rows):
            self._forget()
        known = len(self._rows)
        if count == known:
            return None
        rows = np.memmap(self._path, self._row, mode="r", shape=(count,))
        added = rows[known:]
        if (added["checksum"] != self._checksums(added)).any():
            return self._set_aside()
        keys = added["key"].tobytes()
        for start in range(0, len(keys), KEY_BYTES):
            self._row_of[keys[start : start + KEY_BYTES]] = known + start // KEY_BYTES
        self._rows, self._inode = rows, status.st_ino
        return None

    def _checksums(self, rows: np.ndarray) -> np.ndarray:
        """CRC-32 of each row's key and vector."""
        content = memoryview(np.ascontiguousarray(rows).view(np.uint8)).cast("B")
        size, skip = self._row.itemsize, self._row["checksum"].itemsize
        sums = (zlib.crc32(content[at + skip : at + size]) for at in range(0, len(content), size))
        return np.fromiter(sums, np.uint32, len(rows))

    def _set_aside(self) -> None:
        name = f"{self._path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S}"
        self._path.rename(self._path.with_name(name))
        print(f"The cache {self._path} was damaged: kept as {name}, computing anew.", file=sys.stderr)
        self._forget()
