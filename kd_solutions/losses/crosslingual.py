"""Losses across languages, and the choice of teachers.

Each loss is a scalar in the student's dtype with a graph to the student alone. Nothing to count gives 0.
Shapes that differ are a ValueError.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from kd_solutions.losses.numerics import mean_or_zero, same_shape, widen
from kd_solutions.losses.response import distillation_kl, soft_targets


def multilingual_mse(student_source: Tensor, student_target: Tensor, teacher_source: Tensor) -> Tensor:
    """Mean of two MSEs: the student's vectors of a sentence and of its translation, to the teacher's vector.

    The teacher reads only the source language; its vector is the meaning that both texts have to reach.

    Args: three (N, D). Returns: a scalar, a mean over rows and dimensions.
    Source: Reimers & Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge
    Distillation".
    """
    same_shape(student_source, student_target)
    same_shape(student_source, teacher_source)
    student = widen(torch.stack([student_source, student_target]))
    return mean_or_zero((student - teacher_source.detach()).square()).to(student_source.dtype)


def transfer_soft_labels(
    teacher_source_logits: Tensor,
    student_target_logits: Tensor,
    temperature: float = 1.0,
    min_confidence: float = 0.0,
) -> Tensor:
    """Parallel sentences carry labels over: `distillation_kl` from the teacher's reading of the source text
    to the student's of its translation.

    Only rows count whose teacher's top probability, at T = 1, reaches `min_confidence`. No such row gives 0
    with a graph.

    Args: two (N, C), row i of one translates row i of the other; temperature > 0. Returns: a scalar.
    Source: Xu & Yang 2017, "Cross-lingual Distillation for Text Classification".
    """
    same_shape(student_target_logits, teacher_source_logits)
    confident = widen(teacher_source_logits).softmax(-1).amax(-1) >= min_confidence
    return distillation_kl(student_target_logits[confident], teacher_source_logits[confident], temperature)


def weight_teachers(teacher_logits: Tensor, similarities: Tensor, temperature: float = 1.0) -> Tensor:
    """Teachers of several source languages as one: their probabilities, weighted by softmax(similarities).

    Args: teacher_logits (K, N, C) of K teachers; similarities (K,) of their languages to the target language;
    temperature > 0 of the teachers' probabilities. Returns: (N, C) probabilities, no graph to the teachers.
    Source: Wu et al. 2020, "Single-/Multi-Source Cross-Lingual NER via Teacher-Student Learning on Unlabeled
    Data in Target Language".
    """
    same_shape(teacher_logits, similarities, "first")
    probabilities = soft_targets(widen(teacher_logits.detach()), temperature)
    weights = similarities.to(probabilities.dtype).softmax(0)
    return torch.einsum("k,knc->nc", weights, probabilities).to(teacher_logits.dtype)


def selective_kd(
    student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float = 1.0
) -> Tensor:
    """`distillation_kl` over the rows where the teacher still knows better: strictly lower cross-entropy.

    Both cross-entropies are taken at T = 1. With one teacher a language, a student that overtakes one of them
    stops learning from it. No row left gives 0 with a graph.

    Args: two (N, C); targets (N,) of class indices, -100 for a row that is left out; temperature > 0.
    Returns: a scalar.
    Source: Tan et al. 2019, "Multilingual Neural Machine Translation with Knowledge Distillation", which
    selects by corpus and training step; here by row.
    """
    same_shape(student_logits, teacher_logits)
    student_ce, teacher_ce = (
        F.cross_entropy(widen(logits.detach()), targets, reduction="none")
        for logits in (student_logits, teacher_logits)
    )
    better = teacher_ce < student_ce
    return distillation_kl(student_logits[better], teacher_logits[better], temperature)
