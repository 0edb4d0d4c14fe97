"""English commands rewritten in other languages, each word with the English word that it comes from.

So whatever is known of an English word, a label or a teacher's opinion, can be carried to its translation.
"""

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kd_solutions.data.parallel import data_folder, load_parallel
from kd_solutions.flagship import lexicon
from kd_solutions.flagship.lexicon import Lexicon
from kd_solutions.support.files import fingerprint, read_json, write_json


@dataclass(frozen=True)
class Carried:
    """S sentences of several languages with the English commands that they come from.

    words: of each sentence. commands: (S,) number of its English command. rewritten: (S,) whether it is in
    another language. origins: (S, L) for each word the
    number of an English word, counted through all commands; 0 behind a sentence's end.
    """

    words: list[list[str]]
    commands: Tensor
    rewritten: Tensor
    origins: Tensor


LONGEST = 10  # words of a rewriting; longer ones are left out, for padding costs time


def carry(sentences: Sequence[Sequence[str]], lexicons: Sequence[Lexicon], seed: int = 0) -> Carried:
    """These English commands as they are, and rewritten by each lexicon."""
    rng, words, commands, rewritten, origins = random.Random(seed), [], [], [], []
    starts = [0]
    for sentence in sentences:
        starts.append(starts[-1] + len(sentence))
    for known in (None, *lexicons):
        for command, sentence in enumerate(sentences):
            written, places = (
                (list(sentence), range(len(sentence)))
                if known is None
                else rewrite_aligned(sentence, known, rng)
            )
            if 0 < len(written) <= LONGEST:
                words.append(written)
                commands.append(command)
                rewritten.append(known is not None)
                origins.append([starts[command] + place for place in places])
    longest = max(map(len, words))
    padded = [places + [0] * (longest - len(places)) for places in origins]
    return Carried(words, torch.tensor(commands), torch.tensor(rewritten), torch.tensor(padded))


def lexicon_of(language: str) -> Lexicon:
    """What `lexicon.mine` finds in a language's training pairs; mined once."""
    path = data_folder() / f"lexicon-{fingerprint(lexicon, sys.modules[__name__])}" / f"{language}.json"
    if not path.exists():
        write_json(path, lexicon.mine(load_parallel([language]).training_pairs(language)))
    return read_json(path)


@dataclass(frozen=True)
class Unit:
    """One or more words of a command that are translated as a whole.

    text: as the lexicon writes it. places: of its words, the first one's first.
    """

    text: str
    places: tuple[int, ...]


def rewrite_aligned(words: Sequence[str], known: Lexicon, rng: random.Random) -> tuple[list[str], list[int]]:
    """An English command word by word in another language, much as `lexicon.rewrite` writes it, and for each
    of its words the place of the English word that it comes from."""
    written: list[tuple[list[str], int]] = []
    for unit in units(words, known):
        number = any(character.isdigit() for character in unit.text)
        text = unit.text if number else lexicon.rewrite([unit.text], known, rng)
        if text:
            written.append((text.lower().split(), unit.places[0]))
    if len(written) > 1 and rng.random() < lexicon.FIRST_WORD_LAST:
        written.append(written.pop(0))
    return (
        [word for several, _ in written for word in several],
        [place for several, place in written for _ in several],
    )


def units(words: Sequence[str], known: Lexicon) -> list[Unit]:
    """A command cut into what is translated as a whole: verbs with their particles, phrases, words."""
    single = _verbs_joined(words)
    found, start = [], 0
    while start < len(single):
        for length in range(min(lexicon.LONGEST_PHRASE, len(single) - start), 0, -1):
            several = single[start : start + length]
            spaced = " ".join(unit.text for unit in several)
            text = next((form for form in (spaced.replace(" ", "_"), spaced) if form in known), None)
            if text or length == 1:
                found.append(Unit(text or spaced, tuple(at for unit in several for at in unit.places)))
                break
        start += length
    return found


def _verbs_joined(words: Sequence[str]) -> list[Unit]:
    """Each word alone, but "turn the light off" as turn_off, the, light."""
    found, taken = [], set()
    for place, word in enumerate(words):
        if place in taken:
            continue
        near = range(place + 1, min(place + 2 + lexicon.FARTHEST, len(words)))
        particles = lexicon.PARTICLES.get(word, ())
        other = next((at for at in near if words[at] in particles and at not in taken), None)
        if other is None:
            found.append(Unit(word, (place,)))
        else:
            taken.add(other)
            found.append(Unit(f"{word}_{words[other]}", (place, other)))
    return found
