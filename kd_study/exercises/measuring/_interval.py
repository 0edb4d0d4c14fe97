"""What the exercises share that answer with an interval, found by drawing."""

import math

import torch

from kd_study.exercises.base import expect, shown


def expect_interval(result) -> None:
    """Raises `Unmet` unless the result is three finite plain numbers."""
    expect(
        isinstance(result, tuple | list) and len(result) == 3,
        f"three numbers should come back, (mean, low, high), but {type(result).__name__} did",
        f"应返回三个数(mean, low, high)，返回的却是{type(result).__name__}",
    )
    expect(
        all(type(value) in (float, int) for value in result),
        "mean, low and high should be plain floats; .item() makes one of a tensor",
        "mean、low和high应为普通的float；用.item()可以把张量变成数",
    )
    expect(
        all(math.isfinite(value) for value in result),
        f"{shown(tuple(result))} came back; where all differences are equal, or there is one alone, a spread is 0: percentiles of "
        "the resampled means need no division by it",
        f"返回了{shown(tuple(result))}；差全部相等或只有一个时，离散程度为0：重采样均值的百分位数并不需要除以它",
    )


def alone(function, **arguments):
    """The function's result; what it does to the global random state is undone."""
    with torch.random.fork_rng(devices=[]):
        return function(**arguments)


def ends(function, **arguments) -> list[float]:
    """The interval without its mean."""
    return [float(end) for end in alone(function, **arguments)[1:]]
