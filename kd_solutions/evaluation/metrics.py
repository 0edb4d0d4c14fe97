"""How good is it? Plain floats for tables; of no row they are NaN, as nothing was measured."""

import torch
from torch import Tensor

from kd_solutions.losses.numerics import double, same_shape
from kd_solutions.support.language import say


def accuracy(logits: Tensor, targets: Tensor) -> float:
    """Share of rows whose largest logit is the target's. Args: logits (N, C), targets (N,), on any device."""
    predictions = logits.argmax(-1)
    same_shape(predictions, targets)
    return _share(predictions == targets.to(logits.device))


def worst_language(accuracies: dict[str, float]) -> tuple[str, float]:
    """The language that is served worst, with its accuracy: what a mean over languages hides."""
    return min(accuracies.items(), key=lambda item: item[1])


def agreement(student_logits: Tensor, teacher_logits: Tensor) -> float:
    """Share of rows where student and teacher name the same class: fidelity, whoever is right.

    Args: two (N, C).
    Source: Stanton et al. 2021, "Does Knowledge Distillation Really Work?".
    """
    same_shape(student_logits, teacher_logits)
    return _share(student_logits.argmax(-1) == teacher_logits.argmax(-1))


def expected_calibration_error(probabilities: Tensor, targets: Tensor, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy, over bins of equal width, weighted by their rows.

    A row belongs to the bin (low, high] of its largest probability, so that a confidence of 1.0 counts.

    Args: probabilities (N, C), not logits, which are a ValueError; targets (N,).
    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    confidence, prediction = probabilities.max(-1)
    same_shape(prediction, targets)
    if not ((confidence >= 0) & (confidence <= 1.001)).all():  # probabilities of half precision may be 1.0005
        raise ValueError(
            say(
                "expected_calibration_error takes probabilities from 0 to 1: give logits a softmax first.",
                "expected_calibration_error需要0到1之间的概率：若手上是logits，请先做softmax。",
            )
        )
    inner_edges = torch.arange(1, bins, dtype=confidence.dtype, device=confidence.device) / bins
    bin_of_row = torch.bucketize(confidence, inner_edges)
    gaps = double(prediction == targets) - double(confidence)
    return (
        gaps.new_zeros(bins).index_add(0, bin_of_row.to(gaps.device), gaps).abs().sum() / len(gaps)
    ).item()


def _share(hits: Tensor) -> float:
    return double(hits).mean().item()
