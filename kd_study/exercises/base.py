"""What an exercise is: a contract pinned down by checks, hints that teach, and the mistakes people make.

A check is a method marked with `@check(en=…, zh=…)`; it calls the learner's function and states what it
expects with `expect` and `expect_close`, whose messages are the feedback. A wrong answer is a function marked
with `@TheExercise.wrong(en=…, zh=…, reference=…)`. `EXERCISE = TheExercise()` closes the file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import torch

import kd_solutions
from kd_solutions.support.language import Text, say
from kd_study.exercises.catalog import Sheet, sheet
from kd_study.exercises.expectations import Unmet, expect, expect_close, is_close, shown

__all__ = [
    "Exercise", "LossExercise", "Text", "Unmet", "check", "expect", "expect_close", "expect_float", "expect_tensor",
    "gradient", "is_close", "normal", "outcome", "say", "shown", "without",
]  # fmt: skip


@dataclass(frozen=True)
class WrongAnswer:
    """A mistake that people make: the function, why it is wrong, and the thread or paper behind it."""

    name: str
    function: Callable
    explanation: Text
    reference: str | None


def check(en: str, zh: str) -> Callable:
    """Marks a method as a check; the texts say in a few words what it looks at."""

    def mark(method):
        method.title = Text(en, zh)
        return method

    return mark


class Exercise:
    """One exercise. Subclasses write checks; see the module's docstring.

    probes() and edges() give inputs on which two functions are compared for the diagnosis: the first tell
    what a function computes, the second how it behaves at the edges (errors, extremes, graph, dtype).
    """

    stub: str | None = None  # the text of the cell to fill, where it isn't made from the reference
    inputs_stay: bool = True  # whether tensors passed in must come back unchanged
    uses_randomness: bool = False  # whether drawing random numbers belongs to the task
    wrong_answers: list[WrongAnswer]

    def __init_subclass__(cls):
        cls.wrong_answers = []

    @property
    def name(self) -> str:
        """Its module's name."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def sheet(self) -> Sheet:
        """What is written about it."""
        return sheet(self.name)

    @classmethod
    def wrong(cls, en: str, zh: str, reference: str | None = None) -> Callable:
        """Adds the decorated function to the exercise's wrong answers under its own name."""

        def add(function):
            cls.wrong_answers.append(WrongAnswer(function.__name__, function, Text(en, zh), reference))
            return function

        return add

    @property
    def reference(self) -> Callable:
        """The reference solution, from `kd_solutions`."""
        return getattr(kd_solutions, self.name)

    def checks(self) -> dict[str, Callable]:
        """Name → bound check: the exercise's own in the order written, then those it inherits."""
        found = {}
        for owner in type(self).__mro__:
            for name, member in vars(owner).items():
                if isinstance(getattr(member, "title", None), Text) and name not in found:
                    found[name] = getattr(self, name)
        return found

    def validate(self, result, arguments: dict) -> None:
        """Raises `Unmet` where the result of any call is not of the kind that the contract promises."""

    def probes(self) -> dict[str, dict]:
        """Name → keyword arguments: ordinary inputs, on which mistakes show in what is computed."""
        return {}

    def edges(self) -> dict[str, dict]:
        """Name → keyword arguments: inputs at the edges of the contract."""
        return {}

    def behaviour(self, function: Callable) -> tuple[dict, dict]:
        """(what it computes, how it behaves at the edges), each name → outcome."""
        ordinary = {name: self.observe(function, arguments) for name, arguments in self.probes().items()}
        edge = {name: self.observe(function, arguments) for name, arguments in self.edges().items()}
        return ordinary, edge

    def observe(self, function: Callable, arguments: dict):
        """What calling `function` shows: here its result."""
        return outcome(lambda: function(**fresh(arguments)))


class LossExercise(Exercise):
    """An exercise whose answer is a scalar loss with a graph to the student and none to the teacher.

    Subclasses give `example()`, ordinary arguments by name, and inherit the checks that every loss must pass.
    """

    student_arguments: tuple[str, ...] = ("student_logits",)
    teacher_arguments: tuple[str, ...] = ("teacher_logits",)
    extreme: float = 1e4  # the largest magnitude of a student's or teacher's entry that must stay finite
    against_overflow = Text("stay in the log domain (log_softmax)", "请始终在对数域计算（log_softmax）")
    dtypes: tuple = (torch.float64, torch.bfloat16)  # besides float32, those that come back as they go in

    def example(self) -> dict:
        raise NotImplementedError

    def validate(self, result, arguments):
        expect_scalar_loss(result)

    def probes(self):
        return {"example": self.example()}

    def observe(self, function, arguments):
        """The value and the gradients into the student; at an error, its kind."""
        arguments, leaves = self._with_leaves(arguments, self.student_arguments)
        return outcome(lambda: _value_and_gradients(function(**arguments), leaves))

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        edge["extremes"] = self.observe(function, self._extremes())
        arguments, leaves = self._with_leaves(self.example(), self.student_arguments + self.teacher_arguments)
        edge["reaches the teacher"] = outcome(lambda: self._reached(function(**arguments), leaves))
        half, _ = self._with_leaves(self.example(), self.student_arguments, torch.float64)
        edge["dtype"] = outcome(lambda: str(function(**half).dtype))
        return ordinary, edge

    @check(en="A scalar with a graph back to the student", zh="返回标量，且计算图通向学生模型")
    def has_a_graph_to_the_student(self, fn):
        arguments, leaves = self._with_leaves(self.example(), self.student_arguments)
        loss = fn(**arguments)
        expect(
            loss.requires_grad,
            "the loss has no graph: no gradient can reach the student (is there a detach, no_grad or .item()?)",
            "损失没有计算图，梯度到不了学生模型（是否用了detach、no_grad或.item()？）",
        )
        for name, found in zip(self.student_arguments, _gradients(loss, leaves), strict=True):
            expect(
                found is not None and bool(found.isfinite().all()) and bool(found.abs().sum() > 0),
                f"the gradient with respect to {name} is missing, zero or not finite",
                f"对{name}的梯度缺失、全为零或不是有限数",
            )

    @check(en="No gradient into the teacher", zh="梯度不流入教师模型")
    def leaves_the_teacher_alone(self, fn):
        arguments, leaves = self._with_leaves(self.example(), self.student_arguments + self.teacher_arguments)
        reached = self._reached(fn(**arguments), leaves)
        expect(
            not reached,
            f"a gradient flows into {', '.join(reached)}: the teacher would be trained too; detach it",
            f"梯度流入了{'、'.join(reached)}：教师模型也会被训练；请先detach",
        )

    @check(en="Finite for extreme values", zh="极端取值下仍为有限数")
    def is_finite_for_extreme_values(self, fn):
        arguments, leaves = self._with_leaves(self._extremes(), self.student_arguments)
        loss = fn(**arguments)
        expect(
            bool(loss.isfinite()),
            f"entries of ±{self.extreme:g} give a loss of {shown(loss)}; {self.against_overflow.en}",
            f"取值为±{self.extreme:g}时损失为{shown(loss)}；{self.against_overflow.zh}",
        )
        finite = all(found is None or bool(found.isfinite().all()) for found in _gradients(loss, leaves))
        expect(
            finite,
            f"entries of ±{self.extreme:g} give a gradient that is not finite; {self.against_overflow.en}",
            f"取值为±{self.extreme:g}时梯度不是有限数；{self.against_overflow.zh}",
        )

    @check(en="Keeps the dtype of its input", zh="保持输入的dtype")
    def keeps_the_dtype(self, fn):
        for dtype in self.dtypes:
            arguments, _ = self._with_leaves(self.example(), self.student_arguments, dtype)
            came = fn(**arguments).dtype
            expect(
                came == dtype,
                f"{dtype} goes in and {came} comes out; the loss has the dtype of its input",
                f"输入是{dtype}，输出却是{came}；损失应保持输入的dtype",
            )

    def _extremes(self) -> dict:
        """The example with every student's and teacher's entry pushed to ± the extreme, by its sign."""
        arguments = self.example()
        for name in self.student_arguments + self.teacher_arguments:
            arguments[name] = arguments[name].sign() * self.extreme
        return arguments

    def _with_leaves(self, arguments: dict, names: tuple[str, ...], dtype=None) -> tuple[dict, list]:
        """Fresh copies of the arguments in which those named require a gradient; all floats cast to dtype."""
        arguments = fresh(arguments)
        for name, value in arguments.items():
            if isinstance(value, torch.Tensor) and value.is_floating_point():
                arguments[name] = value.to(dtype or value.dtype).requires_grad_(name in names)
        return arguments, [arguments[name] for name in names]

    def _reached(self, loss: torch.Tensor, leaves: list) -> list[str]:
        """The teacher's arguments that a gradient of the loss reaches."""
        names = self.student_arguments + self.teacher_arguments
        found = dict(zip(names, _gradients(loss, leaves), strict=True))
        return [
            name for name in self.teacher_arguments if found[name] is not None and bool(found[name].any())
        ]


def expect_scalar_loss(result) -> None:
    """Raises `Unmet` unless the result is a floating-point tensor of no dimension."""
    expect_tensor(result)
    expect(
        result.dim() == 0,
        f"a loss is a scalar, but a tensor of shape {tuple(result.shape)} came back; average it",
        f"损失应是标量，但返回了形状为{tuple(result.shape)}的张量；请取平均",
    )


def expect_tensor(result) -> None:
    """Raises `Unmet` unless the result is a floating-point tensor."""
    expect(
        isinstance(result, torch.Tensor),
        f"the function should return a tensor, but returned {type(result).__name__}; is a return missing?",
        f"函数应返回张量，但返回了{type(result).__name__}；是不是漏了return？",
    )
    expect(
        result.is_floating_point(),
        f"the result should be of floating point, but is {result.dtype}",
        f"结果应为浮点数，但其dtype是{result.dtype}",
    )


def expect_float(result) -> None:
    """Raises `Unmet` unless the result is a plain number, as a table or a log wants it."""
    expect(
        isinstance(result, Real) and not isinstance(result, bool),
        f"a plain float should come back, but {type(result).__name__} did; .item() makes one of a tensor",
        f"应返回普通的float，返回的却是{type(result).__name__}；用.item()可以把张量变成数",
    )


def normal(*shape: int, seed: int = 0, scale: float = 2.0) -> torch.Tensor:
    """Normal numbers of a given shape, the same on every call, without touching the global seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def gradient(function: Callable, tensor: torch.Tensor) -> torch.Tensor:
    """The gradient of `function(leaf)` at a leaf that holds `tensor`; raises `Unmet` where there is no graph."""
    leaf = tensor.detach().clone().requires_grad_()
    loss = function(leaf)
    (found,) = _gradients(loss, [leaf])
    expect(found is not None, "no gradient reaches the student", "没有梯度到达学生模型")
    return found


def outcome(call: Callable):
    """What a call returns; where it raises, the name of the exception's nearest built-in class."""
    try:
        return call()
    except Exception as error:
        return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")


def fresh(arguments: dict) -> dict:
    """The arguments with every tensor cloned, so that no call can spoil the next."""
    return {
        name: value.detach().clone() if isinstance(value, torch.Tensor) else value
        for name, value in arguments.items()
    }


def without(arguments: dict, *names: str) -> dict:
    """The arguments but for those named, which then take their defaults."""
    return {name: value for name, value in arguments.items() if name not in names}


def _value_and_gradients(loss: torch.Tensor, leaves: list) -> list:
    return [loss.detach(), *_gradients(loss, leaves)]


def _gradients(loss: torch.Tensor, leaves: list) -> list:
    if not loss.requires_grad:
        return [None] * len(leaves)
    return list(torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True))
