"""Students of several kinds, many of each side by side: bags of pieces, convolutions, transformers."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.models.subwords import Subwords, tokenize
from kd_study.lessons.kit.experiments import ManyStudents

LONGEST = 10  # words of a command; what follows is cut, of one command in forty


def number_words(texts: Sequence[str], rows: int) -> tuple[Tensor, Tensor]:
    """(N, `LONGEST`) numbers of each text's words, 0 behind its end; (K, rows) their bags of pieces.

    Words beyond the longest are cut.
    """
    words = [tokenize(text)[:LONGEST] for text in texts]
    number = {word: place for place, word in enumerate(dict.fromkeys(chain(*words)), start=1)}
    pieces = torch.zeros(len(number) + 1, rows)
    for place, ids in enumerate(Subwords(rows).of_words(list(number)), start=1):
        pieces[place].index_put_((torch.from_numpy(ids),), torch.ones(len(ids)), accumulate=True)
    filled = [[number[word] for word in text] + [0] * (LONGEST - len(text)) for text in words]
    return torch.tensor(filled), F.normalize(pieces)


class Dense(nn.Module):
    """S linear layers side by side: (S, …, inputs) → (S, …, outputs)."""

    def __init__(self, count: int, inputs: int, outputs: int, generator: torch.Generator):
        super().__init__()
        drawn = torch.randn(count, inputs, outputs, generator=generator)
        self.weight = nn.Parameter(drawn * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(count, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x.flatten(1, -2), self.weight).unflatten(1, x.shape[1:-1])


class WordReader(nn.Module):
    """S networks that read words in order, (N, L) or (S, N, L) numbers of words → (S, N, classes) logits.

    pieces: (K, rows), each word as the bag of its pieces, so that a word never met is still spelled; word 0,
    whose row is zero, is none and fills up a text. What becomes of a text's words is `combine`'s to say.
    """

    def __init__(self, pieces: Tensor, count: int, width: int, classes: int, seed: int):
        super().__init__()
        self.generator = torch.Generator().manual_seed(seed)
        self.register_buffer("pieces", pieces)
        self.table = self.dense(count, pieces.shape[1], width)
        self.out = self.dense(count, width, classes)

    def dense(self, count: int, inputs: int, outputs: int) -> Dense:
        return Dense(count, inputs, outputs, self.generator)

    def forward(self, words: Tensor) -> Tensor:
        count = len(self.table.weight)
        used, numbers = words.unique(return_inverse=True)
        known = self.table(self.pieces[used].expand(count, -1, -1))
        own = torch.arange(count)[:, None, None] * len(used)
        x = F.embedding(numbers + own, known.flatten(0, 1))
        return self.out(self.combine(x, (words != 0).expand(count, -1, -1)[..., None]))

    def combine(self, x: Tensor, is_word: Tensor) -> Tensor:
        """(S, N, L, width) words, and where there are any → (S, N, width)."""
        raise NotImplementedError


class Convolution(WordReader):
    """Words in windows of three, and of each channel its largest value."""

    def __init__(self, pieces: Tensor, count: int, width: int, classes: int, seed: int):
        super().__init__(pieces, count, width, classes, seed)
        self.window = self.dense(count, 3 * width, width)

    def combine(self, x: Tensor, is_word: Tensor) -> Tensor:
        x = F.pad(x * is_word, (0, 0, 1, 1))
        x = self.window(torch.cat([x[:, :, :-2], x[:, :, 1:-1], x[:, :, 2:]], dim=-1)).relu()
        return (x * is_word).amax(2)


class Transformer(WordReader):
    """One layer of the teacher's kind, attention and two linear layers with ways past them; then the mean."""

    heads = 1

    def __init__(self, pieces: Tensor, count: int, width: int, classes: int, seed: int):
        super().__init__(pieces, count, width, classes, seed)
        self.ask, self.mix = self.dense(count, width, 3 * width), self.dense(count, width, width)
        self.wide, self.narrow = self.dense(count, width, 2 * width), self.dense(count, 2 * width, width)
        self.places = nn.Parameter(0.1 * torch.randn(count, 1, LONGEST, width, generator=self.generator))

    def combine(self, x: Tensor, is_word: Tensor) -> Tensor:
        x = x + self.places[:, :, : x.shape[2]]
        x = x + self.mix(self._attend(self.ask(_normal(x)), is_word))
        x = x + self.narrow(self.wide(_normal(x)).relu())
        return (_normal(x) * is_word).sum(2) / is_word.sum(2).clamp(min=1)

    def _attend(self, asked: Tensor, is_word: Tensor) -> Tensor:
        texts, length = asked.shape[:2], asked.shape[2]
        parts = asked.view(-1, length, 3, self.heads, asked.shape[-1] // (3 * self.heads)).permute(
            2, 0, 3, 1, 4
        )
        mask = is_word.reshape(-1, 1, 1, length)
        found = F.scaled_dot_product_attention(*parts, attn_mask=mask)
        return found.transpose(1, 2).reshape(*texts, length, -1)


def _normal(x: Tensor) -> Tensor:
    return F.layer_norm(x, x.shape[-1:])


class Family(NamedTuple):
    """build: (pieces, classes, count, seed) → networks side by side. reads: "bags" or "words"."""

    build: Callable[[Tensor, int, int, int], nn.Module]
    reads: str

    def size(self, pieces: Tensor, classes: int) -> int:
        """How many numbers one network learns."""
        return sum(weight.numel() for weight in self.build(pieces, classes, 1, 0).parameters())


def bag(hidden: int = 32) -> Family:
    """One hidden layer over a bag of pieces, the student of lesson 01."""
    return Family(
        lambda pieces, classes, count, seed: ManyStudents(count, pieces.shape[1], hidden, classes, seed),
        "bags",
    )


def convolution(width: int = 24) -> Family:
    """Convolutions over the words in order."""
    return _reader(Convolution, width)


def transformer(width: int = 20) -> Family:
    """Transformers over the words in order."""
    return _reader(Transformer, width)


def _reader(kind: type[WordReader], width: int) -> Family:
    return Family(lambda pieces, classes, count, seed: kind(pieces, count, width, classes, seed), "words")
