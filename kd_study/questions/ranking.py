"""Ranking the questions by what somebody asks in their own words, in whatever language.

Two readers, each of which is at a loss where the other isn't. `Pieces` counts pieces of words that occur in
both, which finds names, formulas and what languages have in common (BM25, Robertson & Zaragoza 2009).
`Meanings` compares the vectors of a distilled student, which reads other scripts too. Their orders are fused
by reciprocal ranks (Cormack, Clarke & Büttcher 2009), for which their scores need not be comparable.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import log
from typing import TYPE_CHECKING

from kd_study.questions.form import Question

if TYPE_CHECKING:
    from torch import Tensor

Encode = Callable[[Sequence[str]], "Tensor"]  # N texts → (N, D) vectors of length 1
Score = Callable[[str], list[float]]  # what is asked → a number a question; 0 where nothing is in common
SATURATION, LENGTH = 1.2, 0.75  # BM25's usual constants
SHORTEST, LONGEST = 3, 5  # signs of a piece
FIRST_RANKS = 10  # the smaller, the more the first places count
_RUN = re.compile("[\u4e00-\u9fff]+|[^\\W_\u4e00-\u9fff]+")


def texts_of(question: Question) -> list[str]:
    """What a question is found by: its id in words, and what it asks in both languages."""
    return [question.id.replace("-", " "), *question.title]


def rank(questions: Iterable[Question], text: str, *scores: Score) -> list[Question]:
    """The questions that any of the scores finds something in, the best first."""
    questions = list(questions)
    fused = [0.0] * len(questions)
    for score in scores:
        found = score(text)
        order = sorted((place for place, value in enumerate(found) if value > 0), key=lambda at: -found[at])
        for position, place in enumerate(order, 1):
            fused[place] += 1 / (FIRST_RANKS + position)
    best = sorted(range(len(questions)), key=lambda place: -fused[place])
    return [questions[place] for place in best if fused[place]]


class Pieces:
    """BM25 on pieces of words; accents and case don't count."""

    def __init__(self, questions: Iterable[Question]):
        self._counts = [Counter(pieces(" ".join(texts_of(each)))) for each in questions]
        lengths = [counts.total() for counts in self._counts]
        mean = sum(lengths) / len(lengths)
        self._norms = [SATURATION * (1 - LENGTH + LENGTH * length / mean) for length in lengths]
        holding = Counter(piece for counts in self._counts for piece in counts)
        number = len(self._counts)
        self._rarity = {piece: log(1 + (number - n + 0.5) / (n + 0.5)) for piece, n in holding.items()}

    def __call__(self, text: str) -> list[float]:
        asked = self._rarity.keys() & set(pieces(text))
        return [
            sum(
                self._rarity[piece] * counts[piece] * (SATURATION + 1) / (counts[piece] + norm)
                for piece in sorted(asked)
                if piece in counts
            )
            for counts, norm in zip(self._counts, self._norms, strict=True)
        ]


class Meanings:
    """Cosine between what is asked and the nearest of a question's texts, by a student's vectors."""

    def __init__(self, questions: Iterable[Question], encode: Encode):
        texts = [texts_of(each) for each in questions]
        self._sizes = [len(some) for some in texts]
        self._vectors = encode([text for some in texts for text in some])
        self._encode = encode

    def __call__(self, text: str) -> list[float]:
        """Of a text without a word every score is 0."""
        if not _RUN.search(text):
            return [0.0] * len(self._sizes)
        cosines = self._vectors @ self._encode([text])[0]
        return [1 + float(part.max()) for part in cosines.split(self._sizes)]


def pieces(text: str) -> list[str]:
    """The 3- to 5-grams of each word with its boundaries; of Chinese the signs and pairs of signs."""
    plain = "".join(
        sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign)
    )
    found: list[str] = []
    for run in _RUN.findall(plain):
        if "\u4e00" <= run[0] <= "\u9fff":
            found += [*run, *(run[place : place + 2] for place in range(len(run) - 1))]
        else:
            word = f"^{run}$"
            found += [
                word[place : place + size]
                for size in range(SHORTEST, LONGEST + 1)
                for place in range(len(word) - size + 1)
            ]
    return found
