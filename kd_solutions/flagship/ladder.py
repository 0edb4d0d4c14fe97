"""The ladder: what each ingredient of the flagship is worth, from the teacher alone to the full recipe.

Every rung takes a `Setting` and gives a `Reader`. Student, steps and batch are the same on all; what differs
is what the student is shown, and whether a teacher stands behind it: two rungs tell what one ingredient adds.
Sources: Conneau et al. 2018 (translate-train), Reimers & Gurevych 2020 (vectors through translations).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kd_solutions.flagship.corpus import UNLABELLED, Corpus, build_corpus
from kd_solutions.flagship.recipe import FULL, Recipe
from kd_solutions.flagship.train import (
    encode,
    fitted_head,
    imitate,
    known_languages,
    learn_commands,
    train_student_head,
)
from kd_solutions.losses.response import distillation_kl
from kd_solutions.models.pretrained import PretrainedTeacher, Teacher
from kd_solutions.models.student import StudentModel
from kd_solutions.signals.cached import CachedSignal
from kd_solutions.support.devices import default_device

Reader = Callable[[Sequence[str]], Tensor]  # N texts → (N, classes) logits without a graph


@dataclass(frozen=True, eq=False)
class Setting:
    """What all rungs share.

    corpus: with the labels that are known; other commands are `UNLABELLED`. vectors: (E, D), the teacher's of
    `corpus.english`. recipe: steps, batch, rates. refit: whether a student that learned labels gets its head
    fitted once more on its finished vectors, as the flagship's is.
    """

    corpus: Corpus
    teacher: Teacher
    vectors: Tensor
    recipe: Recipe
    seed: int = 0
    refit: bool = True
    progress: bool | None = None


def settle(
    languages: Sequence[str],
    *,
    recipe: Recipe = FULL,
    labels_a_class: int | None = None,
    teacher: Teacher | None = None,
    seed: int = 0,
    refit: bool = True,
    progress: bool | None = None,
) -> Setting:
    """The setting for these languages.

    labels_a_class: so many English commands of each intent keep their label, drawn anew with each seed, and
    the others stay as texts without one, as a log holds them; None: all are labelled.
    Raises: StudyError for an unknown language.
    """
    corpus = build_corpus(known_languages(languages), recipe, progress)
    if labels_a_class is not None:
        corpus = replace(corpus, labels=few_labels(corpus.labels, labels_a_class, seed))
    teacher = teacher or PretrainedTeacher()
    vectors = CachedSignal(teacher, progress=progress)(corpus.english)
    return Setting(corpus, teacher, vectors, recipe, seed, refit, progress)


def few_labels(labels: Tensor, labels_a_class: int, seed: int = 0) -> Tensor:
    """(E) labels of which so many of each class are left, drawn at random; the others are `UNLABELLED`."""
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    left = torch.full_like(labels, UNLABELLED)
    for label in labels[labels != UNLABELLED].unique():
        left[order[labels[order] == label][:labels_a_class]] = label
    return left


def reader_of(student: StudentModel) -> Reader:
    """The student read by its own head."""
    return lambda texts: student.head(encode(student, texts)).detach()


def teacher_alone(setting: Setting) -> Reader:
    """The teacher with a linear head on the English labels: what it reads of other languages by itself."""
    signal, head = CachedSignal(setting.teacher, progress=setting.progress), _teacher_head(setting)
    return lambda texts: head(signal(texts).to(head.weight.device)).detach()


def english_labels(setting: Setting) -> Reader:
    """The student on labelled English commands alone: what its subwords carry over by themselves."""
    return reader_of(_learn_labels(setting, _without(setting.corpus, "rewritten")))


def translations_alone(setting: Setting) -> Reader:
    """The teacher's vectors through the translations of a user interface; a head on the English labels."""
    return reader_of(_learn_vectors(setting, _without(setting.corpus, "rewritten"), label_weight=0.0))


def translate_train(setting: Setting) -> Reader:
    """Rewritten commands with the labels of their English originals, and no teacher: the strongest rival."""
    return reader_of(_learn_labels(setting, setting.corpus))


def pseudo_labels(setting: Setting) -> Reader:
    """Translate-train, where the teacher's head labels the English commands that have no label."""
    return reader_of(_learn_labels(setting, _with_pseudo_labels(setting)))


def self_training(setting: Setting) -> Reader:
    """Translate-train twice, no teacher: the first student labels what the second learns from besides.

    What is left of `pseudo_labels` without a teacher; as many steps again. Source: Lee 2013.
    """
    commands = setting.corpus.english
    return reader_of(_learn_labels(setting, _completed(setting.corpus, translate_train(setting)(commands))))


def soft_labels(setting: Setting) -> Reader:
    """The teacher's probabilities for every English command, through its rewritings."""
    logits = _teacher_head(setting)(setting.vectors.to(default_device())).detach()
    return reader_of(_learn(setting, _with_pseudo_labels(setting), logits, distillation_kl))


def vectors_teacher_head(setting: Setting) -> Reader:
    """The teacher's vectors through translations and rewritings; read by the teacher's own English head."""
    student, head = _imitator(setting), _teacher_head(setting)
    return lambda texts: head(encode(student, texts)).detach()


def vectors_fitted_head(setting: Setting) -> Reader:
    """The same student with its own head, fitted on the labelled commands and their rewritings."""
    return reader_of(_imitator(setting))


def full_recipe(setting: Setting) -> Reader:
    """Vectors and labels together, the teacher's where none is known: the flagship."""
    return reader_of(_learn_vectors(setting, _with_pseudo_labels(setting), setting.recipe.label_weight))


RUNGS: dict[str, Callable[[Setting], Reader]] = {
    "teacher": teacher_alone,
    "english_labels_only": english_labels,
    "translations_only": translations_alone,
    "translate_train": translate_train,
    "self_training": self_training,
    "pseudo_labels": pseudo_labels,
    "soft_labels": soft_labels,
    "vectors_teacher_head": vectors_teacher_head,
    "vectors_fitted_head": vectors_fitted_head,
    "full_recipe": full_recipe,
}


def _without(corpus: Corpus, group: str) -> Corpus:
    return replace(corpus, groups={name: rows for name, rows in corpus.groups.items() if name != group})


def _learn_labels(setting: Setting, corpus: Corpus) -> StudentModel:
    return _learn(setting, corpus, corpus.labels, F.cross_entropy)


def _learn(
    setting: Setting, corpus: Corpus, answers: Tensor, loss_function: Callable[[Tensor, Tensor], Tensor]
) -> StudentModel:
    """A student of answers on the labelled commands, its head fitted once more where the setting says so."""
    student = learn_commands(
        corpus,
        answers,
        loss_function,
        setting.recipe,
        setting.seed,
        size=setting.vectors.shape[1],
        progress=setting.progress,
    )
    if setting.refit:
        train_student_head(student, corpus, setting.seed)
    return student


def _learn_vectors(setting: Setting, corpus: Corpus, label_weight: float) -> StudentModel:
    recipe = replace(setting.recipe, label_weight=label_weight)
    return imitate(corpus, setting.vectors, recipe, setting.seed, progress=setting.progress)[0]


@lru_cache(maxsize=1)  # two rungs read the one student
def _imitator(setting: Setting) -> StudentModel:
    return _learn_vectors(setting, setting.corpus, label_weight=0.0)


@lru_cache(maxsize=1)  # most rungs ask for it
def _teacher_head(setting: Setting) -> nn.Linear:
    """A linear head for the teacher's vectors, on the English commands whose labels are known."""
    known = setting.corpus.labels != UNLABELLED
    return fitted_head(setting.vectors[known], setting.corpus.labels[known], setting.seed)


def _with_pseudo_labels(setting: Setting) -> Corpus:
    """The corpus in which a command without a label has the one that the teacher's head gives it."""
    return _completed(setting.corpus, _teacher_head(setting)(setting.vectors.to(default_device())))


def _completed(corpus: Corpus, logits: Tensor) -> Corpus:
    """The corpus in which a command without a label has the likeliest one; logits: (E, classes)."""
    guessed = logits.argmax(dim=1).cpu()
    commands = torch.from_numpy(corpus.originals[corpus.groups["commands"]])
    labels = corpus.labels.clone()
    unknown = commands[labels[commands] == UNLABELLED]
    labels[unknown] = guessed[unknown]
    return replace(corpus, labels=labels)
