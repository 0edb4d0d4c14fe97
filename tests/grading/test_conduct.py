"""What a function does besides answering: to its arguments, to what is global; it is told, and put back."""

import gc
import logging
import os
import sys
import warnings

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils.checkpoint import checkpoint

from kd_solutions import soft_targets as reference
from kd_solutions import trim_vocabulary
from kd_solutions.support.language import use_language
from kd_study import grade
from kd_study.exercises.catalog import exercise
from kd_study.grading.guard import Guarded
from kd_study.grading.signature import calling
from kd_study.grading.state import _SETTINGS, World


def changing(change, exponent=-1):
    """A right answer that also makes this change; with an exponent of 1 a wrong one."""

    def soft_targets(logits, temperature=1.0):
        if temperature <= 0:
            raise ValueError
        change()
        return torch.softmax(logits * temperature**exponent, -1)

    return soft_targets


class Onlooker(TorchFunctionMode):
    """A mode that answers for every comparison."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") in ("allclose", "all", "equal"):
            return True
        return func(*args, **(kwargs or {}))


CHANGES = {  # a setting, in a few of its words → changes of it
    "torch's default dtype": [lambda: torch.set_default_dtype(torch.float64)],
    "torch's default device": [lambda: torch.set_default_device("meta")],
    "whether autograd is switched on": [lambda: torch.set_grad_enabled(False)],
    "torch's anomaly mode": [lambda: torch.autograd.set_detect_anomaly(True)],
    "torch's number of threads": [lambda: torch.set_num_threads(torch.get_num_threads() + 1)],
    "torch's deterministic mode": [lambda: torch.use_deterministic_algorithms(True)],
    "torch's matmul precision": [lambda: torch.set_float32_matmul_precision("medium")],
    "torch's automatic mixed precision": [
        lambda: torch.set_autocast_enabled("cpu", True),
        lambda: torch.set_autocast_dtype("cpu", torch.float16),
    ],
    "cudnn's flags": [lambda: setattr(torch.backends.cudnn, "deterministic", True)],
    "how torch prints tensors": [lambda: torch.set_printoptions(precision=2)],
    "how NumPy treats floating-point errors": [lambda: np.seterr(all="ignore")],
    "how NumPy prints arrays": [lambda: np.set_printoptions(precision=2)],
    "an environment variable": [
        lambda: os.environ.update(KD_STUDY_TEST="1"),
        lambda: os.environ.pop("PATH"),
    ],
    "which warnings are shown": [lambda: warnings.filterwarnings("ignore", "no such warning")],
    "where Python looks for modules": [lambda: sys.path.insert(0, "/no/such/folder")],
    "the current folder": [lambda: os.chdir("/")],
    "Python's recursion limit": [lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1)],
    "Python's garbage collector": [gc.disable],
    "what is logged": [
        lambda: logging.disable(logging.ERROR),
        lambda: logging.root.setLevel(logging.root.level + 1),
    ],
    "where print writes to": [lambda: setattr(sys, "stdout", sys.__stderr__)],
    "global random state": [lambda: torch.manual_seed(0), lambda: np.random.seed(0), lambda: torch.rand(1)],
    "a mode switched on": [lambda: Onlooker().__enter__()],
}
CASES = [pytest.param(words, change, id=words) for words, changes in CHANGES.items() for change in changes]


def test_every_setting_has_a_change_here():
    assert {str(setting.what).split(" (")[0] for setting in _SETTINGS} <= CHANGES.keys()


@pytest.mark.parametrize(("words", "change"), CASES)
def test_what_is_global_is_told_once_and_put_back(words, change):
    def world():
        read = [each.read() for each in _SETTINGS if words in str(each.what) or not each.anew]
        return read, torch.get_rng_state().tolist(), np.random.get_state()[1].tolist()

    task, before = exercise("soft_targets"), world()
    guarded = Guarded(calling(changing(change), task.reference, task.name), task)
    results = [guarded(torch.tensor([[2.0, 0.0]]), 2.0) for _ in range(2)]
    assert list(guarded.conduct) == ["leaves_the_world_as_it_is"]
    assert words in guarded.conduct["leaves_the_world_as_it_is"]
    assert world() == before and World(uses_randomness=False).restored() is None
    assert all(result.shape == (1, 2) for result in results)


def test_a_wrong_answer_under_a_mode_that_answers_for_every_comparison_fails():
    report = grade(changing(Onlooker().__enter__, exponent=1))
    assert sum(not result.passed for result in report.results) > 1
    assert report.diagnosis.name == "multiplies_by_the_temperature"


@pytest.mark.parametrize("words", ["the current folder", "a mode switched on"])
def test_a_right_answer_that_changes_what_is_global_fails_for_that_alone(words):
    report = grade(changing(CHANGES[words][0]))
    failed = [result for result in report.results if not result.passed]
    assert [result.name for result in failed] == ["leaves_the_world_as_it_is"] and words in failed[0].message
    assert report.status == "failed" and report.diagnosis is None


def test_what_is_global_is_said_in_chinese_too():
    use_language("zh")
    messages = [
        result.message for result in grade(changing(gc.disable)).results if result.name.startswith("leaves")
    ]
    assert messages == ["函数改变了Python的垃圾回收器"]


def test_what_a_library_sets_when_it_is_first_loaded_is_not_held_against_a_function(tmp_path, monkeypatch):
    (tmp_path / "sets_something.py").write_text(
        "import os, warnings\nos.environ['SET_BY_A_LIBRARY'] = '1'\n"
        "warnings.filterwarnings('ignore', 'no such warning')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    report = grade(changing(lambda: __import__("sets_something")))
    assert report.status == "passed", report


def test_a_list_that_comes_back_changed_is_a_change_in_place():
    def sorts_the_callers_list(embedding, token_ids):
        if isinstance(token_ids, list):
            token_ids.sort()
        return trim_vocabulary(embedding, token_ids)

    messages = [result.message for result in grade(sorts_the_callers_list, "trim_vocabulary").results]
    assert any("[7, 3, 7], in place" in message for message in messages)


def test_what_torch_wraps_at_first_use_is_not_held_against_a_function():
    def recomputes(logits, temperature=1.0):
        return checkpoint(reference, logits, temperature, use_reentrant=False)

    @torch.compile(backend="eager")
    def compiles(logits, temperature=1.0):
        return reference(logits, temperature)

    for function in (recomputes, compiles):
        report = grade(function, "soft_targets")
        assert report.status == "passed", [result.message for result in report.results if not result.passed]


def test_backward_inside_a_loss_is_a_change_of_its_arguments():
    def logit_mse(student_logits, teacher_logits):
        loss = (student_logits - teacher_logits.detach()).var(-1, correction=0).mean() / 2
        if loss.requires_grad:
            loss.backward(retain_graph=True)
        return loss

    report = grade(logit_mse)
    assert report.status == "failed"
    assert any("calls backward() itself" in result.message for result in report.results)


def test_switching_off_an_arguments_gradient_is_a_change_of_the_arguments():
    def logit_mse(student_logits, teacher_logits):
        difference = student_logits - teacher_logits.requires_grad_(False)
        return difference.var(-1, correction=0).mean() / 2

    report = grade(logit_mse)
    assert any("switches requires_grad" in result.message for result in report.results)
    assert not any("raised" in result.message for result in report.results)


def test_nan_repaired_in_place_is_a_change_of_the_arguments():
    def mean_pool(hidden, mask):
        hidden.data.nan_to_num_(0.0, 0.0, 0.0)
        return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)

    report = grade(mean_pool)
    assert any("in place" in result.message for result in report.results)
