"""How sure are we? Means with intervals; what is drawn is seeded."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from kd_solutions.support.language import say


class Interval(NamedTuple):
    """An estimate with its confidence interval."""

    mean: float
    low: float
    high: float


def paired_bootstrap(
    a: Sequence[float] | Tensor, b: Sequence[float] | Tensor, samples: int = 10_000, seed: int = 0
) -> Interval:
    """Mean of a − b with its 95 % percentile interval over resampled pairs.

    Pairs are drawn, not sides: what makes one sentence, or one seed, hard for both cancels in the difference.

    Args: two of equal length, such as 0 or 1 for each sentence; ValueError where they are not, or are empty.
    Returns: (mean, low, high); the same seed gives the same interval, and the global random state stays.
    Source: Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation".
    """
    differences = _paired_differences(a, b)
    n = len(differences)
    generator = torch.Generator().manual_seed(seed)
    means = torch.cat(
        [
            differences[torch.randint(n, (len(chunk), n), generator=generator)].mean(1)
            for chunk in torch.arange(samples).split(max(1, 2**22 // n))  # 32 MiB of indices at a time
        ]
    )
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=means.dtype)).tolist()
    return Interval(differences.mean().item(), low, high)


def t_interval(values: Sequence[float] | Tensor, confidence: float = 0.95) -> Interval:
    """Mean with Student's t interval: for a handful of seeds, where a bootstrap is too narrow.

    Args: two or more values, else ValueError.
    """
    from scipy.special import stdtrit

    values = torch.as_tensor(values, dtype=torch.float64)
    if len(values) < 2:
        raise ValueError(
            say(
                "An interval needs two or more values: run more seeds.",
                "计算区间至少需要两个值：请多跑几个随机种子。",
            )
        )
    quantile = float(stdtrit(len(values) - 1, (1 + confidence) / 2))
    half = quantile * values.std().item() / len(values) ** 0.5
    mean = values.mean().item()
    return Interval(mean, mean - half, mean + half)


def share_interval(right: int, count: int, confidence: float = 0.95) -> Interval:
    """A share of `count` trials with Wilson's interval, which stays within 0 and 1 and holds near both.

    Args: 0 ≤ right ≤ count, count > 0, else ValueError.
    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    from scipy.special import ndtri

    if not 0 <= right <= count or not count:
        raise ValueError(
            say(
                f"Of some trials some are right: {right} of {count} can't be.",
                f"正确的次数应在0与总次数之间，且总次数大于0：{count}次中对{right}次是不可能的。",
            )
        )
    share, squared = right / count, float(ndtri((1 + confidence) / 2)) ** 2
    middle = (share + squared / (2 * count)) / (1 + squared / count)
    half = (squared * (share * (1 - share) / count + squared / (4 * count**2))) ** 0.5 / (1 + squared / count)
    return Interval(share, middle - half, middle + half)


def paired_t_interval(
    a: Sequence[float] | Tensor, b: Sequence[float] | Tensor, confidence: float = 0.95
) -> Interval:
    """Mean of a − b over paired seeds with Student's t interval. Args: two of equal length, two or more."""
    return t_interval(_paired_differences(a, b), confidence)


def _paired_differences(a: Sequence[float] | Tensor, b: Sequence[float] | Tensor) -> Tensor:
    a, b = (torch.as_tensor(side, dtype=torch.float64).detach().cpu() for side in (a, b))
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(
            say(
                f"Pairs needed: two sequences of one length, got {tuple(a.shape)} and {tuple(b.shape)}.",
                f"需要成对的数据：两个长度相同且不为空的序列，实际形状是{tuple(a.shape)}和{tuple(b.shape)}。",
            )
        )
    return a - b
