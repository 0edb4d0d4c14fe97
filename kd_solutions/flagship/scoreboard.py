"""The flagship's table: what teacher, student and rivals can do in each language, measured alike."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kd_solutions.data.by_hand import commands_by_hand
from kd_solutions.data.commands import ENGLISH, TEN_LANGUAGES, Commands, command_languages, load_commands
from kd_solutions.data.parallel import load_parallel
from kd_solutions.evaluation.metrics import accuracy
from kd_solutions.evaluation.retrieval import retrieval_accuracy
from kd_solutions.flagship.ladder import Reader
from kd_solutions.flagship.train import encode
from kd_solutions.models.student import StudentModel

RETRIEVED = 1000  # held-out pairs among which one must be found


@dataclass(frozen=True)
class Row:
    """Accuracy in percent on the commands of one language.

    translate_train: the same student on the rewritten commands and their labels, without a teacher: what the
    student is to be compared with. english_labels_only: the same student without any other language.
    """

    teacher: float
    student: float
    translate_train: float
    english_labels_only: float


def score_languages(
    languages: Sequence[str], readers: Mapping[str, Reader], split: str = "test"
) -> dict[str, Row]:
    """Language → accuracies on a split of its commands, English first; without the languages that have none.

    readers: for each field of `Row`. split: "test"; or "dev", where a recipe is chosen, and English has none;
    or "rare".
    """
    rows = {}
    for language in (ENGLISH, *(name for name in languages if name != ENGLISH)):
        if language not in command_languages():
            continue
        commands = load_commands(language, split)
        if len(commands):
            rows[language] = Row(**{name: score(reader, commands) for name, reader in readers.items()})
    return rows


def score_by_hand(languages: Sequence[str], readers: Mapping[str, Reader]) -> dict[str, Row]:
    """Language → accuracies on commands that a person wrote without the templates, English first.

    15 a language, of the half by which nothing is chosen: few for one language, enough for a mean of ten.
    """
    by_hand = [name for name in TEN_LANGUAGES if name in languages]
    commands = {name: commands_by_hand(name, "report") for name in (ENGLISH, *by_hand)}
    return {
        name: Row(**{reader: score(readers[reader], several) for reader in readers})
        for name, several in commands.items()
    }


def score(reader: Reader, commands: Commands) -> float:
    """Accuracy in percent on the commands."""
    return 100 * accuracy(reader(commands.texts), commands.labels)


def retrieval(student: StudentModel, languages: Sequence[str]) -> dict[str, float]:
    """Language → percent of held-out translations whose own English string is the nearest of up to 1,000.

    Both sides are read by the student. Languages with fewer than 1,000 held-out pairs get an easier task, and
    those without any are left out.
    """
    parallel = load_parallel([language for language in languages if language != ENGLISH])
    found = {}
    for language in parallel.languages:
        if pairs := parallel.held_out_pairs(language, RETRIEVED):
            english, translated = (encode(student, side) for side in zip(*pairs, strict=True))
            found[language] = 100 * retrieval_accuracy(translated, english)[0]
    return found


def texts_per_second(student: StudentModel, texts: Sequence[str], batch_size: int = 1) -> float:
    """Texts a second from string to logits, words met before or not as they come."""
    start = time.perf_counter()
    with torch.no_grad():
        for first in range(0, len(texts), batch_size):
            _: Tensor = student(texts[first : first + batch_size])
    return len(texts) / (time.perf_counter() - start)
