"""What `distill` refuses, each in one sentence that says what to do instead."""

import math
from collections.abc import Callable, Sequence

from torch import nn
from torch.optim import Optimizer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_solutions.training.batches import Batch


def check_settings(
    *, epochs: int, max_steps: int | None, accumulate: int, clip_norm: float | None, checkpoint_every: int
) -> None:
    """ValueError for what would train nothing, or away from the goal."""
    least = {"epochs": (epochs, 1), "accumulate": (accumulate, 1), "checkpoint_every": (checkpoint_every, 1)}
    if max_steps is not None:
        least["max_steps"] = max_steps, 0
    for name, (value, lowest) in least.items():
        if not value >= lowest:
            raise ValueError(
                say(
                    f"{name} must be {lowest} or more, got {value}.",
                    f"{name}不能小于{lowest}，实际是{value}。",
                )
            )
    if clip_norm is not None and not clip_norm > 0:
        raise ValueError(
            say(
                f"clip_norm must be positive, got {clip_norm}: None clips nothing.",
                f"clip_norm必须为正，实际是{clip_norm}：若不想裁剪，请用None。",
            )
        )


def check_shared_layers(student: nn.Module, signal: Callable, optimizers: Sequence[Optimizer]) -> None:
    """ValueError where freezing a teacher froze layers of the student that an optimizer shall train."""
    teacher = getattr(signal, "teacher", None)
    if not isinstance(teacher, nn.Module):
        return
    frozen = {id(parameter) for parameter in teacher.parameters() if not parameter.requires_grad}
    groups = (group for optimizer in optimizers for group in optimizer.param_groups)
    stuck = frozen & {id(parameter) for group in groups for parameter in group["params"]}
    if shared := [name for name, parameter in student.named_parameters() if id(parameter) in stuck]:
        raise ValueError(
            say(
                f"The student's {shared[0]} is in an optimizer but frozen, as the teacher shares it: "
                "freeze a copy of the teacher (copy.deepcopy), or leave the layer out of the optimizer.",
                f"学生模型的{shared[0]}在优化器里，却因与教师模型共享而被冻结："
                "请冻结教师模型的一份副本（copy.deepcopy），或不要把这一层交给优化器。",
            )
        )


def check_reach(modules: Sequence[nn.Module], optimised: Sequence[nn.Parameter]) -> None:
    """ValueError where gradients reached a parameter that is in no optimizer, or none that is in one.

    Called after the first backward pass since every gradient was cleared.
    """
    known = set(map(id, optimised))
    missed = [
        f"{type(module).__name__}.{name}"
        for module in modules
        for name, parameter in module.named_parameters()
        if parameter.grad is not None and id(parameter) not in known
    ]
    if missed:
        more = say(f" and {len(missed) - 1} more", f"等{len(missed)}个参数") if len(missed) > 1 else ""
        raise ValueError(
            say(
                f"{missed[0]}{more} should learn, but is in no optimizer: give it to one, "
                "or freeze it with requires_grad_(False).",
                f"{missed[0]}{more}需要学习，却不在任何优化器里：请把它交给优化器，"
                "或用requires_grad_(False)冻结。",
            )
        )
    if all(parameter.grad is None for parameter in optimised):
        raise nothing_to_learn()


def nothing_to_learn() -> ValueError:
    return ValueError(
        say(
            "The loss reaches no parameter of the optimizers, so nothing would be learned: don't detach the "
            "student's output, and give the optimizers the parameters of this student.",
            "损失没有连到优化器里的任何参数，什么也学不到："
            "请不要detach学生模型的输出，并把这个学生模型的参数交给优化器。",
        )
    )


def check_finite(what: str, value: float, group: list[Batch], number: int, rows: int) -> None:
    """StudyError with the batches' names where a loss or a gradient is infinite or no number.

    number: the step's. rows: of the batches together.
    """
    if math.isfinite(value):
        return
    names = ", ".join(str(batch.name) for batch in group if batch.name is not None)
    where = f"batch {names} (step {number})" if names else f"step {number}"
    if rows:
        advice = say(
            "look at that batch, lower the learning rate or clip the gradients.",
            "请检查这个批次，降低学习率，或裁剪梯度。",
        )
    else:
        advice = say(
            "it has no row, and a mean over none is no number; leave such batches out.",
            "它一行数据也没有，对空集取平均得不到数；请去掉这样的批次。",
        )
    raise StudyError(
        say(
            f"The {what} is {value} in {where}, the student is as it was before: {advice}",
            f"{where}的{what}是{value}，学生模型保持在这一步之前的样子：{advice}",
        )
    )
