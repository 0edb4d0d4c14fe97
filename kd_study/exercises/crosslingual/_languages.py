"""Vectors of several languages, and what a decomposition says of each."""

import torch

from kd_study.exercises.base import normal


def one_language(rows: int, width: int, seed: int) -> torch.Tensor:
    """Vectors around a mean of their own, their singular values well apart."""
    spread = torch.tensor([3.0, 1.8, 1.0, 0.5])[:width]
    mean, turn = normal(width, seed=seed), torch.linalg.qr(normal(width, width, seed=seed + 1)).Q
    return normal(rows, width, seed=seed + 2, scale=1.0) * spread @ turn + mean


def each_language(vectors, languages, clean):
    """`clean` of each language's vectors, every row in its place."""
    result = torch.empty_like(vectors)
    for language in languages.unique():
        rows = languages == language
        result[rows] = clean(vectors[rows])
    return result


def directions_of(own, components):
    return torch.linalg.svd(own, full_matrices=False).Vh[:components]


def projected(own, directions):
    return own @ directions.T @ directions
