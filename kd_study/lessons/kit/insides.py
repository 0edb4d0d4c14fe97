"""What a model holds between its layers while it reads; MiniLM's states, values and attention on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from kd_solutions.models.pooling import mean_pool
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.support.modes import answering

LONGEST = 10  # pieces of a text, its two marks included; longer ones are left out
LAYERS = (3, 6)  # of the teacher's six, whose states are kept
HEADS = 12  # of the teacher


@dataclass(frozen=True)
class Reading:
    """What a model holds while it reads N texts of L pieces.

    kept (N, L): where a piece is. hidden: number of a layer → (N, L, D), its states. values (N, L, D) and
    attention (N, heads, L, L): the last layer's, 0 where no piece is. logits (N, classes).
    """

    kept: Tensor
    hidden: Mapping[int, Tensor]
    values: Tensor
    attention: Tensor
    logits: Tensor

    @property
    def vectors(self) -> Tensor:
        """(N, D): the mean of the last layer's states."""
        return mean_pool(self.hidden[max(self.hidden)], self.kept)

    def rows(self, rows: Tensor) -> "Reading":
        """The same of some of the texts."""
        hidden = {layer: states[rows] for layer, states in self.hidden.items()}
        return Reading(self.kept[rows], hidden, self.values[rows], self.attention[rows], self.logits[rows])


class Insides:
    """MiniLM's states, values and attention of a text in one row: an encoder for `CachedSignal`."""

    def __init__(self, teacher: PretrainedTeacher | None = None):
        self.teacher = teacher or PretrainedTeacher()
        self.width, self.heads = self.teacher.size, HEADS
        self.size = LONGEST * ((len(LAYERS) + 1) * self.width + self.heads * LONGEST)

    def fingerprint(self) -> str:
        return f"insides {LAYERS} {LONGEST} of {self.teacher.fingerprint()}"

    @torch.no_grad()
    def encode(self, texts: Sequence[str], batch_size: int = 64) -> Tensor:
        """(N, size) rows, as `unpack` takes them apart."""
        return torch.cat(
            [
                self._rows(list(texts[start : start + batch_size]))
                for start in range(0, len(texts), batch_size)
            ]
        )

    def _rows(self, texts: list[str]) -> Tensor:
        model = self.teacher.model
        tokens = model.tokenizer(
            texts, padding="max_length", max_length=LONGEST, truncation=True, return_tensors="pt"
        ).to(model.device)
        with answering(model):
            states = model.encoder(**tokens, output_hidden_states=True).hidden_states
        last = model.encoder.encoder.layer[-1].attention.self
        query, key = (
            part(states[-2]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (last.query, last.key)
        )
        attention = attend(query, key, tokens["attention_mask"].bool())
        parts = [*(states[layer] for layer in LAYERS), last.value(states[-2]), attention]
        return torch.cat([part.flatten(1) for part in parts], dim=1).float().cpu()

    def unpack(self, rows: Tensor, kept: Tensor, logits: Tensor) -> Reading:
        """The reading that rows of `encode` hold."""
        *states, values, attention = rows.split(
            [LONGEST * self.width] * (len(LAYERS) + 1) + [self.heads * LONGEST**2], dim=1
        )
        hidden = {layer: part.unflatten(1, (LONGEST, -1)) for layer, part in zip(LAYERS, states, strict=True)}
        values = values.unflatten(1, (LONGEST, -1))
        attention = attention.unflatten(1, (self.heads, LONGEST, LONGEST))
        return Reading(kept, hidden, values, attention, logits)


def attend(query: Tensor, key: Tensor, kept: Tensor) -> Tensor:
    """(N, heads, L, L) of (N, heads, L, d): whom each piece looks at; 0 where either is no piece."""
    scores = query @ key.mT / query.shape[-1] ** 0.5
    chances = scores.masked_fill(~kept[:, None, None], -torch.inf).softmax(-1)
    return chances * kept[:, None, :, None]


class Pieces:
    """MiniLM's pieces as numbers from 2 on, in the order met in some texts; 1 for those not among them."""

    def __init__(self, folder: Path, texts: Sequence[str]):
        from tokenizers import Tokenizer

        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        met = dict.fromkeys(piece for text in texts for piece in self._cut(text))
        self._numbers = {piece: number for number, piece in enumerate(met, 2)}

    def __len__(self) -> int:
        return len(self._numbers) + 2

    def _cut(self, text: str) -> list[int]:
        return self._tokenizer.encode(text).ids

    def fits(self, text: str) -> bool:
        return len(self._cut(text)) <= LONGEST

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """(N, LONGEST) numbers, 0 behind the end of a text."""
        rows = [[self._numbers.get(piece, 1) for piece in self._cut(text)][:LONGEST] for text in texts]
        return torch.tensor([row + [0] * (LONGEST - len(row)) for row in rows])


def main_directions(states: Tensor, count: int) -> Tensor:
    """(D, count) orthonormal: the directions in which (N, D) states vary most."""
    return torch.linalg.svd(states - states.mean(0), full_matrices=False).Vh[:count].T


def random_directions(width: int, count: int, seed: int = 0) -> Tensor:
    """(width, count) orthonormal, drawn blindly."""
    generator = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(width, count, generator=generator)).Q


def left_out(states: Tensor, directions: Tensor) -> float:
    """The share of the variance of (N, D) states that lies outside the span of (D, count) directions."""
    centred = states - states.mean(0)
    return 1 - ((centred @ directions).square().sum() / centred.square().sum()).item()
