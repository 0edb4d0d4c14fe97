"""The two processes behind a grading: the copy, which runs the learner's code, and the keeper that ends it.

The keeper is a fork in which none of that code runs. In namespaces there is a third, `init`, with which all
others end.
"""

import contextlib
import faulthandler
import io
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from kd_solutions.support.language import say
from kd_study.grading import limits
from kd_study.grading.wire import encode

PRINTED_CHARACTERS = 100_000
Events = Callable[[], Iterator]


@dataclass(frozen=True)
class Held:
    """What a copy is kept from on this system: from running on, from taking all memory, and so forth."""

    time: bool = False
    memory: bool = False
    files: bool = False
    signals: bool = False
    processes: bool = False
    network: bool = False

    def __str__(self) -> str:
        """One sentence for a person."""
        if not self.time:
            return say(
                "This system can't copy a process (fork): answers are graded in this one, without a limit on "
                "time or memory; on Windows use WSL.",
                "这个系统无法复制进程（fork）：答案就在当前进程里批改，时间和内存都没有限制；Windows上请使用WSL。",
            )
        possible = [
            text
            for is_held, text in (
                (self.memory, say("take all memory", "占满内存")),
                (self.files, say("change files", "改动文件")),
                (self.signals, say("signal other processes", "向其他进程发信号")),
                (self.processes, say("leave processes behind", "留下后台进程")),
                (self.network, say("use the network", "访问网络")),
            )
            if not is_held
        ]
        if possible:
            return say(
                f"Answers are graded in a copy of the process, and time is limited; but on this system what "
                f"is graded can {', '.join(possible)}.",
                f"答案在进程的副本里批改，时间有上限；但在这个系统上，被批改的代码可以{'、'.join(possible)}。",
            )
        return say(
            "Answers are graded in a copy of the process that can't change files, signal other processes, "
            "leave any behind or use the network; time and memory are limited.",
            "答案在进程的副本里批改：不能改动文件、向其他进程发信号、留下后台进程或访问网络，时间和内存都有上限。",
        )


@dataclass(frozen=True)
class Ended:
    """How the copy ended: "finished", "time" (the limit was reached) or "died" (with what is known of it)."""

    how: str
    detail: str = ""


class PrintFlood(Exception):
    """More was printed than anybody will read."""


class Sink(io.TextIOBase):
    """Swallows what is printed and objects to a flood."""

    def __init__(self):
        self.printed = 0

    def write(self, text: str) -> int:
        self.printed += len(text)
        if self.printed > PRINTED_CHARACTERS:
            raise PrintFlood(
                say(
                    f"more than {PRINTED_CHARACTERS} characters were printed",
                    f"打印了超过{PRINTED_CHARACTERS}个字符",
                )
            )
        return len(text)

    def isatty(self) -> bool:
        return False


_held = Held()


def held_here() -> Held:
    """What this very process is kept from; outside a copy, nothing."""
    return _held


@dataclass(frozen=True)
class Job:
    """What a copy is made for. cpu_seconds: None for as many as it takes; pipe: where its events go."""

    events: Events
    cpu_seconds: float | None
    pipe: int
    temporary: Path | None


def keep(job: Job, status_pipe: int) -> NoReturn:
    """The keeper: starts the copy, waits until it ends or is to end, and ends whatever it started.

    Then it writes the copy's wait status into its pipe, four bytes, unless it was told to end (SIGTERM).
    """
    started: set[int] = set()
    try:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM})
        signal.signal(signal.SIGCHLD, lambda *_: None)  # ignored, it would not be waited for
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to answer
        os.setsid()
        isolated = not _held.processes and limits.own_namespaces()  # a copy's own copies are in them already
        limits.end_with_parent(signal.SIGTERM)
        if isolated:
            started.add(_start(_be_init))
        adopts = not isolated and not _held.processes and limits.adopt_orphans()
        copy = _start(lambda: _be_the_copy(job, mask, isolated, adopts))
        started.add(copy)
        os.close(job.pipe)
        status = _wait(copy)
        if status is not None:
            started.remove(copy)
            _end_group(copy)
        _end_all(started, adopts)
        if status is not None:
            os.write(status_pipe, status.to_bytes(4, "big"))
    finally:
        os._exit(0)


def _start(what: Callable[[], NoReturn]) -> int:
    """Forks. Returns the child's number; the child ends with `what`."""
    if child := os.fork():
        return child
    try:
        what()
    finally:
        os._exit(1)


def _wait(copy: int) -> int | None:
    """The copy's wait status, or None if the keeper is told to end it before."""
    while signal.sigwait({signal.SIGCHLD, signal.SIGTERM}) == signal.SIGCHLD:
        ended, status = os.waitpid(copy, os.WNOHANG)
        if ended:
            return status
    return None


def _end_all(started: set[int], adopted: bool) -> None:
    """Kills what was started, and if `adopted` each orphan that becomes a child by it, until none is left."""
    with contextlib.suppress(ChildProcessError):
        while True:
            for child in started | set(limits.children() if adopted else ()):
                _end_group(child)
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(child, signal.SIGKILL)
            started.discard(os.waitpid(-1, 0)[0])


def _end_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _be_init() -> NoReturn:
    """The first process of the namespaces: all others end with it, and it with the keeper."""
    limits.end_with_parent(signal.SIGKILL)
    limits.cut_ties(set())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody else waits for orphans
    while True:
        signal.pause()


def _be_the_copy(job: Job, mask: set, isolated: bool, adopted: bool) -> NoReturn:
    """Never returns: whatever happens, the copy must not go on as a second notebook."""
    try:
        limits.end_with_parent(signal.SIGKILL)
        os.setsid()
        faulthandler.disable()  # a crash is reported by the parent, not by a traceback of its own
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _silence()
        limits.cut_ties({job.pipe})
        _confine(job, isolated, adopted)
        for event in job.events():
            _write(job.pipe, encode(event))
        _write(job.pipe, encode(Ended("finished")))
    finally:
        os._exit(1)


def _silence() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    sys.stdout = sys.stderr = Sink()


def _confine(job: Job, isolated: bool, adopted: bool) -> None:
    """Takes from this process what the system lets one take, and keeps in mind what that is."""
    global _held
    writable = [job.temporary] if job.temporary else []
    if read_only := isolated and limits.read_only_disk(writable):
        writable.append(limits.SHARED_MEMORY)
    files, signals = limits.landlock(writable)
    limits.drop_privileges()
    memory = limits.bound(job.cpu_seconds)
    if job.temporary:
        tempfile.tempdir = os.environ["TMPDIR"] = str(job.temporary)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)  # the parent's thread pool does not survive a fork
    _held = Held(
        time=True,
        memory=memory,
        files=files or read_only or _held.files,
        signals=signals or isolated or _held.signals,
        processes=isolated or (adopted and signals) or _held.processes,
        network=isolated or _held.network,
    )


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
