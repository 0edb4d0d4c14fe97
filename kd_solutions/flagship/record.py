"""What the full recipe reached over several seeds, read from record.json beside this."""

import json
from dataclasses import dataclass
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
