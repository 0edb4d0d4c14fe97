"""A file of vectors under keys that processes share: append-only, memory-mapped, each row with a checksum."""

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
from kd_solutions.support.language import say
from kd_solutions.support.paths import CACHE_VARIABLE

KEY_BYTES = 16


class VectorStore:
    """Rows of `width` float32 on disk, each under a key of 16 bytes and with a checksum.

    Nothing is written, and no lock is taken, to read what is there: a read-only folder will do. A row is
    checked when it is first read, so that opening costs little however much others have stored. A row that a
    killed process left unfinished is dropped by the next writer. A row whose checksum is wrong means a
    damaged file: it is set aside under a dated name, said on standard error, and a new one begins.
    """

    def __init__(self, path: Path, width: int):
        self._path = path
        self._row = np.dtype([("checksum", "<u4"), ("key", "u1", KEY_BYTES), ("vector", "<f4", width)])
        self._forget()

    def _forget(self) -> None:
        self._rows = np.empty(0, self._row)
        self._checked = np.empty(0, bool)
        self._inode = None
        self._row_of: dict[bytes, int] = {}

    def __contains__(self, key: bytes) -> bool:
        """Whether the row was there at the last `refresh`."""
        return key in self._row_of

    def read(self, keys: Sequence[bytes]) -> Tensor | None:
        """(N, width) copies of the rows of keys that are there; None where a row was found damaged.

        After None the caller looks anew at which keys are there: the file may have been set aside.
        """
        rows = np.fromiter((self._row_of[key] for key in keys), np.int64, len(keys))
        new = np.unique(rows[~self._checked[rows]])
        if not self._are_whole(new):
            file = self._inode
            with self.locked():  # a writer in the middle of that row is done now
                if self._inode == file and not self._are_whole(new):
                    self._set_aside()
            return None
        self._checked[new] = True
        return torch.from_numpy(self._rows["vector"][rows])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Nobody else writes meanwhile; what others wrote before is known from here on."""
        from filelock import FileLock

        with writing_to(self._path.parent, CACHE_VARIABLE):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self._path.with_suffix(".lock"))
            lock.acquire()
        try:
            self.refresh()
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
            if file.tell() > len(self._rows) * self._row.itemsize:
                file.truncate(len(self._rows) * self._row.itemsize)
            file.write(rows.tobytes())
        self.refresh()

    def refresh(self) -> None:
        """Take up the rows that others added; begin anew where the file was replaced."""
        try:
            status = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return self._forget()
        count = status.st_size // self._row.itemsize
        if status.st_ino != self._inode or count < len(self._rows):
            self._forget()
        known = len(self._rows)
        if count == known:
            return None
        self._rows = np.memmap(self._path, self._row, mode="r", shape=(count,))
        self._inode = status.st_ino
        self._checked = np.concatenate([self._checked, np.zeros(count - known, bool)])
        keys = self._rows["key"][known:].tobytes()
        for start in range(0, len(keys), KEY_BYTES):
            self._row_of[keys[start : start + KEY_BYTES]] = known + start // KEY_BYTES
        return None

    def _are_whole(self, rows: np.ndarray) -> bool:
        found = self._rows[rows]
        return bool((found["checksum"] == self._checksums(found)).all())

    def _checksums(self, rows: np.ndarray) -> np.ndarray:
        """CRC-32 of each row's key and vector."""
        content = memoryview(np.ascontiguousarray(rows).view(np.uint8)).cast("B")
        size, skip = self._row.itemsize, self._row["checksum"].itemsize
        sums = (zlib.crc32(content[at + skip : at + size]) for at in range(0, len(content), size))
        return np.fromiter(sums, np.uint32, len(rows))

    def _set_aside(self) -> None:
        name = f"{self._path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}"
        self._forget()  # and the file's mapping with it, which Windows wants before a file is renamed
        with writing_to(self._path.parent, CACHE_VARIABLE):
            self._path.rename(self._path.with_name(name))
        told = say(
            f"The cache {self._path} was damaged: kept as {name}, computing anew.",
            f"缓存{self._path}已损坏：旧文件保留为{name}，正在重新计算。",
        )
        print(told, file=sys.stderr)
