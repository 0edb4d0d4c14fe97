"""What a vector says about its language only, and how to take it out."""

import torch
from torch import Tensor

from kd_solutions.losses.numerics import same_shape, widen


def remove_language(vectors: Tensor, languages: Tensor, components: int = 1) -> Tensor:
    """Vectors without the directions that their language's vectors share most.

    These directions are each language's own first right singular vectors. Nothing is centred: the first of
    them is close to the language's mean, which is what has to go. Of equal singular values any may go first.

    Args: vectors (N, D); languages (N,), an integer a row, in any order; components ≥ 0, those beyond a
    language's rank change nothing more. ValueError where the lengths differ.
    Returns: (N, D) in the dtype of `vectors`, every row where it was.
    Source: Yang et al. 2021, "A Simple and Effective Method To Eliminate the Self Language Bias in
    Multilingual Representations", section 2; there the directions come from other sentences of the language.
    """
    same_shape(vectors, languages, "first")
    vectors_wide = widen(vectors)
    cleaned = torch.empty_like(vectors_wide)
    for language in languages.unique():
        rows = languages == language
        own = vectors_wide[rows]
        directions = torch.linalg.svd(own, full_matrices=False).Vh[:components]
        cleaned[rows] = own - own @ directions.T @ directions
    return cleaned.to(vectors.dtype)
