"""Commands whose slots are known word by word: what a voice assistant must fill in once it has the intent.

They come from the same templates as `load_commands`, split in the same halves. A slot is what the template
leaves open: an area, a name, a number of minutes. The slots of a target language are for measuring alone.
"""

import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import torch
from torch import Tensor

from kd_solutions.data import templates
from kd_solutions.data.commands import ENGLISH, grammar, intent_names
from kd_solutions.data.parallel import data_folder
from kd_solutions.support.files import fingerprint, read_json, write_json

SLOTS = (
    "area", "floor", "name", "item", "color", "temperature", "brightness", "volume", "percentage", "position",
    "hours", "minutes", "seconds",
)  # fmt: skip
LABELS = ("–", *SLOTS)  # of a word; the first one stands for "in no slot"
CALLED = {  # slot of a template → slot here
    "start_hours": "hours",
    "start_minutes": "minutes",
    "start_seconds": "seconds",
    "volume_level": "volume",
}
LEFT_OUT = {"conversation_command", "search_query"}  # a command inside a command; any words at all
PER_TEMPLATE = 3  # sentences at most
_OPEN, _NAMED, _CLOSE = "\ue000\ue001\ue002"  # signs that no template has


@dataclass(frozen=True)
class SlotCommands:
    """N commands of one language: words, for each word the number of its label in `LABELS`, and (N,) intents
    as numbers in `intent_names()`."""

    language: str
    words: list[list[str]]
    labels: list[list[int]]
    intents: Tensor

    def __len__(self) -> int:
        return len(self.words)

    @property
    def texts(self) -> list[str]:
        return [" ".join(words) for words in self.words]

    @property
    def flat_labels(self) -> Tensor:
        """(W,) labels of all words, one command after the other."""
        return torch.tensor([label for labels in self.labels for label in labels])

    @property
    def command_of_word(self) -> Tensor:
        """(W,) the number of the command that each word stands in."""
        return torch.arange(len(self)).repeat_interleave(torch.tensor([len(words) for words in self.words]))


class _Marked(templates.Grammar):
    """A grammar whose sentences carry marks around each slot."""

    def _draw(self, node, slots, rng):
        from hassil.expression import ListReference

        drawn = super()._draw(node, slots, rng)
        return f"{_OPEN}{node.slot_name}{_NAMED}{drawn}{_CLOSE}" if isinstance(node, ListReference) else drawn


@cache
def load_slot_commands(language: str, split: str, most: int | None = None) -> SlotCommands:
    """The commands of English ("train", "test") or of another language ("dev", "test"), so many at most."""
    packages = " ".join(version(name) for name in ("home-assistant-intents", "hassil"))
    made_by = fingerprint(templates, sys.modules[__name__], packages)
    path = data_folder() / f"slots-{made_by}" / f"{language}.json"
    if not path.exists():
        write_json(path, _sample(language))
    words, labels, intents = map(list, zip(*read_json(path)[split][:most], strict=True))
    numbers = torch.tensor([intent_names().index(intent) for intent in intents])
    return SlotCommands(language, words, labels, numbers)


def _sample(language: str) -> dict[str, list[tuple[list[str], list[int], str]]]:
    marked = _Marked(language, grammar(language).slot_values)
    common = [template for template in marked.templates if template.intent in set(intent_names())]
    first, test = templates.split_templates(common, language)
    rows = _label(first, seen := set())
    return {"train" if language == ENGLISH else "dev": rows, "test": _label(test, seen)}


def _label(chosen: list[templates.Template], seen: set[str]) -> list[tuple[list[str], list[int], str]]:
    """(words, labels, intent) of each sentence, none of them twice, in an order that looks random."""
    rows = []
    for template in chosen:
        taken = 0
        for sentence in template.sentences:
            words, labels = words_of(sentence)
            text = " ".join(words)
            if labels is not None and words and text not in seen and taken < PER_TEMPLATE:
                seen.add(text)
                taken += 1
                rows.append((words, labels, template.intent))
    return sorted(rows, key=lambda row: templates.hashed(*row[0]))


def words_of(marked: str) -> tuple[list[str], list[int] | None]:
    """A marked sentence's words in lower case and their labels; None for a sentence that is left out.

    A word that begins inside a slot, or that a slot begins in, belongs to it: "40%" or a "konyhában".
    """
    names: list[str] = []  # of the slots that are open at this place
    words, labels, word, label = [], [], "", 0

    def close() -> None:
        nonlocal word, label
        if cleaned := word.strip(".,;:!?\"'()¿¡"):
            words.append(cleaned.lower())
            labels.append(label)
        word, label = "", 0

    for piece in re.findall(f"{_OPEN}[^{_NAMED}]*{_NAMED}|.", marked):
        if piece[0] == _OPEN:
            name = piece[1:-1]
            if name in LEFT_OUT:
                return [], None
            names.append(CALLED.get(name, name))
        elif piece == _CLOSE:
            names.pop()
        elif piece.isspace():
            close()
        else:
            word += piece
            inside = names[0] if names else ""
            label = label or (LABELS.index(inside) if inside in SLOTS else 0)
    close()
    return words, labels


def spans(labels: Sequence[int]) -> set[tuple[int, int, int]]:
    """(first word, last word, label) of every filled slot: a run of words with one label."""
    found, start = set(), 0
    for end in range(1, len(labels) + 1):
        if end == len(labels) or labels[end] != labels[start]:
            if labels[start]:
                found.add((start, end - 1, labels[start]))
            start = end
    return found


def slot_f1(predicted: Sequence[Sequence[int]], right: Sequence[Sequence[int]]) -> float:
    """F1 of the filled slots in percent: a slot counts when its words and its name are exactly right.

    The harmonic mean of two shares: of the slots that were filled, how many are right; of those to be
    filled, how many were. 0 where nothing is to be filled.
    """
    pairs = [(spans(ours), spans(theirs)) for ours, theirs in zip(predicted, right, strict=True)]
    hits = sum(len(ours & theirs) for ours, theirs in pairs)
    filled = sum(len(ours) + len(theirs) for ours, theirs in pairs)
    return 200 * hits / filled if filled else 0.0


class Gazetteer:
    """A list of words with their most frequent labels, and nothing else; all numbers are one word.

    A word that isn't in the list is in no slot.
    """

    def __init__(self, words: Iterable[str], labels: Iterable[int]):
        counts: dict[str, Counter] = defaultdict(Counter)
        for word, label in zip(words, labels, strict=True):
            counts[_entry(word)][int(label)] += 1
        self._label = {word: found.most_common(1)[0][0] for word, found in counts.items()}

    def __call__(self, sentences: Sequence[Sequence[str]]) -> list[list[int]]:
        """The labels of each sentence's words."""
        return [[self._label.get(_entry(word), 0) for word in words] for words in sentences]


def _entry(word: str) -> str:
    return "10" if any(character.isdigit() for character in word) else word


def marked(words: Sequence[str], labels: Sequence[int]) -> str:
    """A command with each filled slot in brackets, such as "dim [kitchen: area] to [40: brightness]"."""
    written = list(words)
    for first, last, label in spans(labels):
        written[first] = f"[{written[first]}"
        written[last] += f": {LABELS[label]}]"
    return " ".join(written)
