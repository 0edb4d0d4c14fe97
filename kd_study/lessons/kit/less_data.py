"""Lesson 09's world: five languages with a small student each, trained side by side."""

import random
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.data.commands import Commands, load_commands
from kd_solutions.data.parallel import load_parallel
from kd_solutions.data.sampling import stable_order
from kd_solutions.flagship.corpus import rewritten_commands, training_commands
from kd_solutions.flagship.ladder import few_labels
from kd_solutions.flagship.lexicon import english_tokens, mine, rewrite
from kd_solutions.flagship.recipe import FULL
from kd_solutions.losses.numerics import UNLABELLED
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.signals.cached import CachedSignal
from kd_study.lessons.kit.experiments import train_head
from kd_study.lessons.kit.text_store import TextStore

LANGUAGES = ("de", "fr", "hu", "ru", "zh")
ROWS, WIDTH, HIDDEN = 4_096, 48, 64
BATCH, STEPS = 128, 100
TESTED = 800  # commands a language, of its test half
Pairs = list[tuple[str, str]]  # (English, translation)

_store = TextStore(ROWS)


@dataclass(frozen=True)
class World:
    """What lesson 09 may use.

    texts: N English commands, as a log holds them; labels (N,) of which a student is shown some; vectors
    (N, D), the teacher's. rewritten: language → the commands rewritten, all of version 1, then of version 2.
    pairs: language → parallel sentences. pool, tuning, test: language → labelled commands, of templates of
    their own each: to be bought, to choose settings on, to report.
    """

    intents: tuple[str, ...]
    texts: list[str]
    labels: Tensor
    vectors: Tensor
    rewritten: dict[str, list[str]]
    pairs: dict[str, Pairs]
    pool: dict[str, Commands]
    tuning: dict[str, Commands]
    test: dict[str, Commands]

    def few_labels(self, labels_a_class: int | None, seed: int) -> list[Tensor]:
        """For each language a draw of its own of so many English labels an intent (None: all)."""
        if labels_a_class is None:
            return [self.labels] * len(LANGUAGES)
        seeds = range(seed * len(LANGUAGES), (seed + 1) * len(LANGUAGES))
        return [few_labels(self.labels, labels_a_class, each) for each in seeds]

    def teacher_answers(self, kept: Tensor) -> Tensor:
        """(N, intents): known labels, elsewhere the probabilities of the teacher's head, fitted on these."""
        known = kept != UNLABELLED
        head = train_head(self.vectors[known], kept[known], len(self.intents))
        answers = head(self.vectors).softmax(-1)
        answers[known] = self.one_hot(kept)[known]
        return answers

    def own_answers(self, students: "SideBySide") -> list[Tensor]:
        """For each language (N, intents): what its own student holds probable for the commands."""
        return [said.softmax(-1) for said in students.read([self.texts] * len(LANGUAGES))]

    def teacher_alone(self, kept: Sequence[Tensor], count: int = 300) -> Tensor:
        """(languages,) percent that the teacher's head on these English labels reads of the test commands."""
        signal, answers, samples = CachedSignal(PretrainedTeacher()), [], {}
        for labels, (language, sample) in zip(kept, self.test.items(), strict=True):
            known = labels != UNLABELLED
            head = train_head(self.vectors[known], labels[known], len(self.intents))
            samples[language] = _only(sample, torch.arange(count))
            answers.append(head(signal(samples[language].texts)))
        return _percent(answers, samples)

    def one_hot(self, labels: Tensor) -> Tensor:
        """(N, intents) with a 1 where the label is; a row of zeros where there is none."""
        return F.one_hot(labels.clamp(min=-1) + 1, len(self.intents) + 1)[:, 1:].float()

    def examples(self, answers: Tensor, rewritten: list[str]) -> "Examples":
        """The commands and their rewritings with these (N, intents) answers; rows of zeros are left out."""
        texts = self.texts + rewritten
        answers = answers.repeat(len(texts) // len(self.texts), 1)
        answered = answers.sum(1) > 0
        return examples([texts[row] for row in answered.nonzero().squeeze(1)], answers[answered])

    def bought(self, count: int, seed: int) -> "list[Examples]":
        """For each language so many labelled commands of its own, drawn from its pool."""
        drawn = []
        for place, commands in enumerate(self.pool.values()):
            generator = torch.Generator().manual_seed(100 * seed + place)
            rows = torch.randperm(len(commands), generator=generator)[:count]
            texts = [commands.texts[row] for row in rows.tolist()]
            drawn.append(examples(texts, self.one_hot(commands.labels[rows])))
        return drawn


def gather(commands: int = 2_000) -> World:
    """The world with so many English commands, a fixed choice of the training ones."""
    every = training_commands()
    wanted = set(stable_order(every.texts)[:commands])
    rows = [row for row, text in enumerate(every.texts) if text in wanted]
    texts = [every.texts[row] for row in rows]
    versions = {
        language: [several[start + row] for start in (0, len(every)) for row in rows]
        for language, several in zip(LANGUAGES, rewritten_commands(LANGUAGES, FULL, False), strict=True)
    }
    parallel = load_parallel(LANGUAGES)
    halves = {language: _by_template(load_commands(language, "dev")) for language in LANGUAGES}
    return World(
        intents=every.intents,
        texts=texts,
        labels=every.labels[rows],
        vectors=CachedSignal(PretrainedTeacher())(texts),
        rewritten=versions,
        pairs={language: parallel.training_pairs(language) for language in LANGUAGES},
        pool={language: pool for language, (pool, _) in halves.items()},
        tuning={language: tuning for language, (_, tuning) in halves.items()},
        test={language: _sample(load_commands(language, "test")) for language in LANGUAGES},
    )


def _by_template(commands: Commands) -> tuple[Commands, Commands]:
    """Two thirds of the templates, and every third."""
    third = torch.isin(commands.templates, commands.templates.unique()[::3])
    return tuple(_only(commands, chosen.nonzero().squeeze(1)) for chosen in (~third, third))


def _sample(commands: Commands) -> Commands:
    return _only(commands, torch.randperm(len(commands), generator=torch.Generator().manual_seed(0))[:TESTED])


def _only(commands: Commands, rows: Tensor) -> Commands:
    texts = [commands.texts[row] for row in rows.tolist()]
    return replace(commands, texts=texts, labels=commands.labels[rows], templates=commands.templates[rows])


@dataclass(frozen=True)
class Examples:
    """What one student learns from: N texts; targets (N, outputs); chances (N,) of being drawn."""

    texts: list[str]
    targets: Tensor
    chances: Tensor


def examples(texts: Sequence[str], targets: Tensor) -> Examples:
    """Examples with (N, classes) probabilities; a class of n texts is drawn as if it had the root of n."""
    kinds = targets.argmax(1)
    chances = kinds.bincount().double().rsqrt()[kinds]
    return Examples(list(texts), targets, chances / chances.sum())


def mixed(first: Examples, second: Examples, share: float) -> Examples:
    """Both together, the second for this share of what is drawn."""
    return Examples(
        first.texts + second.texts,
        torch.cat([first.targets, second.targets]),
        torch.cat([(1 - share) * first.chances, share * second.chances]),
    )


class SideBySide(nn.Module):
    """S small students, each with a table of its own: the mean of a text's subwords, two layers, outputs."""

    def __init__(self, count: int, outputs: int, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)

        def weights(*shape: int, size: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * size)

        self.count = count
        self.table = weights(count * ROWS, WIDTH, size=0.1)
        self.first = weights(count, WIDTH, HIDDEN, size=WIDTH**-0.5)
        self.second = weights(count, HIDDEN, outputs, size=HIDDEN**-0.5)
        self.first_bias = nn.Parameter(torch.zeros(count, 1, HIDDEN))
        self.second_bias = nn.Parameter(torch.zeros(count, 1, outputs))

    def space(self, numbers: np.ndarray) -> Tensor:
        """(S, N) numbers of texts in the store → (S, N, hidden)."""
        ids, starts, lengths = _store.take(numbers.ravel())
        ids = ids + np.repeat(np.repeat(np.arange(self.count) * ROWS, numbers.shape[1]), lengths)
        bags = F.embedding_bag(torch.from_numpy(ids), self.table, torch.from_numpy(starts), mode="mean")
        return F.gelu(torch.baddbmm(self.first_bias, bags.view(*numbers.shape, -1), self.first))

    def forward(self, numbers: np.ndarray) -> Tensor:
        """(S, N) numbers of texts in the store → (S, N, outputs)."""
        return torch.baddbmm(self.second_bias, self.space(numbers), self.second)

    @torch.no_grad()
    def read(self, texts: Sequence[Sequence[str]], space: bool = False) -> list[Tensor]:
        """Each student's outputs for its own texts, as many as they are; or its hidden layer's."""
        longest = max(map(len, texts))
        numbers = np.stack([np.resize(_store.numbers(own), longest) for own in texts])
        found = self.space(numbers) if space else self(numbers)
        return [rows[: len(own)] for rows, own in zip(found, texts, strict=True)]


def soft_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy with probabilities; a label is the case of a 1 among zeros."""
    return -(targets * outputs.log_softmax(-1)).sum(-1).mean()


def cosine_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """1 − cosine, for students of vectors."""
    return (1 - F.cosine_similarity(outputs, targets, dim=-1)).mean()


def teach(
    lessons: Sequence[Examples],
    seed: int = 0,
    steps: int = STEPS,
    rate: float = 0.06,
    loss_function: Callable[[Tensor, Tensor], Tensor] = soft_loss,
    students: SideBySide | None = None,
    frozen: bool = False,
) -> SideBySide:
    """One student for each of the lessons, all trained for these steps of `BATCH` texts each.

    rate: of the tables, the layers get a fifth. students: copies of these are trained further; by default new
    ones are made. frozen: only the last layer learns. The same seed gives the same starts and batches.
    """
    outputs = lessons[0].targets.shape[1]
    students = deepcopy(students) if students else SideBySide(len(lessons), outputs, seed)
    rng = np.random.default_rng(seed)
    numbers = [_store.numbers(own.texts) for own in lessons]
    drawn = [rng.choice(len(own.texts), (steps, BATCH), p=own.chances.numpy()) for own in lessons]
    last = ("second", "second_bias")
    for name, weight in students.named_parameters():
        weight.requires_grad_(not frozen or name in last)
    layers = [w for name, w in students.named_parameters() if name != "table" and w.requires_grad]
    groups = [{"params": layers, "lr": rate / 5}]
    if not frozen:
        groups.append({"params": [students.table]})
    optimizer = torch.optim.Adam(groups, lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps)
    for step in range(steps):
        rows = [own[step] for own in drawn]
        said = students(np.stack([own[row] for own, row in zip(numbers, rows, strict=True)]))
        targets = torch.stack([own.targets[row] for own, row in zip(lessons, rows, strict=True)])
        loss = loss_function(said, targets) * students.count
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return students


def scores(students: SideBySide, commands: dict[str, Commands]) -> Tensor:
    """(languages,) percent of commands read rightly."""
    answers = students.read([sample.texts for sample in commands.values()])
    return _percent(answers, commands)


def _percent(answers: Sequence[Tensor], commands: dict[str, Commands]) -> Tensor:
    pairs = zip(answers, commands.values(), strict=True)
    return torch.tensor([100 * (said.argmax(1) == own.labels).float().mean().item() for said, own in pairs])


def nearest_scores(students: SideBySide, known: Sequence[Examples], commands: dict[str, Commands]) -> Tensor:
    """(languages,) percent: a command gets the label of the nearest known one in the student's space."""
    spaces = [
        [F.normalize(rows, dim=-1) for rows in students.read(texts, space=True)]
        for texts in ([own.texts for own in known], [sample.texts for sample in commands.values()])
    ]
    nearest = [ours.targets[(read @ ask.T).argmax(1)] for ours, ask, read in zip(known, *spaces, strict=True)]
    return _percent(nearest, commands)


def linear_scores(known: Sequence[Examples], commands: dict[str, Commands], penalty: float) -> Tensor:
    """(languages,) percent of a linear classifier on the TF-IDF of words and of their 3- and 4-grams.

    Ridge regression on one-hot labels, solved exactly: no steps, no start, one setting.
    """
    answers = []
    for own, sample in zip(known, commands.values(), strict=True):
        learned, read = _tf_idf(own.texts, sample.texts)
        kernel = (learned @ learned.T).toarray()
        kernel[np.diag_indices(len(kernel))] += penalty
        weights = np.linalg.solve(kernel, own.targets.numpy())
        answers.append(torch.from_numpy((read @ learned.T) @ weights))
    return _percent(answers, commands)


def _tf_idf(known: list[str], others: list[str], rows: int = 65_536):
    """The two sides as sparse rows of length 1, a piece that many known texts have counting less."""
    from scipy import sparse

    counted = _wide_store.counts(known), _wide_store.counts(others)
    rarity = np.log((1 + len(known)) / (1 + counted[0].getnnz(axis=0))) + 1
    weighted = [side @ sparse.diags(rarity.astype(np.float32)) for side in counted]
    lengths = [np.sqrt(side.multiply(side).sum(1)).A1 + 1e-9 for side in weighted]
    return [
        (sparse.diags((1 / length).astype(np.float32)) @ side).tocsr()
        for side, length in zip(weighted, lengths, strict=True)
    ]


_wide_store = TextStore(65_536)


def sentences(world: World, count: int, seed: int = 0) -> dict[str, Pairs]:
    """Language → so many of its parallel sentences, drawn at random."""
    return {name: random.Random(f"{name} {seed}").sample(pairs, count) for name, pairs in world.pairs.items()}


def rewritings(world: World, pairs: dict[str, Pairs]) -> dict[str, list[str]]:
    """Language → the commands rewritten once, with a lexicon mined from these pairs alone."""
    words = [english_tokens(text) for text in world.texts]
    found = {}
    for language, known in pairs.items():
        lexicon, rng = mine(known), random.Random(language)
        found[language] = [rewrite(command, lexicon, rng) for command in words]
    return found


def misaligned(pairs: Pairs, share: float, seed: int = 0) -> tuple[Pairs, np.ndarray]:
    """The pairs, where this share have changed translations among themselves; (N,) which are still right."""
    rows = np.random.default_rng(seed).permutation(len(pairs))[: round(share * len(pairs))]
    wrong = list(pairs)
    for row, other in zip(rows, np.roll(rows, 1), strict=True):
        wrong[row] = (pairs[row][0], pairs[other][1])
    right = np.ones(len(pairs), dtype=bool)
    right[rows] = False
    return wrong, right


def vector_students(pairs: dict[str, Pairs], seed: int = 0, steps: int = STEPS) -> SideBySide:
    """Students that give a translation the vector that the teacher gives its English side."""
    teacher = CachedSignal(PretrainedTeacher())
    lessons = [
        Examples([text for _, text in own], teacher([text for text, _ in own]), torch.full((len(own),), 1.0))
        for own in pairs.values()
    ]
    even = [Examples(own.texts, own.targets, own.chances.double() / len(own.texts)) for own in lessons]
    return teach(even, seed, steps, loss_function=cosine_loss)
