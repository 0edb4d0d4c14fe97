"""Runs a learner's code where it can do no harm: in a forked copy of this process, with limits.

The copy sees all of the notebook's variables, and nothing it does comes back: not a changed seed, not a
patched torch function, not `sys.exit`. What comes back are the events that it yields, one by one, so that
whatever was found before it hung or died is kept.
"""

import contextlib
import faulthandler
import io
import os
import pickle
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MEMORY_BYTES = 2 * 1024**3
PRINTED_CHARACTERS = 100_000


@dataclass(frozen=True)
class Ended:
    """How the copy ended: "finished", "time" (the limit was reached) or "died" (with what is known of it)."""

    how: str
    detail: str = ""


class PrintFlood(Exception):
    """More was printed than anybody will read."""


class _Sink(io.TextIOBase):
    """Swallows what is printed and objects to a flood."""

    def __init__(self):
        self.printed = 0

    def write(self, text: str) -> int:
        self.printed += len(text)
        if self.printed > PRINTED_CHARACTERS:
            raise PrintFlood
        return len(text)

    def isatty(self) -> bool:
        return False


def run(events: Callable[[], Iterator], seconds: float) -> Iterator:
    """Yields what `events()` yields in a forked copy, then one `Ended`.

    seconds: wall time after which the copy is killed. Interrupting the caller kills it too. Where a system
    has no fork (Windows), the events run in this process and without a limit.
    """
    if not hasattr(os, "fork"):
        with contextlib.redirect_stdout(_Sink()), contextlib.redirect_stderr(_Sink()):
            yield from events()
        yield Ended("finished")
        return

    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: the copy starts none
        child = os.fork()
    if child == 0:
        os.close(read_end)
        _be_the_copy(events, write_end, seconds)
    os.close(write_end)
    try:
        yield from _listen(read_end, child, time.monotonic() + seconds)
    finally:
        os.close(read_end)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(child, 0)


def _be_the_copy(events: Callable[[], Iterator], write_end: int, seconds: float) -> None:
    """Never returns: whatever happens, the copy must not go on as a second notebook."""
    code = 1
    try:
        faulthandler.disable()  # a crash is reported by the parent, not by a traceback of its own
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to answer
        _silence()
        _limit(seconds)
        for event in events():
            payload = pickle.dumps(event)
            _write(write_end, len(payload).to_bytes(4, "big") + payload)
        code = 0
    finally:
        os._exit(code)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    sys.stdout = sys.stderr = _Sink()


def _limit(seconds: float) -> None:
    import resource

    import torch

    torch.set_num_threads(1)  # the parent's thread pool does not survive a fork
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds) + 2, int(seconds) + 3))
    try:
        with open("/proc/self/statm") as statm:
            in_use = int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return  # no such bound on this system
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (in_use + MEMORY_BYTES, in_use + MEMORY_BYTES))


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _listen(read_end: int, child: int, deadline: float) -> Iterator:
    buffer = b""
    while True:
        ready, _, _ = select.select([read_end], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            yield Ended("time")
            return
        chunk = os.read(read_end, 1 << 16)
        if not chunk:
            break
        buffer += chunk
        while len(buffer) >= 4 and len(buffer) >= 4 + (size := int.from_bytes(buffer[:4], "big")):
            yield pickle.loads(buffer[4 : 4 + size])
            buffer = buffer[4 + size :]
    while not (reaped := os.waitpid(child, os.WNOHANG))[0]:  # it may have closed the pipe and live on
        if time.monotonic() > deadline:
            yield Ended("time")
            return
        time.sleep(0.001)
    status = reaped[1]
    if os.WIFSIGNALED(status):
        yield Ended("died", signal.Signals(os.WTERMSIG(status)).name)
    elif os.WEXITSTATUS(status):
        yield Ended("died", f"exit code {os.WEXITSTATUS(status)}")
    else:
        yield Ended("finished")
