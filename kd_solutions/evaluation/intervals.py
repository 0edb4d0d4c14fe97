"""How sure are we? Means with intervals; what is drawn is seeded."""

from collections.abc import Hashable, Sequence
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


def two_level_bootstrap(
    differences: Sequence[float] | Tensor,
    groups: Sequence[Hashable] | Tensor,
    samples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Mean of the groups' means with its 95 % percentile interval over resampled groups and rows in them.

    Sentences of one template, or of one language, stand and fall together: as many groups as there are are
    drawn, then in each, anew each time it was drawn, as many rows as it has. Every group counts the same.

    Args: differences (N,), such as 0 or 1 less 0 or 1 for each sentence; groups (N,), a row's template or
    language, in any order. ValueError where they are not equally long, or are empty.
    Returns: (mean, low, high); the same seed gives the same interval, and the global random state stays.
    Time: samples · N draws, about a million of them in memory at a time.
    Source: Saravanan et al. 2020, "Application of the hierarchical bootstrap to multi-level data in
    neuroscience"; Davison & Hinkley 1997, "Bootstrap Methods and their Application", chapter 3.
    """
    values, sizes = _group_by_group(differences, groups)
    generator = torch.Generator().manual_seed(seed)
    means = torch.cat(
        [
            _means_of_resamples(values, sizes, len(block), generator)
            for block in torch.arange(samples).split(max(1, 2**20 // len(values)))
        ]
    )
    low, high = means.quantile(torch.tensor([0.025, 0.975], dtype=means.dtype)).tolist()
    return Interval(_means(values, sizes).mean().item(), low, high)


def _group_by_group(
    differences: Sequence[float] | Tensor, groups: Sequence[Hashable] | Tensor
) -> tuple[Tensor, Tensor]:
    """(the differences, one group's after another's; how many each group has)."""
    differences = torch.as_tensor(differences, dtype=torch.float64, device="cpu").detach()
    ids = groups.tolist() if isinstance(groups, Tensor) else list(groups)
    if not ids or differences.shape != (len(ids),):
        raise ValueError(
            say(
                f"Each difference needs a group: got {tuple(differences.shape)} and {len(ids)} of them.",
                f"每个差值都要有一个所属的组，且不能为空：实际形状是{tuple(differences.shape)}，组有{len(ids)}个。",
            )
        )
    number = {group: place for place, group in enumerate(dict.fromkeys(ids))}
    places = torch.tensor([number[group] for group in ids])
    return differences[places.argsort()], places.bincount()


def _means_of_resamples(values: Tensor, sizes: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """(samples,), each the mean of the means of as many groups as there are, their rows drawn anew."""
    groups = torch.randint(len(sizes), (samples * len(sizes),), generator=generator)
    drawn = torch.repeat_interleave(groups, sizes[groups])
    place = torch.rand(len(drawn), generator=generator, dtype=torch.float64) * sizes[drawn]
    first = sizes.cumsum(0) - sizes
    return _means(values[first[drawn] + place.long()], sizes[groups]).view(samples, -1).mean(1)


def _means(values: Tensor, sizes: Tensor) -> Tensor:
    """The means of the first `sizes[0]` values, of the next `sizes[1]`, and so on."""
    return torch.repeat_interleave(sizes).bincount(values) / sizes


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
