"""A label for every word: a teacher that reads words in their sentences, and small students."""

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.models.pooling import mean_pool
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.models.subwords import Subwords
from kd_solutions.support.modes import answering

_BETWEEN = "\t"  # a sentence's words, then the place of one of them
ROWS, WIDTH, HIDDEN = 4096, 24, 48  # of a student: its table's rows and their width, its layer


class WordTeacher:
    """MiniLM's vectors of words in their sentences, before they are pooled: an encoder for `CachedSignal`.

    layer: 0 knows nothing of the neighbours yet, 6 is the last; of the slots in English commands a head reads
    more from the middle.
    """

    def __init__(self, layer: int = 3, teacher: PretrainedTeacher | None = None):
        self.layer, self.teacher = layer, teacher or PretrainedTeacher()
        self.size = self.teacher.size

    def fingerprint(self) -> str:
        return f"words in layer {self.layer} of {self.teacher.fingerprint()}"

    @staticmethod
    def asked(sentences: Sequence[Sequence[str]]) -> list[str]:
        """A text for each word of these sentences, one sentence after the other; every number reads 10."""
        plain = [re.sub(r"\d+", "10", " ".join(words)) for words in sentences]
        return [
            f"{sentence}{_BETWEEN}{place}"
            for sentence, words in zip(plain, sentences, strict=True)
            for place in range(len(words))
        ]

    @torch.no_grad()
    def encode(self, texts: Sequence[str], batch_size: int = 64) -> Tensor:
        """(N, D): the mean over the pieces of the word that a text asks for, of length 1."""
        wanted: dict[str, list[tuple[int, int]]] = {}
        for row, text in enumerate(texts):
            sentence, place = text.split(_BETWEEN)
            wanted.setdefault(sentence, []).append((row, int(place)))
        vectors, sentences = torch.empty(len(texts), self.size), list(wanted)
        for start in range(0, len(sentences), batch_size):
            batch = sentences[start : start + batch_size]
            hidden, word_of_piece = self._hidden([sentence.split(" ") for sentence in batch])
            for states, pieces, sentence in zip(hidden, word_of_piece, batch, strict=True):
                for row, place in wanted[sentence]:
                    vectors[row] = mean_pool(states[None], (pieces == place)[None])[0]
        return F.normalize(vectors)

    def _hidden(self, sentences: list[list[str]]) -> tuple[Tensor, Tensor]:
        """(N, L, D) states of the pieces, and (N, L) which word each belongs to, −1 for none."""
        model = self.teacher.model
        tokens = model.tokenizer(sentences, is_split_into_words=True, padding=True, return_tensors="pt")
        places = [[-1 if at is None else at for at in tokens.word_ids(row)] for row in range(len(sentences))]
        with answering(model):
            answer = model.encoder(**tokens.to(model.device), output_hidden_states=True)
        return answer.hidden_states[self.layer].cpu(), torch.tensor(places)


class Vocabulary:
    """A number from 1 on for each word of some sentences, and the rows of a table that its pieces have."""

    def __init__(self, sentences: Sequence[Sequence[str]], rows: int = ROWS):
        distinct = dict.fromkeys(word for words in sentences for word in words)
        self.rows, self._numbers = rows, {word: number for number, word in enumerate(distinct, 1)}
        features = Subwords(rows)([" ", *distinct])
        self._ids, self._starts = features.ids, features.offsets
        self._lengths = features.offsets.diff(append=torch.tensor([len(features.ids)]))

    def __len__(self) -> int:
        return len(self._lengths)

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Tensor:
        """(N, L) numbers of the words, 0 behind the end of a sentence."""
        longest = max(map(len, sentences))
        numbers = [[self._numbers[word] for word in words] for words in sentences]
        return torch.tensor([row + [0] * (longest - len(row)) for row in numbers])

    def pieces(self, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The pieces' rows of all these words, where each word's begin, and how many each has."""
        lengths = self._lengths[words]
        starts = lengths.cumsum(0) - lengths
        within = torch.arange(int(lengths.sum())) - starts.repeat_interleave(lengths)
        return self._ids[self._starts[words].repeat_interleave(lengths) + within], starts, lengths


class _Students(nn.Module):
    """S students side by side, each with its own table of hashed pieces of words, and two layers."""

    def __init__(
        self, vocabulary: Vocabulary, count: int, inputs: int, classes: int, seed: int, hidden: int = HIDDEN
    ):
        super().__init__()
        self.vocabulary, self.count = vocabulary, count
        generator = torch.Generator().manual_seed(seed)

        def weights(*shape: int, scale: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * scale)

        self.table = weights(count * vocabulary.rows, WIDTH, scale=1.0)
        self.first = weights(count, inputs * WIDTH, hidden, scale=(inputs * WIDTH) ** -0.5)
        self.second = weights(count, hidden, classes, scale=hidden**-0.5)
        self.first_bias, self.second_bias = (
            nn.Parameter(torch.zeros(count, 1, size)) for size in (hidden, classes)
        )

    def of_words(self, numbers: Tensor) -> tuple[Tensor, Tensor]:
        """(S, N, L, width) of the words, 0 where there is none; (S, N, width), their mean."""
        own = len(self.vocabulary) * torch.arange(self.count)[:, None, None]
        distinct, place = (numbers + own).unique(return_inverse=True)
        student, word = distinct // len(self.vocabulary), distinct % len(self.vocabulary)
        pieces, starts, lengths = self.vocabulary.pieces(word)
        pieces = pieces + (student * self.vocabulary.rows).repeat_interleave(lengths)
        there = (numbers > 0)[..., None]
        words = F.embedding_bag(pieces, self.table, starts, mode="mean")[place] * there
        return words, words.sum(2) / there.sum(2).clamp(min=1)

    def layers(self, inputs: Tensor) -> Tensor:
        """(S, rows, inputs) → (S, rows, classes)."""
        hidden = torch.baddbmm(self.first_bias, inputs, self.first).relu()
        return torch.baddbmm(self.second_bias, hidden, self.second)


class Readers(_Students):
    """Logits for every sentence, from the mean of its words: their order is lost."""

    def __init__(self, vocabulary: Vocabulary, count: int, classes: int, seed: int = 0, hidden: int = HIDDEN):
        super().__init__(vocabulary, count, 1, classes, seed, hidden)

    def forward(self, numbers: Tensor) -> Tensor:
        """(S, N, L) numbers of words → (S, N, classes)."""
        return self.layers(self.of_words(numbers)[1])


class Imitators(Readers):
    """A vector of length 1 for every sentence."""

    def forward(self, numbers: Tensor) -> Tensor:
        """(S, N, L) numbers of words → (S, N, D)."""
        return F.normalize(super().forward(numbers), dim=-1)

    @torch.no_grad()
    def through_windows(self, numbers: Tensor) -> Tensor:
        """(W, 2 D) for the W words of (N, L) sentences: the first student's vector of the word alone, as if
        it were a sentence, and of the word with its two neighbours."""
        alone = numbers[numbers > 0][:, None]
        near = F.pad(numbers, (1, 1)).unfold(1, 3, 1)[numbers > 0]
        return torch.cat([self(words.expand(self.count, -1, -1))[0] for words in (alone, near)], dim=1)


class Taggers(_Students):
    """Logits for every word, from the word, two on either side of it, and the mean of its sentence."""

    REACH = 2

    def __init__(self, vocabulary: Vocabulary, count: int, classes: int, seed: int = 0):
        super().__init__(vocabulary, count, 2 * self.REACH + 2, classes, seed)

    def forward(self, numbers: Tensor) -> Tensor:
        """(S, N, L) numbers of words → (S, N, L, classes)."""
        words, mean = self.of_words(numbers)
        wide, length = F.pad(words, (0, 0, self.REACH, self.REACH)), words.shape[2]
        near = [wide[:, :, shift : shift + length] for shift in range(2 * self.REACH + 1)]
        seen = torch.cat([*near, mean[:, :, None].expand_as(words)], dim=-1)
        return self.layers(seen.flatten(1, 2)).unflatten(1, words.shape[1:3])


def train_students(
    students: _Students,
    numbers: Tensor,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    rows_of: Sequence[Tensor] | None = None,
    steps: int = 125,
    rate: float = 0.03,
    batch: int = 48,
) -> _Students:
    """Trains each student on random batches of its own.

    numbers: (N, L) words of the sentences. rows_of: for each student the rows that it may see; None: all.
    loss_function: (a batch's logits of all students, (S, batch) rows) → the students' mean loss. Times S, it
    gives each the gradient that it would have alone.
    """
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(students.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
    for _ in range(steps):
        drawn = torch.rand(students.count, batch, generator=generator)
        if rows_of is None:
            rows = (drawn * len(numbers)).long()
        else:
            rows = torch.stack(
                [own[(part * len(own)).long()] for own, part in zip(rows_of, drawn, strict=True)]
            )
        loss = loss_function(students(numbers[rows]), rows) * students.count
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return students.eval()


def fitted_logits(
    vectors: Tensor, labels: Tensor, known: Sequence[Tensor], classes: int, asked: Tensor | None = None
) -> Tensor:
    """(S, N, classes) what S linear heads say of all vectors, each fitted on the known rows of its own.

    asked: other vectors to say it of.
    """
    found = []
    for rows in known:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            head = nn.Linear(vectors.shape[1], classes)
        optimizer = torch.optim.Adam(head.parameters(), lr=0.1, weight_decay=1e-4, fused=True)
        for _ in range(100):
            loss = F.cross_entropy(head(vectors[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found.append(head(vectors if asked is None else asked).detach())
    return torch.stack(found)


@torch.no_grad()
def answers(students: _Students, numbers: Tensor) -> Tensor:
    """What every student says of all (N, L) sentences."""
    return students(numbers.expand(students.count, -1, -1))


def cut(labels: Tensor, sentences: Sequence[Sequence[str]]) -> list[list[int]]:
    """The labels of all words, (W,) one sentence after the other or (N, L) padded, sentence by sentence."""
    lengths = [len(words) for words in sentences]
    if labels.dim() == 2:
        return [row[:length] for row, length in zip(labels.tolist(), lengths, strict=True)]
    return [part.tolist() for part in labels.split(lengths)]
