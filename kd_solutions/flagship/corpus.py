"""All that a multilingual student reads, each text with the English original whose vector it shall have.

Three kinds of texts: translations from a user interface, English itself, and English commands rewritten word
by word in each language (`lexicon`). Everything slow is computed once and cached by what it was made from.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from kd_solutions.data.commands import ENGLISH, Commands, load_commands
from kd_solutions.data.parallel import ParallelText, data_folder, load_parallel
from kd_solutions.data.sampling import stable_order
from kd_solutions.flagship import lexicon, thesaurus
from kd_solutions.flagship.recipe import Recipe
from kd_solutions.losses.numerics import UNLABELLED
from kd_solutions.models import subwords
from kd_solutions.models.subwords import Subwords, WordBags
from kd_solutions.support.files import fingerprint, read_json, write_json
from kd_solutions.support.language import say
from kd_solutions.support.progress import counting
from kd_solutions.training.batches import Batch

SHORT = 2  # words; such strings are a dictionary


@dataclass(frozen=True)
class Corpus:
    """Texts in groups, each text with the number of its English original.

    texts: T texts. originals: (T) rows of `english`. english: E English texts. groups: name → numbers of
    texts: "rewritten", "commands", and long and short "translations" and "english" ("translations short").
    labels: E intents, `UNLABELLED` where an English text is no command.
    """

    languages: tuple[str, ...]
    texts: list[str]
    originals: np.ndarray
    english: list[str]
    labels: Tensor
    groups: dict[str, np.ndarray]

    def labelled(self, group: str) -> tuple[list[str], Tensor]:
        """The texts of a group whose English originals have a label, and these labels."""
        rows = self.labelled_rows(group)
        return [self.texts[row] for row in rows], self.labels[self.originals[rows]]

    def labelled_rows(self, group: str) -> np.ndarray:
        """The numbers of these texts; none of a group that isn't there."""
        rows = self.groups.get(group, np.array([], dtype=int))
        return rows[self.labels.numpy()[self.originals[rows]] != UNLABELLED]


def build_corpus(languages: Sequence[str], recipe: Recipe, progress: bool | None = None) -> Corpus:
    """The corpus of these languages, English always with them. Nothing held out is in it."""
    parallel = load_parallel(languages)
    commands = training_commands()
    wanted_commands = set(stable_order(commands.texts)[: recipe.limit])
    wanted = wanted_commands.union(stable_order(parallel.training_english())[: recipe.limit])
    translated = _translated(parallel, recipe)
    builder = _Builder()
    for text in commands.texts:
        if text in wanted_commands:
            builder.add("commands", text, text)
    for text in parallel.training_english():
        if text in wanted:
            builder.add(_by_length("english", text), text, text)
    for language in languages:
        for english, translation in parallel.training_pairs(language):
            if english in wanted and english in translated:
                builder.add(_by_length("translations", english), translation, english)
    for rewritten in rewritten_commands(languages, recipe, progress):
        for text, english in zip(rewritten, commands.texts * recipe.versions, strict=True):
            if english in wanted_commands:
                builder.add("rewritten", text, english)
    label_of = dict(zip(commands.texts, commands.labels.tolist(), strict=True))
    return Corpus(
        languages=tuple(languages),
        texts=builder.texts,
        originals=np.array(builder.originals),
        english=list(builder.english),
        labels=torch.tensor([label_of.get(text, UNLABELLED) for text in builder.english]),
        groups={name: np.array(rows) for name, rows in builder.groups.items()},
    )


def training_commands() -> Commands:
    """The labelled English commands: training templates of the evaluated intents, all of the rare ones."""
    train, rare = load_commands(ENGLISH, "train"), load_commands(ENGLISH, "rare")
    return Commands(
        ENGLISH,
        texts=train.texts + rare.texts,
        labels=torch.cat([train.labels, rare.labels]),
        templates=torch.cat([train.templates, train.templates.max() + 1 + rare.templates]),
        intents=rare.intents,
    )


def _translated(parallel: ParallelText, recipe: Recipe) -> set[str]:
    """The English strings whose translations are known; a smaller share is a part of a larger one."""
    strings = stable_order(parallel.training_english())
    return set(strings[: round(recipe.translated * len(strings))])


def rewritten_commands(
    languages: Sequence[str], recipe: Recipe, progress: bool | None = None
) -> Iterator[list[str]]:
    """For each language the training commands rewritten, all of version 1, then all of version 2 …"""
    commands = training_commands().texts
    by = f"{recipe.versions} {recipe.translated} {recipe.wrong_words}"
    made_of = fingerprint(lexicon, thesaurus, subwords, sys.modules[__name__], *commands, by)
    folder = data_folder() / f"rewritten-{made_of}"
    missing = sum(not (folder / f"{language}.json").exists() for language in languages)
    title = say("Mining lexicons, rewriting commands", "提取词典，改写指令")
    with counting(title, missing, progress if missing else False) as advance:
        for language in languages:
            path = folder / f"{language}.json"
            if not path.exists():
                write_json(path, _rewrite_commands(language, recipe))
                advance()
            yield read_json(path)


def _rewrite_commands(language: str, recipe: Recipe) -> list[str]:
    parallel = load_parallel([language])
    translated = _translated(parallel, recipe)
    mined = lexicon.mine([pair for pair in parallel.training_pairs(language) if pair[0] in translated])
    spoiled = lexicon.with_wrong_words(mined, recipe.wrong_words, random.Random(language))
    tokens = [lexicon.english_tokens(text) for text in training_commands().texts]
    rng = random.Random(language)
    return [lexicon.rewrite(words, spoiled, rng) for _ in range(recipe.versions) for words in tokens]


class Mixture:
    """Endless batches of a corpus.

    counts: group → texts of a batch; a group without a text, as of a language with few translations, leaves
    its share to the first that has one. dropout: of words. `Batch.inputs` are features for the student,
    `Batch.teacher_inputs` (N) rows of `corpus.english`, `Batch.targets` (N) labels. The same seed gives the
    same batches.
    """

    def __init__(self, corpus: Corpus, subwords: Subwords, counts: dict[str, int], dropout: float, seed: int):
        self.corpus, self.dropout, self.seed = corpus, dropout, seed
        self.counts = {group: count for group, count in counts.items() if group in corpus.groups}
        self.counts[next(iter(self.counts))] += sum(counts.values()) - sum(self.counts.values())
        self._bags = WordBags(subwords, corpus.texts)

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self.seed)
        while True:
            rows = np.concatenate(
                [rng.choice(self.corpus.groups[group], count) for group, count in self.counts.items()]
            )
            originals = torch.from_numpy(self.corpus.originals[rows])
            features = self._bags.batch(rows, self.dropout, rng)
            yield Batch(features, originals, self.corpus.labels[originals])


@dataclass
class _Builder:
    """Collects texts; equal English texts share one row."""

    texts: list[str] = field(default_factory=list)
    originals: list[int] = field(default_factory=list)
    english: dict[str, int] = field(default_factory=dict)
    groups: dict[str, list[int]] = field(default_factory=dict)

    def add(self, group: str, text: str, english: str) -> None:
        self.groups.setdefault(group, []).append(len(self.texts))
        self.texts.append(text)
        self.originals.append(self.english.setdefault(english, len(self.english)))


def _by_length(group: str, english: str) -> str:
    return f"{group} short" if len(english.split()) <= SHORT else group
