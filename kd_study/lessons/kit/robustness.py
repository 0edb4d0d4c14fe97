"""Students small enough to train a dozen of them in a lesson, and what perturbed commands do to them.

The student is the flagship's, with a quarter of its rows and half of its width; the texts are the flagship's.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.axes import Axes
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F

from kd_solutions.data.commands import ENGLISH, load_commands, served_intents
from kd_solutions.data.parallel import load_parallel
from kd_solutions.evaluation.intervals import Interval, t_interval
from kd_solutions.flagship.corpus import Corpus, build_corpus
from kd_solutions.flagship.recipe import FULL
from kd_solutions.models.pretrained import PretrainedTeacher
from kd_solutions.models.student import StudentModel
from kd_solutions.models.subwords import Subwords, tokenize
from kd_solutions.signals.cached import CachedSignal
from kd_solutions.support.language import say
from kd_solutions.training.optimizers import RowAdam

ROWS, WIDTH, HIDDEN, SIZE = 16_384, 64, 64, 64
STEPS, BATCH = 130, 216
SIXTH = BATCH // 6  # of a batch are English commands, and where they have an answer, so much of the interface
NOTHING = "nothing"  # the class of what asks for nothing that is served
TABLE_RATE, BODY_RATE, HEAD_RATE = 0.1, 0.001, 0.1
COMMAND_GROUPS = ("rewritten", "commands")
COMMANDS = 2_000  # English ones to learn from

Change = Callable[[str, str, random.Random], str]  # a text, its language, chance → the text as it arrives


@dataclass(frozen=True)
class Texts:
    """Commands of one language, or others: N texts, labels (N,), templates (N,), their bags of pieces.

    changed: (N,) bool, where a perturbation did anything.
    """

    language: str
    texts: list[str]
    labels: Tensor
    templates: Tensor
    bags: csr_matrix
    changed: Tensor


class World:
    """English commands, their rewritings in some languages, and the teacher's vectors of the English side."""

    def __init__(self, languages: Sequence[str]):
        self.languages, self.classes = tuple(languages), len(served_intents())
        self.corpus: Corpus = build_corpus(languages, replace(FULL, limit=COMMANDS), False)
        self.labels = self.corpus.labels  # of the English originals, `UNLABELLED` for what is no command
        self.vectors = CachedSignal(PretrainedTeacher(), progress=False)(self.corpus.english)
        groups = self.corpus.groups
        interface = np.concatenate([rows for name, rows in groups.items() if name not in COMMAND_GROUPS])
        self.groups = {name: groups[name] for name in COMMAND_GROUPS} | {"interface": interface}
        self.is_command = torch.zeros(len(self.labels), dtype=torch.bool)
        self.is_command[self.corpus.originals[groups["commands"]]] = True
        self.pieces = Subwords(ROWS)
        self.bags = self.bags_of(self.corpus.texts)

    def bags_of(self, texts: Sequence[str]) -> csr_matrix:
        """(N, rows): the shares of a text's pieces, as the student's table takes their mean."""
        features = self.pieces(texts)
        ends = np.append(features.offsets.numpy(), len(features.ids))
        lengths = np.diff(ends)
        shares = np.repeat(1 / np.maximum(lengths, 1), lengths).astype(np.float32)
        found = csr_matrix((shares, features.ids.numpy(), ends), (len(texts), ROWS))
        found.sum_duplicates()
        return found

    def sample(self, language: str, count: int) -> Texts:
        """Labelled commands that nothing learns from, the same each time; English ones from its test half."""
        commands = load_commands(language, "test" if language == ENGLISH else "dev")
        rows = torch.randperm(len(commands), generator=torch.Generator().manual_seed(0))[:count]
        texts = [commands.texts[row] for row in rows.tolist()]
        nothing = torch.zeros(len(rows), dtype=torch.bool)
        return Texts(
            language, texts, commands.labels[rows], commands.templates[rows], self.bags_of(texts), nothing
        )

    def perturbed(self, clean: Texts, change: Change, seed: int = 0) -> Texts:
        """The same commands as they arrive; the same seed makes the same mistakes."""
        rng = random.Random(seed)
        texts = [change(text, clean.language, rng) for text in clean.texts]
        changed = torch.tensor([one != other for one, other in zip(texts, clean.texts, strict=True)])
        return replace(clean, texts=texts, bags=self.bags_of(texts), changed=changed)

    def rewritings_changed(self, change: Change, share: float = 0.5, seed: int = 0) -> csr_matrix:
        """The bags of all texts, this share of the rewritten commands changed: for `student(bags=…)`."""
        rng, texts = random.Random(seed), list(self.corpus.texts)
        rewritten = self.corpus.groups["rewritten"]
        for language, rows in zip(self.languages, np.split(rewritten, len(self.languages)), strict=True):
            for row in rows:
                if rng.random() < share:
                    texts[row] = change(texts[row], language, rng)
        return self.bags_of(texts)

    def student(
        self,
        answers: Tensor,
        seed: int,
        bags: csr_matrix | None = None,
        groups: Sequence[str] = COMMAND_GROUPS,
    ) -> StudentModel:
        """A student after `STEPS` steps of cross-entropy on answers, whoever gave them.

        answers: (E, classes) probabilities for the English originals, or one column more, for what is no
        command; a row of zeros where there is no answer: such a text isn't shown, nor what was made of it.
        bags: of all texts, where they were changed. groups: the first fills the batch, others get a sixth.
        """
        torch.manual_seed(seed)
        names = (*served_intents(), NOTHING)[: answers.shape[1]]
        student = StudentModel(names, ROWS, WIDTH, HIDDEN, SIZE)
        student.features = self.pieces
        bags, originals = self.bags if bags is None else bags, self.corpus.originals
        has_answer = (answers.sum(1) > 0).numpy()
        rows_of = [rows[has_answer[originals[rows]]] for rows in (self.groups[name] for name in groups)]
        counts = [BATCH - SIXTH * (len(groups) - 1)] + [SIXTH] * (len(groups) - 1)
        rng, trainer = np.random.default_rng(seed), _Trainer(student)
        for step in range(STEPS):
            rows = np.concatenate(
                [rng.choice(every, count) for every, count in zip(rows_of, counts, strict=True)]
            )
            trainer.step(bags[rows], answers[originals[rows]], 1 - step / STEPS)
        return student.eval()

    def with_nothing(self, answers: Tensor) -> Tensor:
        """The answers with one column more: interface strings, which are no commands, get that class."""
        interface = torch.zeros(len(answers), 1)
        interface[self.corpus.originals[self.groups["interface"]]] = 1
        interface[self.is_command] = 0
        return torch.cat([answers * (1 - interface), interface], dim=1)

    def interface(self, language: str, start: int, count: int) -> Texts:
        """Held-out strings of a user interface, which ask for nothing: no label is right.

        Counted in English: the strings of two ranges that don't overlap differ in any two languages.
        """
        other = self.languages[0] if language == ENGLISH else language
        pairs = [
            pair for pair in load_parallel([other]).held_out_pairs(other) if 3 <= len(pair[0].split()) <= 12
        ]
        texts = [pair[language != ENGLISH] for pair in pairs[start : start + count]]
        nothing = torch.full((len(texts),), -1)
        return Texts(
            language,
            texts,
            nothing,
            torch.arange(len(texts)),
            self.bags_of(texts),
            torch.zeros(len(texts)) > 0,
        )

    def unknown_words(self, texts: Sequence[str]) -> float:
        """Percent of the words that no English or rewritten command has."""
        words = [word for text in texts for word in tokenize(text)]
        return 100 * sum(word not in self._known_words for word in words) / len(words)

    @cached_property
    def _known_words(self) -> set[str]:
        rows = np.concatenate([self.groups[name] for name in COMMAND_GROUPS])
        return {word for row in rows for word in tokenize(self.corpus.texts[row])}

    def dictionary(self, language: str) -> Mapping[str, str]:
        """Word → its English, of the strings that are one word in both."""
        return self._dictionaries[language]

    @cached_property
    def _dictionaries(self) -> dict[str, dict[str, str]]:
        parallel = load_parallel(self.languages)
        return {
            language: {
                translation.lower(): english.lower()
                for english, translation in reversed(parallel.training_pairs(language))
                if len(english.split()) == len(translation.split()) == 1
            }
            for language in self.languages
        }


class _Trainer:
    """Steps of a student on bags: the table's rows by `RowAdam`, the layers by AdamW, rates that fall."""

    def __init__(self, student: StudentModel):
        layers = [(student.body, BODY_RATE), (student.head, HEAD_RATE)]
        self._student, self._table = student, student.table.weight
        self._optimizers = [
            RowAdam([self._table], lr=TABLE_RATE),
            torch.optim.AdamW(
                [{"params": layer.parameters(), "lr": rate} for layer, rate in layers], fused=True
            ),
        ]
        self._met, self._place = np.zeros(ROWS, dtype=bool), np.zeros(ROWS, dtype=np.int32)
        self._rates = [(group, group["lr"]) for each in self._optimizers for group in each.param_groups]

    def step(self, bags: csr_matrix, answers: Tensor, left: float) -> None:
        """left: the share of its first rate that each rate still has."""
        means = torch.from_numpy(bags @ self._table.detach().numpy()).requires_grad_()
        for group, rate in self._rates:
            group["lr"] = rate * left
        loss = F.cross_entropy(_head(self._student, means), answers)
        for optimizer in self._optimizers:
            optimizer.zero_grad()
        loss.backward()
        self._met[bags.indices] = True
        rows = np.flatnonzero(self._met)
        self._met[rows] = False
        self._place[rows] = np.arange(len(rows))
        places = self._place[bags.indices]
        touched = csr_matrix((bags.data, places, bags.indptr), (bags.shape[0], len(rows)))
        self._table.grad = torch.sparse_coo_tensor(
            torch.from_numpy(rows)[None],
            torch.from_numpy(touched.T @ means.grad.numpy()),
            self._table.shape,
            is_coalesced=True,
            check_invariants=False,
        )
        for optimizer in self._optimizers:
            optimizer.step()


def _head(student: StudentModel, means: Tensor) -> Tensor:
    return student.head(F.normalize(student.body(means), dim=-1))


@torch.no_grad()
def logits_of(student: StudentModel, texts: Texts) -> Tensor:
    """(N, classes)."""
    return _head(student, torch.from_numpy(texts.bags @ student.table.weight.numpy()))


def read_rightly(students: Sequence[StudentModel], texts: Texts) -> Tensor:
    """(students, N), 100 where a student reads a command rightly and 0 where not: a mean is in percent."""
    return torch.stack([100.0 * (logits_of(each, texts).argmax(1) == texts.labels) for each in students])


def scores(students: Sequence[StudentModel], samples: Mapping[str, Texts]) -> dict[str, Tensor]:
    """Language → (students,) percent of its commands read rightly."""
    return {language: read_rightly(students, sample).mean(1) for language, sample in samples.items()}


def before_and_after(
    students: Sequence[StudentModel], clean: Mapping[str, Texts], perturbed: Mapping[str, Texts]
) -> tuple[Tensor, Tensor]:
    """(students,) percent read rightly before and after, of the commands that were changed.

    The mean over the languages that a perturbation reaches: one command in twenty, at least, is changed.
    """
    pairs = [
        (read_rightly(students, clean[language])[:, there], read_rightly(students, sample)[:, there])
        for language, sample in perturbed.items()
        if (there := sample.changed).float().mean() > 0.05
    ]
    before, after = (
        torch.stack([side.mean(1) for side in sides]).mean(0) for sides in zip(*pairs, strict=True)
    )
    return before, after


class Answers(NamedTuple):
    """A student's answers above a threshold, in percent: commands answered; of all answers, interface strings
    among them, those that are wrong; interface strings refused."""

    answered: float
    wrong: float
    refused: float


def confidences(student: StudentModel, texts: Texts) -> tuple[Tensor, Tensor]:
    """(N,) the probability of the best intent, and whether it is the right one; `NOTHING` is no intent."""
    intents = len(served_intents())
    confidence, answer = logits_of(student, texts).softmax(1)[:, :intents].max(1)
    return confidence, answer == texts.labels


def above(threshold: float, student: StudentModel, commands: Texts, interface: Texts) -> Answers:
    """What a student answers when both kinds of texts come in, as often the one as the other."""
    confidence, right = confidences(student, commands)
    answered = confidence >= threshold
    slips = (confidences(student, interface)[0] >= threshold).float().mean()
    answers = answered.float().mean() + slips
    wrong = (answered & ~right).float().mean() + slips
    share = wrong / answers if answers > 0 else answers
    return Answers(*(100 * part.item() for part in (answered.float().mean(), share, 1 - slips)))


def in_percent(values: Tensor) -> str:
    """A mean over seeds with its 95 % interval, such as `52 (49 to 54)`."""
    mean, low, high = (f"{value:z.0f}".replace("-", "−") for value in t_interval(values))
    return say(f"{mean} ({low} to {high})", f"{mean}（{low}至{high}）")


def draw_pairs(
    ax: Axes, rows: Mapping[str, tuple[Interval, Interval]], names: tuple[str, str], unit: str
) -> None:
    """Two marks a row with their intervals, the first row on top: white circles and black squares."""
    styles = ({"marker": "o", "markerfacecolor": "white"}, {"marker": "s"})
    for side, (name, style) in enumerate(zip(names, styles, strict=True)):
        places = [place + 0.3 * side - 0.15 for place in range(len(rows))]
        intervals = [pair[side] for pair in rows.values()]
        for place, (_, low, high) in zip(places, intervals, strict=True):
            ax.plot([low, high], [place, place], color="black")
        means = [interval.mean for interval in intervals]
        ax.plot(means, places, linestyle="none", color="black", label=name, **style)
    ax.set_yticks(range(len(rows)), rows)
    ax.invert_yaxis()
    ax.axvline(0, color="grey", linestyle="--")
    ax.set_xlabel(f"{unit}, with 95 % interval")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
