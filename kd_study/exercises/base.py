"""What an exercise is: a contract pinned down by checks, hints that teach, and the mistakes people make.

A check is a method marked with `@check(en=…, zh=…)`; it calls the learner's function and states what it
expects with `expect` and `expect_close`, whose messages are the feedback. A wrong answer is a function marked
with `@TheExercise.wrong(en=…, zh=…, reference=…)`. `EXERCISE = TheExercise()` closes the file.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

import kd_solutions
from kd_solutions.support.language import Text, say
from kd_study.exercises import waste
from kd_study.exercises.catalog import Sheet, sheet
from kd_study.exercises.expectations import Unmet, expect, expect_close, is_close, shown

__all__ = [
    "Exercise", "Text", "Unmet", "check", "check_blind_to_scale", "check_default", "expect", "expect_close", "expect_float", "expect_tensor",
    "fresh", "gradient", "gradients", "is_blind_to_a_small_scale", "is_close", "normal", "outcome", "say", "shown", "the_only_number", "without",
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


def check_default(argument: str, value: float) -> Callable:
    """The check, for an exercise with an `example()`, that `argument` is `value` where it isn't given."""

    @check(en=f"The default {argument} is {value:g}", zh=f"{argument}默认为{value:g}")
    def takes_its_default(self, fn):
        example = self.example()
        expect_close(
            fn(**without(example, argument)),
            fn(**example | {argument: value}),
            f"without {argument} the result should be the one at {argument} = {value:g}",
            f"不给{argument}时，结果应与{argument} = {value:g}时相同",
        )

    return takes_its_default


def check_blind_to_scale(*arguments: str) -> Callable:
    """The check, for an exercise with an `example()`, that nothing changes with the scale of each of these arguments."""

    @check(en="Blind to scale, from 1e-4 to 1e4", zh="与尺度无关，从1e-4到1e4")
    def is_blind_to_scale(self, fn):
        example = self.example()
        expected = fn(**example)
        for argument in arguments:
            for factor in (1e-4, 1e4):
                expect_close(
                    fn(**example | {argument: factor * example[argument]}),
                    expected,
                    f"{argument} times {factor:g} should change nothing; a small number added to a length or a mean is not "
                    "small beside a small one: guard against 0 alone",
                    f"{argument}乘以{factor:g}，结果不应变化；给长度或均值加上的“小常数”，在它本身很小时并不小：只需防止除以0",
                    tolerance=1e-3,
                )

    return is_blind_to_scale


def is_blind_to_a_small_scale(exercise: "Exercise", function: Callable, *arguments: str):
    """Whether these arguments times 1e-4 change nothing; the kind of error where it raises."""
    example = exercise.example()

    def compare() -> bool:
        value = function(**fresh(example)).detach()
        return all(
            is_close(function(**fresh(example | {name: 1e-4 * example[name]})), value, tolerance=1e-3)
            for name in arguments
        )

    return outcome(compare)


class Exercise:
    """One exercise. Subclasses write checks; see the module's docstring.

    probes() and edges() give inputs on which two functions are compared for the diagnosis: the first tell
    what a function computes, the second how it behaves at the edges (errors, extremes, graph, dtype). Checks
    that need ordinary arguments take those of example(): by name, with each that has a default.
    """

    stub: str | None = None  # the text of the cell to fill, where it isn't made from the reference
    inputs_stay: bool = True  # whether tensors passed in must come back unchanged
    uses_randomness: bool = False  # whether drawing random numbers belongs to the task
    first_are_rows: bool = (
        True  # whether the first dimension of its tensors is a batch, to be treated as a whole
    )
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

    def mistake(self, name: str) -> WrongAnswer | None:
        """The wrong answer of that name; None where the name is another version's."""
        return next((wrong for wrong in self.wrong_answers if wrong.name == name), None)

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

    def loosened(self, result):
        """A result that is right but for its form, such as a number in a list, in the form asked for; else itself."""
        return result

    def remark(self, function: Callable) -> Text | None:
        """What could be better in a function that passes: one thing, or None."""
        probe = next(iter(self.probes().values()), None)
        if probe is None:
            return None
        loops = waste.loops_over_rows(function, fresh(probe)) if self.first_are_rows else None
        return loops or waste.done_twice(function, fresh(probe))

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
        type(result) in (float, int),
        f"a plain float should come back, but {type(result).__name__} did; .item() makes one of a tensor",
        f"应返回普通的float，返回的却是{type(result).__name__}；用.item()可以把张量变成数",
    )


def the_only_number(result):
    """The only entry of a tensor of shape (1,), (1, 1), …, a list, a tuple or a dict; anything else as it is."""
    if isinstance(result, dict):
        result = list(result.values())
    if isinstance(result, list | tuple) and len(result) == 1:
        return the_only_number(result[0])
    if isinstance(result, torch.Tensor) and result.numel() == 1:
        return result.reshape(())
    return result


def normal(*shape: int, seed: int = 0, scale: float = 2.0) -> torch.Tensor:
    """Normal numbers of a given shape, the same on every call, without touching the global seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def gradient(function: Callable, tensor: torch.Tensor) -> torch.Tensor:
    """The gradient of `function(leaf)` at a leaf that holds `tensor`; raises `Unmet` where there is no graph."""
    leaf = tensor.detach().clone().requires_grad_()
    loss = function(leaf)
    (found,) = gradients(loss, [leaf])
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


def gradients(loss: torch.Tensor, leaves: list) -> list:
    if not loss.requires_grad:
        return [None] * len(leaves)
    return list(torch.autograd.grad(loss, leaves, allow_unused=True, retain_graph=True))
