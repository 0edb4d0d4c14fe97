"""Several files are graded at once, each by a process of its own; none minds what becomes of another."""

import os
import time
from functools import partial
from pathlib import Path

from kd_study.grading.workers import in_workers


def counted(number, seconds=0.0):
    yield str(number)
    time.sleep(seconds)
    yield "x" * 3_000


def wrong(how):
    yield "begun"
    if how == "raises":
        raise ValueError
    if how == "leaves":
        os._exit(3)
    if how == "hangs":
        time.sleep(100)
    if how == "garbles":
        os.write(max(int(name) for name in os.listdir("/proc/self/fd") if _is_pipe(name)), b"\xff" * 9)
        time.sleep(100)


def _is_pipe(name):
    try:
        return "pipe:" in os.readlink(f"/proc/self/fd/{name}")
    except OSError:
        return False


def test_what_they_say_comes_in_the_order_of_the_jobs():
    jobs = [partial(counted, number, 0.3 - 0.1 * (number % 3)) for number in range(6)]
    found = list(in_workers(jobs, 3, (str,), 20.0))
    assert [events[0] for events in found] == list("012345") and all(len(each[1]) == 3_000 for each in found)


def test_one_that_fails_is_none_and_the_others_are_whole():
    jobs = [partial(wrong, how) for how in ("raises", "leaves", "hangs", "garbles")]
    found = list(in_workers([*jobs, partial(counted, 7)], 2, (str,), 2.0))
    assert found[:4] == [None] * 4 and found[4][0] == "7"


def test_no_process_and_no_pipe_is_left(tmp_path):
    before = set(os.listdir("/proc/self/fd"))
    running = in_workers(
        [partial(counted, 1), partial(wrong, "hangs"), partial(wrong, "hangs")], 3, (str,), 60.0
    )
    assert next(running)[0] == "1"
    children = Path("/proc/thread-self/children").read_text().split()
    assert len(children) == 2
    running.close()
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert set(os.listdir("/proc/self/fd")) == before


def test_without_a_job_there_is_nothing_to_wait_for():
    assert list(in_workers([], 2, (str,), 1.0)) == []
