"""What was reached over several seeds: the full recipe in record.json, the ladder's rungs in ladder.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

from kd_solutions.data.translations import ENGLISH

RECORD = Path(__file__).with_name("record.json")
LADDER = Path(__file__).with_name("ladder.json")


@dataclass(frozen=True)
class RecordedRow:
    """One language in the flagship's record, in percent; student: one number a seed."""

    teacher: float
    student: list[float]
    english_labels_only: list[float]


@dataclass(frozen=True)
class Record:
    """What `python -m kd_study distill` reached when it was last recorded, over several seeds."""

    languages: dict[str, RecordedRow]
    megabytes: float
    seeds: int

    @property
    def mean_of_others(self) -> float:
        """Mean over the seeds and the languages other than English."""
        return mean(mean(row.student) for name, row in self.languages.items() if name != ENGLISH)


def recorded_flagship() -> Record:
    """The `--json` outputs of the seeds, one after the other."""
    runs = json.loads(RECORD.read_text("utf-8"))
    languages = {
        name: RecordedRow(
            row["teacher"],
            [run["languages"][name]["student"] for run in runs],
            [run["languages"][name]["english_labels_only"] for run in runs],
        )
        for name, row in runs[0]["languages"].items()
    }
    return Record(languages, runs[0]["megabytes"], len(runs))


@dataclass(frozen=True)
class Rung:
    """One fit of the ladder on the test half, as `python -m benchmarks.ladder` kept it.

    labels_a_class: English labels, None where all are known. steps: of training. languages: accuracy in
    percent. text: the fields of the recipe that leave fewer translations, or spoil the lexicon.
    """

    rung: str
    labels_a_class: int | None
    steps: int
    seed: int
    languages: dict[str, float]
    text: dict[str, float] = field(default_factory=dict)

    @property
    def mean_of_others(self) -> float:
        return mean_of_others(self.languages)


def recorded_ladder() -> list[Rung]:
    """Every fit that was tested, in the order in which they were made."""
    fits = json.loads(LADDER.read_text("utf-8"))["fits"]
    fields = Rung.__dataclass_fields__
    tested = (fit for fit in fits if fit["split"] == "test")
    return [Rung(**{name: value for name, value in fit.items() if name in fields}) for fit in tested]


def by_seed(fits: list[Rung], **wanted) -> list[float]:
    """The means without English of the fits that are as wanted, a number a seed, in the seeds' order.

    `by_seed(recorded_ladder(), rung="translate_train", steps=3000)`: all labels known, all translations,
    where nothing else is wanted.
    """
    wanted = {"labels_a_class": None, "text": {}} | wanted
    found = [fit for fit in fits if all(getattr(fit, name) == value for name, value in wanted.items())]
    return [fit.mean_of_others for fit in sorted(found, key=lambda fit: fit.seed)]


def mean_of_others(languages: Mapping[str, float]) -> float:
    """The mean over all languages but English."""
    return mean(value for name, value in languages.items() if name != ENGLISH)
