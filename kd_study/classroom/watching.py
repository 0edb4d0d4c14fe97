"""A class's folder while the class still works: what has changed, once it is whole."""

import time
from collections.abc import Callable
from pathlib import Path

from kd_study.grading.marking import files_of

SETTLED, UNFINISHED = 1.5, 10.0  # seconds without a change until a file is read; one that looks unfinished
_END = 64  # bytes at the end of a notebook in which its last brace stands


class Watch:
    """Looks at a folder, and writes nothing there. clock: seconds, for tests."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic):
        self.folder, self._clock = folder, clock
        self._seen: dict[Path, tuple[tuple, float]] = {}  # name → its state, since when
        self._taken: dict[Path, tuple] = {}  # name → the state in which it was handed out

    def look(self) -> tuple[list[Path], set[Path]]:
        """(files that have changed and lie still, files that are gone), by their names in the folder."""
        now = self._clock()
        states = {name: state for name in files_of(self.folder) if (state := _state(self.folder / name))}
        changed = []
        for name, state in states.items():
            if name not in self._seen or self._seen[name][0] != state:
                self._seen[name] = state, now
            if self._taken.get(name) != state and now - self._seen[name][1] >= self._patience(name):
                self._taken[name] = state
                changed.append(name)
        gone = self._taken.keys() - states.keys()
        for name in gone:
            del self._taken[name], self._seen[name]
        return changed, gone

    def _patience(self, name: Path) -> float:
        return UNFINISHED if _looks_unfinished(self.folder / name) else SETTLED


def _state(path: Path) -> tuple | None:
    """What changes when a file does; None where it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _looks_unfinished(path: Path) -> bool:
    """Whether it is a notebook without its last brace, or nothing at all: somebody may be writing it."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - _END, 0))
            end = file.read().rstrip()
    except OSError:
        return True
    return not end or (path.suffix == ".ipynb" and not end.endswith(b"}"))
