"""Runs a learner's code where it can do no harm: in a forked copy of this process, with limits.

The copy sees all of the notebook's variables, and nothing it does comes back: not a changed seed, not a
patched torch function, not `sys.exit`. What comes back are the events that it yields, one by one, so that
whatever was found before it hung or died is kept; they come as plain data (see `wire`).

Between this process and the copy stands a keeper, a fork in which none of the learner's code runs: it ends
whatever the copy has started, also when this process is gone. What a system doesn't grant, `held` says.
A copy can still lie about its own results: who grades for marks reads the code too.
"""

import contextlib
import math
import os
import select
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from kd_solutions.support.language import say
from kd_study.grading.keeper import (
    PRINTED_CHARACTERS,
    Ended,
    Events,
    Held,
    Job,
    PrintFlood,
    Sink,
    held_here,
    keep,
)
from kd_study.grading.limits import MEMORY_BYTES
from kd_study.grading.wire import Garbled, Reader

__all__ = ["MEMORY_BYTES", "PRINTED_CHARACTERS", "Ended", "Held", "PrintFlood", "held", "run"]

GRACE_SECONDS = 5.0  # for the keeper to end what the copy started


@cache
def held() -> Held:
    """What this system keeps a copy from, found out by making one; its text is a sentence for a person."""
    found = [event for event in run(lambda: iter([held_here()]), 10.0, (Held,)) if isinstance(event, Held)]
    return found[0] if found else Held(time=True)


def run(
    events: Events,
    seconds: float,
    kinds: tuple[type, ...] = (str,),
    each: bool = False,
    until: Callable[[], float] = lambda: math.inf,
) -> Iterator:
    """Starts `events()` in a forked copy. Returns what it yields, to be iterated over, then one `Ended`.

    seconds: wall time, from the first look at the events on, after which the copy is killed; counted anew
    after each event where `each` is set. until: tells the moment, as `time.monotonic` counts, at which it is killed
    whatever it says. kinds: the types of the events, see `wire`. Interrupting the caller,
    or dropping the iterator, kills the copy too, and what it has started ends with it. Without fork (Windows)
    the events run in this process, with no limit.
    """
    if not hasattr(os, "fork"):
        return _run_here(events)
    running = _run(events, seconds, kinds, each, until)
    next(running)  # the copy is at work
    return running


def _run(events: Events, seconds: float, kinds: tuple[type, ...], each: bool, until: Callable) -> Iterator:
    """Yields None once the copy is started, then what `run` returns."""
    with _temporary_folder() as temporary:
        event_end, event_write = os.pipe()
        status_end, status_write = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: the copy starts none
            keeper = os.fork()
        if keeper == 0:
            os.close(event_end)
            os.close(status_end)
            keep(Job(events, None if each else seconds, event_write, temporary), status_write)
        os.close(event_write)
        os.close(status_write)
        try:
            yield None
            yield from _listen(event_end, status_end, Reader((*kinds, Ended)), seconds, each, until)
        finally:
            os.close(event_end)
            os.close(status_end)
            _end(keeper)


def _run_here(events: Events) -> Iterator:
    found, ended = [], Ended("finished")
    with contextlib.redirect_stdout(Sink()), contextlib.redirect_stderr(Sink()):
        try:
            found.extend(events())
        except (Exception, SystemExit) as error:
            ended = Ended("died", type(error).__name__)
    yield from found
    yield ended


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path | None]:
    """A folder for the copy's temporary files; None where the disk has no room for it."""
    folder = None
    with contextlib.suppress(OSError):
        folder = Path(tempfile.mkdtemp(prefix="kd-study-"))
    try:
        yield folder
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _listen(
    events: int, status: int, reader: Reader, seconds: float, each: bool, until: Callable[[], float]
) -> Iterator:
    """Yields the events that arrive, then how it ended: the status comes once everything has."""
    deadline = time.monotonic() + seconds
    finished = False
    waiting = select.poll()
    waiting.register(events, select.POLLIN)
    waiting.register(status, select.POLLIN)
    while (left := min(deadline, until()) - time.monotonic()) > 0:
        ready = [descriptor for descriptor, _ in waiting.poll(1000 * left)]
        if events in ready:
            if not (chunk := os.read(events, 1 << 16)):
                waiting.unregister(events)
            try:
                for event in reader.feed(chunk):
                    finished |= isinstance(event, Ended)
                    if not finished:
                        yield event
                    if each:
                        deadline = time.monotonic() + seconds
            except Garbled:
                yield Ended("died", say("it wrote into the grader's pipe", "它往批改程序的管道里写了东西"))
                return
        elif status in ready:
            yield Ended("finished") if finished else _died(os.read(status, 4))
            return
    yield Ended("time")


def _died(status: bytes) -> Ended:
    if not status:
        return Ended("died")  # the keeper was killed
    code = int.from_bytes(status, "big")
    if os.WIFSIGNALED(code):
        return Ended("died", signal.Signals(os.WTERMSIG(code)).name)
    return Ended("died", f"exit code {os.WEXITSTATUS(code)}")


def _end(keeper: int) -> None:
    """Has the keeper clean up and waits for it."""
    give_up = time.monotonic() + GRACE_SECONDS
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(keeper, signal.SIGTERM)
        os.kill(keeper, signal.SIGCONT)  # a copy may have stopped it
        while not os.waitpid(keeper, os.WNOHANG)[0]:
            if time.monotonic() > give_up:
                os.kill(keeper, signal.SIGKILL)
                os.waitpid(keeper, 0)
                return
            time.sleep(0.001)
