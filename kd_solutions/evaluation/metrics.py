"""How good is it? Plain floats for tables."""

from collections.abc import Sequence

import torch
from torch import Tensor


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


def _share(hits: Tensor) -> float:
    return hits.cpu().double().mean().item()  # some devices have no float64
