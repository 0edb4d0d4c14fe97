"""Counting what is wrong among the answers that a threshold accepts."""

import math

import torch


def share(confidence, correct, threshold):
    """Share of wrong answers among those accepted."""
    hits = correct[confidence >= threshold]
    return (~hits).sum().item() / max(len(hits), 1)


def levels_of(confidence, correct):
    """(confidences, each once and the highest first; the answers at each; the wrong ones at each)."""
    confidence = torch.as_tensor(confidence, dtype=torch.float64)
    wrong = 1 - torch.as_tensor(correct, dtype=torch.float64)
    levels, level = confidence.unique(return_inverse=True)
    answers, mistakes = level.bincount(torch.ones_like(wrong)), level.bincount(wrong)
    return levels.flip(0), answers.flip(0), mistakes.flip(0)


def lowest(levels, accepted):
    return min(levels[accepted].tolist(), default=math.inf)
