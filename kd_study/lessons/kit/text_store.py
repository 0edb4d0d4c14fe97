"""Texts as bags of hashed subwords, each text cut and hashed once however often it is read."""

from collections.abc import Sequence

import numpy as np

from kd_solutions.models.subwords import Subwords


class TextStore:
    """Texts by number; `rows` as in `Subwords`."""

    def __init__(self, rows: int):
        self.rows = rows
        self._subwords, self._number = Subwords(rows), {}
        self._flat, self._starts, self._lengths = (np.zeros(0, dtype=np.int64) for _ in range(3))

    def numbers(self, texts: Sequence[str]) -> np.ndarray:
        """(N,) the number of each text; new ones are added."""
        if new := list(dict.fromkeys(text for text in texts if text not in self._number)):
            features = self._subwords(new)
            ids, starts = features.ids.numpy(), features.offsets.numpy()
            known = len(self._number)
            self._number.update(zip(new, range(known, known + len(new)), strict=True))
            self._lengths = np.concatenate([self._lengths, np.diff(starts, append=len(ids))])
            self._starts = np.concatenate([self._starts, starts + len(self._flat)])
            self._flat = np.concatenate([self._flat, ids])
        return np.array([self._number[text] for text in texts], dtype=np.int64)

    def take(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(ids of all pieces; where each text's start; how many each has) of the texts with these numbers."""
        lengths = self._lengths[numbers]
        starts = np.cumsum(lengths) - lengths
        ids = self._flat[np.repeat(self._starts[numbers] - starts, lengths) + np.arange(lengths.sum())]
        return ids, starts, lengths

    def counts(self, texts: Sequence[str]):
        """(N, rows) scipy matrix: how often each piece occurs in each text."""
        from scipy import sparse

        ids, starts, _ = self.take(self.numbers(texts))
        ends = np.append(starts, len(ids))
        found = sparse.csr_matrix((np.ones(len(ids), np.float32), ids, ends), shape=(len(texts), self.rows))
        found.sum_duplicates()
        return found
