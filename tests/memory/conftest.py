"""A learner's desk of its own for each test, and a clock that can be set."""

import time
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
    """Six in the evening of 28 November 2026, in a place where that is the time everywhere."""
    clock = Clock()
    monkeypatch.setattr(store, "_now", clock.text)
    with monkeypatch.context() as here:
        here.setenv("TZ", "UTC")
        time.tzset()
        yield clock
    time.tzset()


@pytest.fixture
def desk(tmp_path, monkeypatch, clock):
    """The records that a notebook and a command of this test share."""
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(language, "_current", "en")
    return records()
