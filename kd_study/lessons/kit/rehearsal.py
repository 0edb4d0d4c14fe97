"""A mock interview that leaves no trace: a lesson shows one without touching the reader's own records."""

from pathlib import Path
from tempfile import TemporaryDirectory

from kd_study.interview.mock import MockInterview
from kd_study.interview.report import sections
from kd_study.records.store import Records


def rehearse(letter: str, seed: int, level: str = "senior") -> MockInterview:
    """An interview in which every point is answered alike, and no exercise: letter "s", "h" or "m"."""
    return _held(lambda number: letter * number, seed, level)[0]


def report_on_last_points(seed: int, level: str = "senior") -> list[tuple[str, list[str]]]:
    """What is told somebody who says the last point of each answer alone; the parts with dates left out."""
    return _held(lambda number: "m" * (number - 1) + "s", seed, level)[1]


def _held(marks, seed: int, level: str) -> tuple[MockInterview, list[tuple[str, list[str]]]]:
    """marks: number of points → a letter each."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        records = Records(Path(folder) / "records.sqlite")
        interview = MockInterview(records, level=level, seed=seed)
        while item := interview.current:
            interview.tick(marks(len(item.points))) if item.asked else interview.go_on()
        _, *told = sections(interview.so_far(), records)
    return interview, told[:-2]  # cards and earlier interviews
