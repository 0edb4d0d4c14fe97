"""Does a sentence find its translation? Alignment and retrieval between two sets of vectors."""

import torch
from torch import Tensor

from kd_solutions.losses.numerics import double, same_shape, unit, widen


def retrieval_accuracy(source: Tensor, target: Tensor) -> tuple[float, float]:
    """Share of rows whose own translation is the one most similar by cosine: (source → target, back).

    A tie is a miss: a student that maps everything onto one vector must not look perfect. Computed in
    float64, where two equal vectors differ by less than 1e-12.

    Args: two (N, D), row i translates row i. Memory: N² doubles.
    Source: Artetxe & Schwenk 2019, "Massively Multilingual Sentence Embeddings" (the Tatoeba test).
    """
    same_shape(source, target)
    cosines = unit(double(source.detach())) @ unit(double(target.detach())).T
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
    same_shape(source, target, "last")
    cosines = unit(widen(source)) @ unit(widen(target)).T
    rows, columns = cosines.shape
    r_source = cosines.topk(min(k, columns), dim=1).values.mean(1, keepdim=True)
    r_target = cosines.topk(min(k, rows), dim=0).values.mean(0, keepdim=True)
    return (2 * cosines - r_source - r_target).to(source.dtype)


def margin_scores(source: Tensor, target: Tensor, k: int = 4) -> Tensor:
    """How much each aligned pair stands out: cos(x, y) over the mean cosine of both to their k nearest.

    The k nearest of x are targets, those of y sources, and a pair's own partner may be among them. Two that
    are nearest to each other score 1 at least, and only 1 where others are as near, however high the cosine.

    Args: two (N, D), row i translates row i; k neighbours on the other side, cut to N.
    Returns: (N,) in the dtype of `source`. ValueError for two shapes that differ. Memory: N² numbers.
    Source: Artetxe & Schwenk 2019, "Margin-based Parallel Corpus Mining with Multilingual Sentence
    Embeddings" (the ratio).
    """
    same_shape(source, target)
    cosines = unit(widen(source)) @ unit(widen(target)).T
    nearest = min(k, len(cosines))
    of_source, of_target = (cosines.topk(nearest, dim).values.mean(dim) for dim in (1, 0))
    return (2 * cosines.diagonal() / (of_source + of_target)).to(source.dtype)


def procrustes(source: Tensor, target: Tensor) -> Tensor:
    """The orthogonal W (rotation or reflection) that minimises ‖source W − target‖.

    It matches directions and stretches nothing: all lengths and angles of the source stay.

    Args: two (N, D), row i translates row i. Returns: (D, D) in the dtype of `source`.
    Source: Schönemann 1966; Smith et al. 2017, "Offline bilingual word vectors, orthogonal transformations
    and the inverted softmax".
    """
    same_shape(source, target)
    u, _, vh = torch.linalg.svd(widen(source).T @ widen(target))
    return (u @ vh).to(source.dtype)
