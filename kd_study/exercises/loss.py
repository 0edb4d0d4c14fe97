"""What an exercise whose answer is a loss has in common with every other."""

from abc import ABC, abstractmethod

import torch

from kd_study.exercises.base import (
    Exercise,
    Text,
    check,
    expect,
    expect_close,
    expect_tensor,
    fresh,
    gradients,
    outcome,
    shown,
    the_only_number,
)


class LossExercise(Exercise):
    """An exercise whose answer is a scalar loss with a graph to the student and none to the teacher.

    Subclasses give `example()`, ordinary arguments by name, and inherit the checks that every loss must pass.
    """

    student_arguments: tuple[str, ...] = ("student_logits",)
    teacher_arguments: tuple[str, ...] = ("teacher_logits",)
    extreme: float = 1e4  # the largest magnitude of a student's or teacher's entry that must stay finite
    against_overflow = Text("stay in the log domain (log_softmax)", "请始终在对数域计算（log_softmax）")
    dtypes: tuple = (torch.float64, torch.bfloat16)  # besides float32, those that come back as they go in

    def validate(self, result, arguments):
        expect_scalar_loss(result)

    def loosened(self, result):
        return the_only_number(result)

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
        for name, found in zip(self.student_arguments, gradients(loss, leaves), strict=True):
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
        finite = all(found is None or bool(found.isfinite().all()) for found in gradients(loss, leaves))
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
        found = dict(zip(names, gradients(loss, leaves), strict=True))
        return [
            name for name in self.teacher_arguments if found[name] is not None and bool(found[name].any())
        ]


class NothingCounts(LossExercise, ABC):
    """A loss over those tokens or rows that count, of which there may be none: it is 0 then, with a graph."""

    nothing_counts = Text("a batch of nothing but padding", "全是填充的一批")

    @abstractmethod
    def nothing(self) -> dict[str, dict]:
        """Name → arguments in which nothing counts."""

    @check(en="0 with a graph where nothing counts", zh="没有什么计入时为0，且有计算图")
    def is_zero_where_nothing_counts(self, fn):
        for arguments in self.nothing().values():
            arguments, leaves = self._with_leaves(arguments, self.student_arguments)
            loss = fn(**arguments)
            expect_close(
                loss, 0.0, f"{self.nothing_counts.en} should cost 0", f"{self.nothing_counts.zh}，损失应为0"
            )
            expect(
                loss.requires_grad,
                f"{self.nothing_counts.en} should still have a graph, or backward fails on it",
                f"{self.nothing_counts.zh}也应带有计算图，否则backward会报错",
            )
            for found in gradients(loss, leaves):
                expect(
                    found is None or not bool(found.any()),
                    f"{self.nothing_counts.en} should bring no gradient, but brought {shown(found)}",
                    f"{self.nothing_counts.zh}不应带来梯度，实际为{shown(found)}",
                )

    def edges(self):
        return super().edges() | self.nothing()

    def behaviour(self, function):
        ordinary, edge = super().behaviour(function)
        arguments, _ = self._with_leaves(next(iter(self.nothing().values())), self.student_arguments)
        edge["graph of nothing"] = outcome(lambda: function(**arguments).requires_grad)
        return ordinary, edge


def expect_scalar_loss(result) -> None:
    """Raises `Unmet` unless the result is a floating-point tensor of no dimension."""
    expect_tensor(result)
    expect(
        result.dim() == 0,
        f"a loss is a scalar, but a tensor of shape {tuple(result.shape)} came back; "
        + ("squeeze() it" if result.numel() == 1 else "average it"),
        f"损失应是标量，但返回了形状为{tuple(result.shape)}的张量；"
        + ("请squeeze()" if result.numel() == 1 else "请取平均"),
    )


def _value_and_gradients(loss: torch.Tensor, leaves: list) -> list:
    return [loss.detach(), *gradients(loss, leaves)]
