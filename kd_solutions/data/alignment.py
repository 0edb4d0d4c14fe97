"""Which word is the translation of which, learned from pairs of sentences alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence


def ibm1_step(
    pairs: Iterable[tuple[Sequence[str], Sequence[str]]], table: Mapping[tuple[str, str], float]
) -> dict[tuple[str, str], float]:
    """One round of expectation maximisation of IBM model 1: a better t(target word | source word).

    Each target word is shared out among the source words of its pair in proportion to the present t. The
    shares, summed over all pairs, are the counts from which t is estimated anew. A word that occurs twice
    counts twice; a target word of which every t in its pair is 0 contributes nothing. No NULL word is added.

    Args: pairs of (source words, target words); table, (source word, target word) → t, 0 where it is missing.
    Returns: a dict like `table` with the entries of positive count; for each source word they sum to 1.
    Source: Brown et al. 1993, "The Mathematics of Statistical Machine Translation", section 4.1.
    """
    counts: defaultdict[tuple[str, str], float] = defaultdict(float)
    for source, target in pairs:
        for word in target:
            chances = [table.get((origin, word), 0.0) for origin in source]
            explained = sum(chances)
            for origin, chance in zip(source, chances, strict=True):
                if chance:
                    counts[origin, word] += chance / explained
    totals: defaultdict[str, float] = defaultdict(float)
    for (origin, _), count in counts.items():
        totals[origin] += count
    return {(origin, word): count / totals[origin] for (origin, word), count in counts.items()}
