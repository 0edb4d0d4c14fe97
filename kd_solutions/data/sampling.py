"""What is drawn how often, and in which order."""

import hashlib
from collections.abc import Iterable, Mapping


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


def stable_order(texts: Iterable[str]) -> list[str]:
    """The texts in an order that looks random and is the same on every machine (by SHA-256)."""
    return sorted(texts, key=lambda text: (hashlib.sha256(text.encode()).digest(), text))
