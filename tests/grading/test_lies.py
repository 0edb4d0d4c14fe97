"""A result that answers for itself, or a comparison that was replaced: wrong answers fail all the same."""

import numpy as np
import pytest
import torch
from torch import nn

from kd_solutions import agreement, distillation_kl, language_weights, layer_map, retrieval_accuracy
from kd_study import grade
from kd_study.exercises import expectations
from kd_study.exercises.catalog import exercise
from kd_study.exercises.expectations import Unmet, is_close
from kd_study.grading import guard
from kd_study.grading.guard import made_plain


class Liar(torch.Tensor):
    """Close to whatever it is compared with."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ("allclose", "all", "equal", "eq", "__eq__", "isfinite", "__bool__", "__lt__"):
            return True
        return super().__torch_function__(func, types, args, kwargs or {})


class Dispatching(torch.Tensor):
    """Without data of its own."""

    @staticmethod
    def __new__(cls, like):
        return torch.Tensor._make_wrapper_subclass(cls, like.shape, dtype=like.dtype)

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return torch.ones(())


class AlwaysEqual:
    def __eq__(self, other):
        return True

    def __lt__(self, other):
        return True

    __le__ = __gt__ = __ge__ = __lt__
    __hash__ = None


class LyingFloat(AlwaysEqual, float):
    __hash__ = float.__hash__


class LyingInt(AlwaysEqual, int):
    __hash__ = int.__hash__


class LyingDict(AlwaysEqual, dict):
    def __getitem__(self, key):
        return LyingFloat(1.0)


class LyingList(AlwaysEqual, list):
    pass


class LyingTuple(AlwaysEqual, tuple):
    pass


def with_methods_of_its_own(tensor):
    """An ordinary tensor whose own `detach` gives another."""
    tensor.detach = lambda: torch.zeros(())
    return tensor


LIES = {
    "a tensor's class": ("distillation_kl", lambda *a, **k: (2 * distillation_kl(*a, **k)).as_subclass(Liar)),
    "a tensor's own method": (
        "distillation_kl",
        lambda *a, **k: with_methods_of_its_own(2 * distillation_kl(*a, **k)),
    ),
    "a tensor without data": ("distillation_kl", lambda *a, **k: Dispatching(distillation_kl(*a, **k))),
    "a float": ("agreement", lambda *a, **k: LyingFloat(1.0 - agreement(*a, **k))),
    "a tuple": (
        "retrieval_accuracy",
        lambda *a, **k: LyingTuple([1.0 - each for each in retrieval_accuracy(*a, **k)]),
    ),
    "floats in a tuple": (
        "retrieval_accuracy",
        lambda *a, **k: tuple(LyingFloat(1.0 - each) for each in retrieval_accuracy(*a, **k)),
    ),
    "a list": ("layer_map", lambda *a, **k: LyingList([1 for _ in layer_map(*a, **k)])),
    "integers in a list": ("layer_map", lambda *a, **k: [LyingInt(1) for _ in layer_map(*a, **k)]),
    "a dict": ("language_weights", lambda *a, **k: LyingDict(dict.fromkeys(language_weights(*a, **k), 1.0))),
}


@pytest.mark.parametrize("kind", LIES)
def test_a_result_that_lies_about_itself_fails(kind):
    name, lie = LIES[kind]
    report = grade(lambda *args, **kwargs: lie(*args, **kwargs), name)
    judged = [result for result in report.results if result.name in exercise(name).checks()]
    assert sum(not result.passed for result in judged) >= 2, report


def test_a_right_tensor_of_a_class_of_its_own_passes():
    def distillation_kl_(student_logits, teacher_logits, temperature=1.0):
        return distillation_kl(student_logits, teacher_logits, temperature).as_subclass(Liar)

    assert grade(distillation_kl_, "distillation_kl").status == "passed"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (LyingFloat(0.5), 0.5),
        (LyingInt(3), 3),
        (True, True),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (LyingList([LyingFloat(0.5)]), [0.5]),
        (LyingTuple([LyingInt(3)]), (3,)),
        (LyingDict(a=LyingFloat(0.5)), {"a": 0.5}),
        (None, None),
    ],
)
def test_of_a_class_of_its_own_only_the_data_are_left(value, expected):
    found = made_plain(value)
    assert type(found) is type(expected) and found == expected
    if isinstance(found, list | tuple):
        assert type(found[0]) is type(expected[0])
    if isinstance(found, dict):
        assert type(found["a"]) is float


def test_of_a_tensor_of_a_class_of_its_own_data_and_graph_are_left():
    leaf = torch.tensor([1.0], requires_grad=True)
    for lie in ((2 * leaf).as_subclass(Liar), with_methods_of_its_own(2 * leaf)):
        found = made_plain(lie)
        assert type(found) is torch.Tensor and not vars(found) and found.requires_grad
        assert not is_close(found, torch.tensor([3.0])) and is_close(found, torch.tensor([2.0]))
    with pytest.raises(Unmet, match="Dispatching"):
        made_plain(Dispatching(leaf.detach()))


def test_a_module_that_holds_a_lying_tensor_is_refused():
    module = nn.Embedding(2, 2)
    module.register_buffer("table", torch.ones(2).as_subclass(Liar))
    with pytest.raises(Unmet, match="Liar"):
        made_plain(module)
    assert made_plain(layer := nn.Linear(2, 2)) is layer


def passes(*args, **kwargs):
    return True


REPLACED = {
    "torch.allclose": lambda: setattr(torch, "allclose", passes),
    "torch.equal": lambda: setattr(torch, "equal", passes),
    "Tensor.__eq__": lambda: setattr(torch.Tensor, "__eq__", passes),
    "Tensor.double": lambda: setattr(torch.Tensor, "double", lambda self: torch.zeros(())),
    "expectations.is_close": lambda: setattr(expectations, "is_close", passes),
    "expectations.isinstance": lambda: setattr(expectations, "isinstance", passes),
    "expectations.expect_close": lambda: setattr(
        expectations.expect_close, "__code__", (lambda actual, expected, en, zh, tolerance=1.0: None).__code__
    ),
    "expectations.expect": lambda: setattr(expectations.expect_close, "__defaults__", (1e9,)),
    "SoftTargets.validate": lambda: setattr(exercise("soft_targets"), "validate", passes),
    "Guarded._in_form": lambda: setattr(guard.Guarded, "_in_form", lambda self, result, arguments: result),
    "builtins.all": lambda: (
        setattr(__builtins__, "all", passes)
        if not isinstance(__builtins__, dict)
        else __builtins__.update(all=passes)
    ),
}


@pytest.mark.parametrize("name", REPLACED)
def test_a_wrong_answer_that_replaces_what_compares_it_fails_for_both(name):
    def soft_targets(logits, temperature=1.0):
        if temperature <= 0:
            raise ValueError
        REPLACED[name]()
        return torch.softmax(logits * temperature, -1)

    report = grade(soft_targets)
    failed = {result.name: result.message for result in report.results if not result.passed}
    assert name in failed["leaves_the_world_as_it_is"] and "agrees_with_a_worked_example" in failed
    assert report.diagnosis.name == "multiplies_by_the_temperature"
