"""The grader under fire: whatever a learner's function does, grading ends with a result that helps."""

import os
import random
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
import torch

from kd_solutions import soft_targets as reference
from kd_solutions.support.language import use_language
from kd_study import grade
from kd_study.grading.grade import MOST_PATIENCE, SECONDS, passes, patience
from kd_study.grading.guard import CONDUCT


def never_ends(logits, temperature=1.0):
    while True:
        pass


def takes_minutes(logits, temperature=1.0):
    big = torch.randn(6000, 6000)
    return sum(big @ big for _ in range(1000))


def hangs_with_every_file_closed(logits, temperature=1.0):
    os.closerange(3, 1000)
    time.sleep(10**6)


def recurses(logits, temperature=1.0):
    return recurses(logits, temperature)


def exits(logits, temperature=1.0):
    sys.exit()


def leaves_at_once(logits, temperature=1.0):
    os._exit(0)


def crashes(logits, temperature=1.0):
    os.kill(os.getpid(), signal.SIGSEGV)


def interrupts(logits, temperature=1.0):
    raise KeyboardInterrupt


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def raises_what_cannot_be_printed(logits, temperature=1.0):
    raise Unprintable


def changes_its_input(logits, temperature=1.0):
    return logits.div_(temperature).softmax(-1)


def sets_the_seed(logits, temperature=1.0):
    torch.manual_seed(0)
    return reference(logits, temperature)


def draws_from_python(logits, temperature=1.0):
    random.random()
    return reference(logits, temperature)


def changes_the_default_dtype(logits, temperature=1.0):
    torch.set_default_dtype(torch.float64)
    return reference(logits, temperature)


def switches_autograd_off(logits, temperature=1.0):
    torch.set_grad_enabled(False)
    return reference(logits, temperature)


def changes_the_threads(logits, temperature=1.0):
    torch.set_num_threads(2)
    return reference(logits, temperature)


def floods(logits, temperature=1.0):
    while True:
        print("the loss is", logits)


def warns_forever(logits, temperature=1.0):
    for number in range(1000):
        warnings.warn(f"warning {number}", stacklevel=1)
    return reference(logits, temperature)


def takes_one_argument(logits):
    return logits.softmax(-1)


def returns_a_tuple(logits, temperature=1.0):
    return reference(logits, temperature), temperature


def returns_numpy(logits, temperature=1.0):
    return np.asarray(logits.detach().softmax(-1))


def returns_a_number(logits, temperature=1.0):
    return 0.5


def returns_nothing(logits, temperature=1.0):
    reference(logits, temperature)


def returns_another_shape(logits, temperature=1.0):
    return reference(logits, temperature).sum(-1)


def returns_nan(logits, temperature=1.0):
    return reference(logits, temperature) * float("nan")


def cuts_the_graph(logits, temperature=1.0):
    return reference(logits, temperature).detach()


def asks_for_too_much_memory(logits, temperature=1.0):
    return torch.zeros(2 * 10**9).sum() + logits


def hoards_memory(logits, temperature=1.0):
    return [bytearray(10**8) for _ in range(100)]


def patches_torch(logits, temperature=1.0):
    torch.softmax = lambda *args, **kwargs: logits
    return reference(logits, temperature)


def switches_requires_grad(logits, temperature=1.0):
    return reference(logits.requires_grad_(), temperature)


def never_fills_it(logits, temperature=1.0):
    raise NotImplementedError


UNDER_FIRE = {
    never_ends: "finish",
    takes_minutes: "finish",
    hangs_with_every_file_closed: "finish",
    recurses: "RecursionError",
    exits: "SystemExit",
    leaves_at_once: "process ended",
    crashes: "SIGSEGV",
    interrupts: "KeyboardInterrupt",
    raises_what_cannot_be_printed: "can't be printed",
    changes_its_input: "in place",
    sets_the_seed: "random state",
    draws_from_python: "random state",
    changes_the_default_dtype: "default dtype",
    switches_autograd_off: "autograd",
    changes_the_threads: "threads",
    floods: "prints more",
    warns_forever: "warnings",
    takes_one_argument: "it has no temperature",
    returns_a_tuple: "tuple",
    returns_numpy: "ndarray",
    returns_a_number: "float",
    returns_nothing: "is a `return` missing",
    returns_another_shape: "shape",
    returns_nan: "nan",
    cuts_the_graph: "graph",
    asks_for_too_much_memory: "memory",
    hoards_memory: "memory",
    patches_torch: "torch.softmax",
    switches_requires_grad: "requires_grad",
}


@pytest.fixture(autouse=True)
def english():
    use_language("en")


@pytest.mark.parametrize("function", UNDER_FIRE, ids=lambda function: function.__name__)
def test_misbehaviour_is_a_failed_result_that_helps(function):
    mine = torch.ones(3)
    before = torch.get_rng_state(), torch.softmax, torch.get_default_dtype(), torch.get_num_threads()
    started = time.monotonic()
    report = grade(function, "soft_targets")
    assert time.monotonic() - started < (SECONDS + 2) * MOST_PATIENCE
    assert report.status == "failed"
    messages = " ".join(result.message for result in report.results)
    assert UNDER_FIRE[function] in messages
    checks = [result.name for result in grade(reference).results]
    assert [result.name for result in report.results if result.name not in CONDUCT] == checks
    assert torch.equal(before[0], torch.get_rng_state()) and torch.is_grad_enabled()
    assert before[1:] == (torch.softmax, torch.get_default_dtype(), torch.get_num_threads())
    assert torch.equal(mine, torch.ones(3))


@pytest.mark.parametrize("value", ["soft_targets", dict, None, 3])
def test_what_is_no_function_is_said_to_be_none(value):
    for report in (grade(value), grade(value, "soft_targets")):
        assert report.status == "failed" and "pass the function itself" in report.results[0].message


def test_an_unknown_name_brings_the_nearest():
    assert grade(lambda logits: logits, 3).status == "failed"
    report = grade(lambda logits: logits, "kd_los")
    assert report.status == "failed" and "nearest: kd_loss" in report.results[0].message


def test_a_stub_is_to_do():
    def soft_targets(logits, temperature=1.0):
        raise NotImplementedError

    assert grade(soft_targets).status == "todo"


def test_what_torch_has_no_kernel_for_is_no_stub():
    def contrastive_kd(student, teacher, temperature=0.07):
        raise NotImplementedError("\"cdist\" not implemented for 'BFloat16'")  # as torch says it

    report = grade(contrastive_kd)
    assert report.status == "failed" and "not implemented for 'BFloat16'" in report.results[0].message


def test_calling_the_reference_is_allowed_and_said():
    def soft_targets(logits, temperature=1.0):
        return reference(logits, temperature)

    report = grade(soft_targets)
    assert report.status == "passed" and report.calls_reference and "reference" in str(report)


def test_the_line_that_raised_is_shown():
    def soft_targets(logits, temperature=1.0):
        return logits.no_such_method(temperature)

    assert "logits.no_such_method(temperature)" in grade(soft_targets).results[0].message


def test_an_interrupt_of_the_notebook_stops_the_grading():
    # as in a kernel; a shell that starts the tests in the background has it ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    try:
        with pytest.raises(KeyboardInterrupt):
            grade(never_ends, "soft_targets")
    finally:
        signal.signal(signal.SIGINT, before)
    assert grade(reference).status == "passed"


def test_a_busy_machine_is_given_more_time(monkeypatch):
    for load, expected in ((0.0, 1.0), (2.0, 2.0), (50.0, MOST_PATIENCE)):
        monkeypatch.setattr(os, "getloadavg", lambda load=load: (load * os.cpu_count(), 0.0, 0.0))
        assert patience() == expected


def test_whether_a_function_passes_is_known_without_a_diagnosis():
    assert passes(reference, "soft_targets")
    for wrong in (returns_nan, never_fills_it, exits):
        assert not passes(wrong, "soft_targets")
