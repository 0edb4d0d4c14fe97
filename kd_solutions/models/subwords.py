"""From a text to the rows of a student's table: words, and hashes of the pieces of words.

No vocabulary is stored or learned: a piece's row is a hash of its characters, so every language and every
typo has one (Bojanowski et al. 2017, fastText). The hash is written out here because Python's own changes
with every process.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

# Scripts that put no space between words: Thai to Khmer, kana, Chinese characters.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_MARKS = "\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff"  # vowel signs, which are no letters to `re`
_TOKEN = re.compile(
    rf"(?=([{UNSPACED}]{{1,3}}))[{UNSPACED}]"  # at each character a window of up to three
    rf"|((?:[^\W\d_{UNSPACED}]|[{_MARKS}])+|%|\{{\}})"
    r"|\d+(?:[.,:]\d+)*"
)
_IS_UNSPACED = re.compile(f"[{UNSPACED}]")
NUMBER = "0"
CACHED_WORDS = 500_000

_BOUNDARY = 2  # a control character, in no text
_PRIME = np.uint64(0x100000001B3)


class Features(NamedTuple):
    """Texts as bags of rows: `ids` (M,) int64, one text after the other; `offsets` (N,) where each starts.

    As torch.nn.EmbeddingBag takes them. A text without any word is an empty bag.
    """

    ids: Tensor
    offsets: Tensor

    def __len__(self) -> int:
        return len(self.offsets)


def tokenize(text: str) -> list[str]:
    """Words in lower case after NFKC, every number as "0"; Han, kana and Thai give a window a character."""
    text = unicodedata.normalize("NFKC", text).lower()
    return [window or word or NUMBER for window, word in _TOKEN.findall(text)]


class Subwords:
    """Hashes texts into `rows` rows. Remembers the rows of words it has met."""

    def __init__(self, rows: int):
        self.rows = rows
        self._rows_of: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> Features:
        words = [tokenize(text) for text in texts]
        pieces = self.of_words(list(chain.from_iterable(words)))
        ends = np.cumsum([0, *map(len, pieces)])
        first_words = np.cumsum([0, *map(len, words)])[:-1]
        ids = np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)
        return Features(torch.from_numpy(ids), torch.from_numpy(ends[first_words]))

    def of_words(self, words: Sequence[str]) -> list[np.ndarray]:
        """For each word the rows of its pieces, int64."""
        if len(self._rows_of) > CACHED_WORDS:
            self._rows_of.clear()
        if new := list(dict.fromkeys(word for word in words if word not in self._rows_of)):
            for alike, spaced in _of_one_kind(new):
                self._rows_of.update(zip(alike, self._hash(alike, spaced), strict=True))
        return [self._rows_of[word] for word in words]

    def _hash(self, words: list[str], spaced: bool) -> list[np.ndarray]:
        """The word and its 3- and 4-grams with boundary marks, or the beginnings of a window.

        All words at once: a word's characters are a row of a matrix, and the hash is folded along columns.
        """
        codes, lengths = _code_points(words)
        if not spaced:
            width = codes.shape[1]
            hashes = np.stack([_fold(codes[:, :n], salt=n) for n in range(1, width + 1)], axis=1)
            valid = np.arange(1, width + 1) <= lengths[:, None]
        else:
            marked, marked_lengths = _with_boundaries(codes, lengths)
            parts = [(_fold(codes, salt=9)[:, None], np.ones((len(words), 1), dtype=bool))]
            for n in (3, 4):
                windows = np.lib.stride_tricks.sliding_window_view(marked, n, axis=1)
                starts = np.arange(windows.shape[1])
                parts.append((_fold(windows, salt=n), starts + n <= marked_lengths[:, None]))
            hashes, valid = (np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
        ids = (hashes[valid] % np.uint64(self.rows)).astype(np.int64)
        return np.split(ids, np.cumsum(valid.sum(axis=1))[:-1])


def _of_one_kind(words: Iterable[str]) -> Iterator[tuple[list[str], bool]]:
    """The words in groups, each of one kind of script (True: with spaces between words) and of like lengths.

    The longest of a group is less than twice as long as its shortest, so that padding them all to its length
    at most doubles the memory, whatever nonsense of a thousand characters is among them.
    """

    def kind(word: str) -> tuple[bool, int]:
        return not _IS_UNSPACED.match(word), len(word).bit_length()

    for (spaced, _), alike in groupby(sorted(words, key=kind), key=kind):
        yield list(alike), spaced


class WordBags:
    """Many texts, cut into words once, from which batches are drawn with some of their words left out."""

    def __init__(self, subwords: Subwords, texts: Iterable[str]):
        index: dict[str, int] = {}
        words, lengths = [], []
        for text in texts:
            of_text = [index.setdefault(word, len(index)) for word in tokenize(text)]
            words += of_text
            lengths.append(len(of_text))
        self._words = _Ragged(np.array(words, dtype=np.int64), np.array(lengths, dtype=np.int64))
        pieces = subwords.of_words(list(index)) or [np.zeros(0, dtype=np.int64)]
        self._pieces = _Ragged(np.concatenate(pieces), np.array([len(ids) for ids in pieces]))

    def batch(self, texts: np.ndarray, dropout: float, rng: np.random.Generator) -> Features:
        """Features of the texts with these numbers, (N) int64; each word is left out at `dropout`'s rate."""
        words, of_text = self._words.take(texts)
        kept = rng.random(len(words)) >= dropout
        words, of_text = words[kept], of_text[kept]
        ids, of_word = self._pieces.take(words)
        sizes = np.bincount(of_text[of_word], minlength=len(texts))
        return Features(torch.from_numpy(ids), torch.from_numpy(np.cumsum(sizes) - sizes))


class _Ragged:
    """Rows of different lengths, one after the other in `flat`."""

    def __init__(self, flat: np.ndarray, lengths: np.ndarray):
        self.flat, self.lengths = flat, lengths
        self.starts = np.cumsum(lengths) - lengths

    def take(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The elements of these rows, and for each of them the position of its row in `rows`."""
        lengths = self.lengths[rows]
        position = np.repeat(np.arange(len(rows)), lengths)
        first = np.cumsum(lengths) - lengths
        return self.flat[np.arange(lengths.sum()) + (self.starts[rows] - first)[position]], position


def _code_points(words: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """(W, longest) uint64 code points, zeros behind the end; (W,) lengths."""
    lengths = np.array([len(word) for word in words])
    codes = np.zeros((len(lengths), lengths.max()), dtype=np.uint64)
    codes[np.arange(codes.shape[1]) < lengths[:, None]] = np.frombuffer(
        "".join(words).encode("utf-32-le"), dtype=np.uint32
    )
    return codes, lengths


def _with_boundaries(codes: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same with a mark before and after each word; at least four columns, for the 4-grams."""
    marked = np.zeros((len(codes), max(codes.shape[1] + 2, 4)), dtype=np.uint64)
    marked[:, 1 : codes.shape[1] + 1] = codes
    marked[:, 0] = _BOUNDARY
    marked[np.arange(len(codes)), lengths + 1] = _BOUNDARY
    return marked, lengths + 2


def _fold(codes: np.ndarray, salt: int) -> np.ndarray:
    """A 64-bit hash along the last axis (FNV-1a over code points, then mixed); zeros count for nothing."""
    value = np.full(codes.shape[:-1], 0xCBF29CE484222325 + salt, dtype=np.uint64)
    for column in np.moveaxis(codes, -1, 0):
        value = np.where(column == 0, value, (value ^ column) * _PRIME)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
