import pytest

from kd_study.records import store
from kd_study.records.store import Records


@pytest.fixture
def told():
    return []


@pytest.fixture
def records(tmp_path, told):
    return Records(tmp_path / "home" / "records.sqlite", told.append)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.2)
