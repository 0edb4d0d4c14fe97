"""A learner's desk of its own for each test, and a clock that can be set."""

from datetime import UTC, datetime, timedelta

import pytest

from kd_solutions.support import language
from kd_study.records import store
from kd_study.records.store import records


class Clock:
    """The time that records get; `later` moves it."""

    def __init__(self):
        self.now = datetime(2026, 11, 28, 18, tzinfo=UTC)

    def later(self, **spans) -> None:
        self.now += timedelta(**spans)

    def text(self) -> str:
        self.now += timedelta(microseconds=1)
        return self.now.isoformat(timespec="microseconds")


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(store, "_now", clock.text)
    return clock


@pytest.fixture
def desk(tmp_path, monkeypatch, clock):
    """The records that a notebook and a command of this test share."""
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(language, "_current", "en")
    return records()
