"""How good is it, and how sure are we? Plain floats for tables; what is drawn is seeded."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Interval(NamedTuple):
    """An estimate with its confidence interval."""

    mean: float
    low: float
    high: float


def accuracy(logits: Tensor, targets: Tensor) -> float:
    """Share of rows whose largest logit is the target's. Args: logits (N, C), targets (N,), on any device."""
    return _share(logits.argmax(-1) == targets.to(logits.device))


def accuracy_by_language(logits: Tensor, targets: Tensor, languages: Sequence[str]) -> dict[str, float]:
    """Accuracy of each language apart, in the order of their first row. Args: (N, C), (N,), N codes."""
    rows: dict[str, list[int]] = {}
    for row, language in enumerate(languages):
        rows.setdefault(language, []).append(row)
    return {language: accuracy(logits[own], targets[own]) for language, own in rows.items()}


def worst_language(accuracies: dict[str, float]) -> tuple[str, float]:
    """The language that is served worst, with its accuracy: what a mean over languages hides."""
    return min(accuracies.items(), key=lambda item: item[1])


def agreement(student_logits: Tensor, teacher_logits: Tensor) -> float:
    """Share of rows where student and teacher name the same class: fidelity, whoever is right.

    Args: two (N, C).
    Source: Stanton et al. 2021, "Does Knowledge Distillation Really Work?".
    """
    return _share(student_logits.argmax(-1) == teacher_logits.argmax(-1))


def expected_calibration_error(probabilities: Tensor, targets: Tensor, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy, over bins of equal width, weighted by their rows.

    A row belongs to the bin (low, high] of its largest probability, so that a confidence of 1.0 counts.

    Args: probabilities (N, C), not logits; targets (N,).
    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    confidence, prediction = probabilities.max(-1)
    inner_edges = torch.arange(1, bins, dtype=confidence.dtype, device=confidence.device) / bins
    bin_of_row = torch.bucketize(confidence, inner_edges)
    gaps = (prediction == targets).double() - confidence.double()
    return (gaps.new_zeros(bins).index_add(0, bin_of_row, gaps).abs().sum() / len(gaps)).item()


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
        raise ValueError("An interval needs two or more values: run more seeds.")
    quantile = float(stdtrit(len(values) - 1, (1 + confidence) / 2))
    half = quantile * values.std().item() / len(values) ** 0.5
    mean = values.mean().item()
    return Interval(mean, mean - half, mean + half)


def paired_t_interval(
    a: Sequence[float] | Tensor, b: Sequence[float] | Tensor, confidence: float = 0.95
) -> Interval:
    """Mean of a − b over paired seeds with Student's t interval. Args: two of equal length, two or more."""
    return t_interval(_paired_differences(a, b), confidence)


def _paired_differences(a: Sequence[float] | Tensor, b: Sequence[float] | Tensor) -> Tensor:
    a, b = (torch.as_tensor(side, dtype=torch.float64).detach().cpu() for side in (a, b))
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(
            f"Pairs needed: two sequences of one length, got {tuple(a.shape)} and {tuple(b.shape)}."
        )
    return a - b


def _share(hits: Tensor) -> float:
    return hits.cpu().double().mean().item()  # some devices have no float64
