"""Work on several files at once: each in a fork of this process, in which none of a learner's code runs.

Such a worker makes the copies that do (see `sandbox`), and reports as they do, in plain data. What one of
them costs or how it ends is nothing to the others.
"""

import os
import select
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from kd_study.grading import limits
from kd_study.grading.wire import Garbled, Reader, encode


@dataclass
class _Worker:
    process: int
    pipe: int
    reader: Reader
    deadline: float
    events: list = field(default_factory=list)


def in_workers(
    jobs: Iterable[Callable[[], Iterator]], at_once: int, kinds: tuple[type, ...], seconds: float
) -> Iterator[list | None]:
    """What each job yields, a list each, in their order and as soon as it is there; `at_once` of them run.

    kinds: of what they yield, see `wire`. None for a job that ended before it was done, or that took longer
    than `seconds`. Dropping the iterator, or interrupting it, ends what runs.
    """
    waiting = deque(enumerate(jobs))
    running: dict[int, _Worker] = {}  # job's number → who does it
    done: dict[int, list | None] = {}
    following = 0
    try:
        while waiting or running or done:
            while waiting and len(running) < at_once:
                number, job = waiting.popleft()
                running[number] = _start(job, kinds, seconds)
            for number, found in _look(running):
                done[number] = found
            while following in done:
                yield done.pop(following)
                following += 1
    finally:
        for worker in running.values():
            _end(worker, signal.SIGTERM)


def _start(job: Callable[[], Iterator], kinds: tuple[type, ...], seconds: float) -> _Worker:
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(read)
        _work(job, write)
    os.close(write)
    return _Worker(process, read, Reader((*kinds, _Done)), time.monotonic() + seconds)


@dataclass
class _Done:
    """The last that a worker says."""


def _work(job: Callable[[], Iterator], pipe: int) -> None:
    """In the worker, which never returns."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the process that was called
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # not at once: what it has started ends first
        limits.end_with_parent(signal.SIGTERM)
        for event in job():
            _write(pipe, encode(event))
        _write(pipe, encode(_Done()))
    finally:
        os._exit(0)


def _write(pipe: int, content: bytes) -> None:
    while content:
        content = content[os.write(pipe, content) :]


def _look(running: dict[int, _Worker]) -> Iterator[tuple[int, list | None]]:
    """Waits until one of them says something; yields those that are over, which run no longer."""
    looked = select.poll()
    for worker in running.values():
        looked.register(worker.pipe, select.POLLIN)
    first = min((worker.deadline for worker in running.values()), default=0.0)
    said = {pipe for pipe, _ in looked.poll(max(1000 * (first - time.monotonic()), 0))} if running else set()
    for number, worker in list(running.items()):
        over = time.monotonic() >= worker.deadline
        if worker.pipe in said:
            chunk = os.read(worker.pipe, 1 << 16)
            over |= not chunk
            try:
                worker.events += worker.reader.feed(chunk)
            except Garbled:
                over = True
        if over or (worker.events and isinstance(worker.events[-1], _Done)):
            del running[number]
            _end(worker, signal.SIGKILL)
            *events, last = worker.events or [None]
            yield number, events if isinstance(last, _Done) else None


def _end(worker: _Worker, how: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(worker.process, how)
    os.waitpid(worker.process, 0)
    os.close(worker.pipe)
