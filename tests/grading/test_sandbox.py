"""What a learner's function can't do to its kernel and its files, on this system and on lesser ones."""

import builtins
import contextlib
import multiprocessing
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from kd_solutions.support.language import use_language
from kd_study.grading import Result, grade, limits, sandbox
from kd_study.grading.grade import MOST_PATIENCE
from kd_study.grading.sandbox import Ended, Held, run
from kd_study.grading.wire import encode

MARK = (
    f"86753.{os.getpid()}"  # seconds that no other process sleeps, another worker of this very test neither
)
SLEEPS = f"sleep {MARK}$"


@pytest.fixture(autouse=True)
def english():
    use_language("en")


@pytest.fixture(params=["as it is", "no namespaces", "no Landlock", "neither"])
def system(request, monkeypatch):
    """What is held on this system, and on what a container, an old kernel and both together leave of it."""
    if request.param in ("no namespaces", "neither"):
        monkeypatch.setattr(limits, "own_namespaces", lambda: False)
    if request.param in ("no Landlock", "neither"):
        monkeypatch.setattr(limits, "landlock", lambda writable: (False, False))
    sandbox.held.cache_clear()
    yield sandbox.held()
    sandbox.held.cache_clear()


def told(act, seconds=10.0):
    """What `act()` returns in a copy, as text; or the system's error; or how the copy ended."""

    def events():
        try:
            yield str(act())
        except OSError as error:
            yield type(error).__name__

    *said, ended = run(events, seconds)
    return said[0] if said else ended


def sleepers():
    """The processes that sleep for MARK seconds; one just killed may be listed for a moment more."""
    for _ in range(100):
        shown = subprocess.run(["pgrep", "-f", SLEEPS], capture_output=True, text=True).stdout
        if not shown:
            return []
        time.sleep(0.02)
    return shown.split()


def writes_to_the_graders_pipe(data, times=1):
    """A solution that finds the pipe in the frames that called it, and writes into it."""

    def soft_targets(logits, temperature=1.0):
        frame = sys._getframe()
        while "job" not in frame.f_locals:
            frame = frame.f_back
        for _ in range(times):
            os.write(frame.f_locals["job"].pipe, data)
        return logits

    return soft_targets


class Payload:
    def __reduce__(self):
        return exec, ("import builtins; builtins.was_run_by_the_kernel = True",)


def framed(data):
    return len(data).to_bytes(4, "big") + data


@pytest.mark.parametrize(
    "data",
    [
        framed(pickle.dumps(Payload())),
        b"\xff" * 100,
        framed(b"[]"),
        framed(b'["Result", {}]'),
        framed(b'["Result", {"name": "x", "passed": 1, "message": "", "title": ""}]'),
        framed(b"[" * 100_000),
    ],
    ids=["a pickle", "too long", "no event", "an empty event", "a number for a truth value", "a deep nest"],
)
def test_what_a_function_writes_to_the_grader_is_data_and_no_message_a_failed_result(data):
    report = grade(writes_to_the_graders_pipe(data))
    assert report.status == "failed" and "pipe" in report.results[0].message
    assert not hasattr(builtins, "was_run_by_the_kernel")


def test_a_stream_of_messages_comes_to_an_end():
    started = time.monotonic()
    report = grade(writes_to_the_graders_pipe(encode("again"), times=10**9))
    assert report.status == "failed" and time.monotonic() - started < 10 * MOST_PATIENCE
    *_, ended = run(lambda: iter(lambda: "again", None), 60.0, each=True)
    assert ended.how == "died"


def test_a_result_of_no_check_or_of_one_twice_does_not_count():
    def soft_targets(logits, temperature=1.0):
        return logits

    names = [result.name for result in grade(soft_targets).results]
    for name in ("no_such_check", names[0]):
        forged = encode(Result(name, False, "forged"))
        assert [one.name for one in grade(writes_to_the_graders_pipe(forged)).results] == names


def test_a_text_that_a_terminal_would_obey_comes_back_harmless():
    def soft_targets(logits, temperature=1.0):
        raise ValueError("\x1b[2J\x1b]0;title\x07 \ud83d " + "long " * 10_000)

    message = grade(soft_targets).results[0].message
    assert "\x1b" not in message and "\x07" not in message and len(message) < 5_000
    message.encode()


@pytest.mark.parametrize(
    "attack",
    [
        lambda: os.kill(os.getppid(), signal.SIGKILL),
        lambda: os.kill(os.getppid(), signal.SIGSTOP),
        lambda: os.killpg(os.getpgid(os.getppid()), signal.SIGKILL),
    ],
    ids=["kill", "stop", "kill its group"],
)
def test_whatever_it_does_to_its_parent_the_kernel_lives(system, attack):
    started = time.monotonic()
    told(attack, seconds=2.0)
    assert told(lambda: "alive") == "alive" and time.monotonic() - started < 15 * MOST_PATIENCE


def test_a_copy_signals_another_process_only_where_that_is_said(system):
    victim = subprocess.Popen(["sleep", "600"])
    try:
        told(lambda: os.kill(victim.pid, signal.SIGTERM))
        with contextlib.suppress(subprocess.TimeoutExpired):
            victim.wait(0.2 if system.signals else 60)
        assert (victim.poll() is None) == system.signals
    finally:
        victim.kill()
        victim.wait()


def test_what_a_copy_starts_ends_with_it_and_is_not_waited_for(system):
    def start():
        subprocess.Popen(["sleep", MARK])
        subprocess.Popen(["sleep", MARK], start_new_session=True)
        if os.fork() == 0:  # a daemon, which keeps the pipe open besides
            os.setsid()
            if os.fork():
                os._exit(0)
            subprocess.run(["sleep", MARK])
        return "started"

    begun = time.monotonic()
    assert told(start) == "started"
    assert time.monotonic() - begun < 5 * MOST_PATIENCE
    assert sleepers() == []


def test_a_copy_is_at_work_before_it_is_listened_to_and_ends_when_nobody_does():
    first, second = (run(lambda: iter([str(time.sleep(1))]), 2.0, each=True) for _ in range(2))
    time.sleep(2.5)
    assert [next(first), next(second)] == ["None", "None"]
    dropped = run(lambda: iter([subprocess.run(["sleep", MARK])]), 60.0)
    while not subprocess.run(["pgrep", "-f", SLEEPS], capture_output=True).stdout:
        time.sleep(0.02)
    del dropped
    assert sleepers() == []


def test_what_a_hanging_copy_started_ends_with_it(system):
    def hang():
        subprocess.Popen(["sleep", MARK], start_new_session=True)
        time.sleep(100)

    assert told(hang, seconds=0.5) == Ended("time")
    assert sleepers() == []


def test_a_copy_ends_with_its_kernel(system):
    def kernel():
        told(lambda: subprocess.run(["sleep", MARK]), seconds=60.0)

    process = multiprocessing.get_context("fork").Process(target=kernel)
    process.start()
    while not subprocess.run(["pgrep", "-f", SLEEPS], capture_output=True).stdout:
        time.sleep(0.02)
    process.kill()
    process.join()
    assert sleepers() == []


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_text("changed"),
        lambda path: path.open("r+").write("changed"),
        lambda path: path.open("w"),
        lambda path: os.truncate(path, 0),
        lambda path: path.unlink(),
        lambda path: path.rename(path.with_name("moved")),
        lambda path: path.with_name("new").touch(),
    ],
    ids=["write", "write in the middle", "empty", "truncate", "remove", "rename", "make another"],
)
def test_a_copy_changes_files_only_where_that_is_said(system, tmp_path, change):
    path = tmp_path / "records.sqlite"
    path.write_text("hers")
    told(lambda: change(path))
    unchanged = os.listdir(tmp_path) == ["records.sqlite"] and path.read_text() == "hers"
    assert unchanged == system.files


def test_a_file_or_a_socket_that_the_notebook_has_open_is_not_the_copys(system, tmp_path):
    ours, theirs = socket.socketpair()
    with (tmp_path / "log").open("w") as file:
        told(lambda: [os.write(number, b"from the copy") for number in (file.fileno(), theirs.fileno())])
    theirs.close()
    assert (tmp_path / "log").read_text() == "" and ours.recv(100) == b""
    ours.close()


def test_a_file_that_the_notebook_reads_can_still_be_read(system, tmp_path):
    (tmp_path / "table").write_text("0.5")
    with (tmp_path / "table").open() as file:
        assert told(file.read) == "0.5"


def test_temporary_files_can_be_written_and_are_gone_afterwards(system):
    def write():
        with tempfile.NamedTemporaryFile("w+", delete=False) as file:
            file.write("for a while")
        return file.name

    name = told(write)
    assert name.startswith(os.sep) and not Path(name).parent.exists()


def test_a_temporary_file_does_not_grow_for_ever(system):
    def grow():
        with tempfile.TemporaryFile() as file:
            while True:
                file.write(bytes(10**6))

    assert told(grow) == "OSError"


def test_a_copy_reaches_no_network_where_that_is_said(system):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        said = told(lambda: socket.create_connection(address) and "connected")
    assert (said == "connected") != system.network


def test_a_copy_of_a_copy_is_held_as_its_own(system, tmp_path):
    def inside():
        again = told(lambda: (tmp_path / "new").touch())
        return again, told(sandbox.held) == str(sandbox.held())

    told(inside)
    assert (tmp_path / "new").exists() != system.files


def test_what_is_not_held_is_said_in_one_sentence(system):
    text = str(system)
    assert text.endswith(".") and ". " not in text
    possible = {
        "files": "change files",
        "signals": "signal other processes",
        "processes": "leave processes behind",
        "network": "use the network",
    }
    missing = [words for name, words in possible.items() if not getattr(system, name)]
    assert ("can't" in text) == (not missing)
    assert not missing or f"can {', '.join(missing)}." in text
    use_language("zh")
    assert "副本" in str(system) and "fork" in str(Held())


def test_without_fork_it_is_graded_and_said(monkeypatch):
    monkeypatch.delattr(os, "fork")
    sandbox.held.cache_clear()

    def soft_targets(logits, temperature=1.0):
        raise SystemExit

    try:
        assert grade(soft_targets).status == "failed"
        assert "WSL" in str(sandbox.held())
    finally:
        sandbox.held.cache_clear()
