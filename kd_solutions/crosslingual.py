"""Distillation across languages: pooling, alignment, retrieval, sampling and the choice of teachers.

Losses return a scalar in the student's dtype with a graph to the student alone. Nothing to count gives 0.
"""

from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kd_solutions.losses import distillation_kl, soft_targets
from kd_solutions.numerics import mean_or_zero, unit, widen


def mean_pool(hidden: Tensor, mask: Tensor) -> Tensor:
    """One vector for a sentence: the mean of its tokens' vectors, padding left out.

    Padding is selected away before the sum: NaN times 0 would still be NaN. A row of padding gives zeros.

    Args: hidden (N, L, D); mask (N, L), true or 1 where a token counts.
    Returns: (N, D) in the dtype of `hidden`.
    Source: Reimers & Gurevych 2019, "Sentence-BERT", section 3.
    """
    keep = mask.bool()
    total = torch.where(keep[..., None], widen(hidden), 0).sum(1)
    return (total / keep.sum(1, keepdim=True).clamp(min=1)).to(hidden.dtype)


def multilingual_mse(student_source: Tensor, student_target: Tensor, teacher_source: Tensor) -> Tensor:
    """Mean of two MSEs: the student's vectors of a sentence and of its translation, to the teacher's vector.

    The teacher reads only the source language; its vector is the meaning that both texts have to reach.

    Args: three (N, D). Returns: a scalar, a mean over rows and dimensions.
    Source: Reimers & Gurevych 2020, "Making Monolingual Sentence Embeddings Multilingual using Knowledge
    Distillation".
    """
    student = widen(torch.stack([student_source, student_target]))
    return mean_or_zero((student - teacher_source.detach()).square()).to(student_source.dtype)


def retrieval_accuracy(source: Tensor, target: Tensor) -> tuple[float, float]:
    """Share of rows whose own translation is the one most similar by cosine: (source → target, back).

    A tie is a miss: a student that maps everything onto one vector must not look perfect. Computed in
    float64, where two equal vectors differ by less than 1e-12.

    Args: two (N, D), row i translates row i. Memory: N² doubles.
    Source: Artetxe & Schwenk 2019, "Massively Multilingual Sentence Embeddings" (the Tatoeba test).
    """
    cosines = unit(source.detach().double()) @ unit(target.detach().double()).T
    own = cosines.diagonal()
    others = cosines.clone().fill_diagonal_(-torch.inf)
    forward, backward = ((own - others.amax(dim) > 1e-12).double().mean().item() for dim in (1, 0))
    return forward, backward


def csls(source: Tensor, target: Tensor, k: int = 10) -> Tensor:
    """Cross-domain similarity local scaling: 2 cos(x, y) − r(x) − r(y), r the mean cosine to k neighbours.

    A hub is close to everything, so its r is high and its scores fall: it no longer wins every search.

    Args: source (N, D); target (M, D); k neighbours on the other side, cut to the M and N there are.
    Returns: (N, M) in the dtype of `source`.
    Source: Conneau et al. 2018, "Word Translation Without Parallel Data", section 2.3.
    """
    cosines = unit(widen(source)) @ unit(widen(target)).T
    rows, columns = cosines.shape
    r_source = cosines.topk(min(k, columns), dim=1).values.mean(1, keepdim=True)
    r_target = cosines.topk(min(k, rows), dim=0).values.mean(0, keepdim=True)
    return (2 * cosines - r_source - r_target).to(source.dtype)


def procrustes(source: Tensor, target: Tensor) -> Tensor:
    """The orthogonal W (rotation or reflection) that minimises ‖source W − target‖.

    With sourceᵀ target = U S Vᵀ it is U Vᵀ: the directions are matched, the stretching S is dropped.

    Args: two (N, D), row i translates row i. Returns: (D, D) in the dtype of `source`.
    Source: Schönemann 1966; Smith et al. 2017, "Offline bilingual word vectors, orthogonal transformations
    and the inverted softmax".
    """
    u, _, vh = torch.linalg.svd(widen(source).T @ widen(target))
    return (u @ vh).to(source.dtype)


def language_weights(counts: Mapping[str, int], alpha: float = 0.3) -> dict[str, float]:
    """Probability of drawing each language, proportional to n^alpha: between as it is and all alike.

    alpha = 1 keeps the data's shares, alpha = 0 draws every language that has data equally often. A language
    without data gets 0 for any alpha.

    Args: counts of sentences by language. Returns: a dict with the same keys.
    Source: Conneau & Lample 2019, "Cross-lingual Language Model Pretraining", section 3.1; alpha = 0.3 is
    XLM-R's (Conneau et al. 2020).
    """
    weights = {language: n**alpha if n else 0.0 for language, n in counts.items()}
    total = sum(weights.values()) or 1.0
    return {language: weight / total for language, weight in weights.items()}


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
    confident = widen(teacher_source_logits).softmax(-1).amax(-1) >= min_confidence
    return distillation_kl(student_target_logits[confident], teacher_source_logits[confident], temperature)


def weight_teachers(teacher_logits: Tensor, similarities: Tensor, temperature: float = 1.0) -> Tensor:
    """Teachers of several source languages as one: their probabilities, weighted by softmax(similarities).

    Args: teacher_logits (K, N, C) of K teachers; similarities (K,) of their languages to the target language;
    temperature > 0 of the teachers' probabilities. Returns: (N, C) probabilities, no graph to the teachers.
    Source: Wu et al. 2020, "Single-/Multi-Source Cross-Lingual NER via Teacher-Student Learning on Unlabeled
    Data in Target Language".
    """
    probabilities = soft_targets(widen(teacher_logits.detach()), temperature)
    weights = similarities.to(probabilities.dtype).softmax(0)
    return torch.einsum("k,knc->nc", weights, probabilities).to(teacher_logits.dtype)


def selective_kd(
    student_logits: Tensor, teacher_logits: Tensor, targets: Tensor, temperature: float = 1.0
) -> Tensor:
    """`distillation_kl` over the rows where the teacher still knows better: strictly lower cross-entropy.

    Both cross-entropies are taken at T = 1. With one teacher a language, a student that overtakes one of them
    stops learning from it. No row left gives 0 with a graph.

    Args: two (N, C); targets (N,) of class indices; temperature > 0. Returns: a scalar.
    Source: Tan et al. 2019, "Multilingual Neural Machine Translation with Knowledge Distillation", which
    selects by corpus and training step; here by row.
    """
    student_ce, teacher_ce = (
        F.cross_entropy(widen(logits.detach()), targets, reduction="none")
        for logits in (student_logits, teacher_logits)
    )
    better = teacher_ce < student_ce
    return distillation_kl(student_logits[better], teacher_logits[better], temperature)


def trim_vocabulary(embedding: nn.Embedding, token_ids: Iterable[int]) -> tuple[nn.Embedding, dict[int, int]]:
    """Keep the rows of the tokens that the target languages use: most of a multilingual model is its table.

    Args: embedding (V, D); token_ids any iterable of ids below V, duplicates count once.
    Returns: an embedding of the kept rows, a copy, in the order of the old ids; and a dict old id → new id.
    The padding row is always kept and still is the padding row. IndexError for an id outside the table.
    Source: Abdaoui et al. 2020, "Load What You Need: Smaller Versions of Multilingual BERT".
    """
    padding = embedding.padding_idx
    kept = sorted({int(token) for token in token_ids} | ({padding} - {None}))
    new_id = {old: new for new, old in enumerate(kept)}
    rows = torch.tensor(kept, dtype=torch.long, device=embedding.weight.device)
    smaller = nn.Embedding.from_pretrained(
        embedding.weight.detach().index_select(0, rows),
        freeze=not embedding.weight.requires_grad,
        padding_idx=new_id.get(padding),
        max_norm=embedding.max_norm,
        norm_type=embedding.norm_type,
        scale_grad_by_freq=embedding.scale_grad_by_freq,
        sparse=embedding.sparse,
    )
    return smaller, new_id
