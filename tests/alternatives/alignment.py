from collections import Counter
from itertools import product

import numpy as np
import torch

from tests.alternatives import accepted


@accepted("ibm1_step")
def with_a_matrix_and_one_hot_rows(pairs, table):
    sources = sorted({word for source, _ in pairs for word in source})
    targets = sorted({word for _, target in pairs for word in target})
    t = np.array([[table.get((s, w), 0.0) for w in targets] for s in sources]).reshape(
        len(sources), len(targets)
    )
    counts = np.zeros_like(t)
    for source, target in pairs:
        rows = [sources.index(word) for word in source]
        for column in (targets.index(word) for word in target):
            total = t[rows, column].sum()
            if total > 0:
                np.add.at(counts, (rows, column), t[rows, column] / total)
    totals = counts.sum(1)
    return {
        (s, w): counts[i, j] / totals[i]
        for (i, s), (j, w) in product(enumerate(sources), enumerate(targets))
        if counts[i, j] > 0
    }


@accepted("ibm1_step")
def in_torch_from_multiplicities(pairs, table):
    found = {}
    for source, target in pairs:
        origins, words = Counter(source), Counter(target)
        for word, times in words.items():
            weights = torch.tensor(
                [n * table.get((origin, word), 0.0) for origin, n in origins.items()], dtype=torch.float64
            )
            if weights.any():
                for origin, share in zip(origins, (times * weights / weights.sum()).tolist(), strict=True):
                    found.setdefault(origin, Counter())[word] += share
    return {
        (origin, word): share / sum(row.values())
        for origin, row in found.items()
        for word, share in row.items()
        if share > 0
    }


@accepted("ibm1_step")
def over_a_flat_list_of_links(pairs, table):
    links = []
    for source, target in pairs:
        for word in target:
            explained = sum(table[key] for key in ((s, word) for s in source) if key in table)
            links += [(s, word, table[s, word] / explained) for s in source if table.get((s, word))]
    counts, totals = Counter(), Counter()
    for s, word, share in links:
        counts[s, word] += share
        totals[s] += share
    return {key: counts[key] / totals[key[0]] for key in counts}
