"""What every loss must do whatever it computes, and the inputs that the tests of the losses share."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product

import torch
from torch import Tensor

DEVICES = ["cpu"] + (["cuda"] if torch.cuda.is_available() else [])
DTYPES = [torch.float32, torch.float64, torch.bfloat16]
NAN, INF = torch.nan, torch.inf


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def gradient(loss: Callable[[Tensor], Tensor], student: Tensor) -> Tensor:
    student = student.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(student), student)[0]


def assert_sound(loss: Callable, students: Sequence[Tensor], teachers: Sequence[Tensor], **others) -> float:
    """loss(*students, *teachers, **others) is a finite scalar of the students' dtype; finite gradients go to
    the students and none to the teachers; inputs and random state stay. Returns the value."""
    students, teachers = (
        [x.detach().clone().requires_grad_() for x in side] for side in (students, teachers)
    )
    inputs = [*students, *teachers, *(x for x in others.values() if isinstance(x, Tensor))]
    before, random_state = [x.detach().clone() for x in inputs], torch.get_rng_state()
    value = loss(*students, *teachers, **others)
    value.backward()
    assert value.shape == () and value.dtype == students[0].dtype and value.device == students[0].device
    assert value.isfinite()
    assert all(x.grad.isfinite().all() for x in students)
    assert all(x.grad is None for x in teachers)
    for now, then in zip(inputs, before, strict=True):
        torch.testing.assert_close(now.detach(), then, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(torch.get_rng_state(), random_state)
    return value.item()


def assert_blind_to_hidden(loss: Callable, student: Tensor, teacher: Tensor, mask: Tensor) -> None:
    """What the mask hides in loss(student, teacher, mask), NaN and infinity too, changes neither value nor
    gradient, which is 0 there; the mask may have any dtype."""
    hidden = ~mask.bool()
    expected, slope = loss(student, teacher, mask), gradient(lambda s: loss(s, teacher, mask), student)
    for rubbish, dtype in product((NAN, INF, -INF, 1e30), (torch.bool, torch.int64, torch.float32)):
        spoilt, spoilt_teacher = (x.masked_fill(hidden[..., None], rubbish) for x in (student, teacher))
        spoilt_loss = partial(_with, loss, spoilt_teacher, mask.to(dtype))
        torch.testing.assert_close(spoilt_loss(spoilt), expected)
        torch.testing.assert_close(gradient(spoilt_loss, spoilt), slope)
    assert slope[hidden].eq(0).all()


def _with(loss: Callable, teacher: Tensor, mask: Tensor, student: Tensor) -> Tensor:
    return loss(student, teacher, mask)
