"""Records carried from one machine to another."""

import json
import sqlite3

import pytest

from kd_solutions.support.errors import StudyError
from kd_study.records import store
from kd_study.records.database import TABLES
from kd_study.records.store import Records
from tests.records.test_records import locked


def test_export_and_import_round_trip(records, tmp_path):
    records.add_attempt("kd_loss", "failed", "no_t_squared", "zh")
    records.add_attempt("kd_loss", "passed", None, "zh")
    records.next_hint("freeze")
    records.add_solution("freeze")
    exported = records.export_json()

    other = Records(tmp_path / "other.sqlite")
    assert other.import_json(exported) == 4
    assert other.export_json() == exported
    assert other.import_json(exported) == 0
    assert other.export_json() == exported


def test_imported_attempts_take_their_place_among_those_that_are_here(records, monkeypatch, tmp_path):
    other = Records(tmp_path / "other.sqlite")
    for hour in range(10):
        monkeypatch.setattr(store, "_now", lambda hour=hour: f"2026-11-28T{hour:02}:00:00.000000+00:00")
        (records, other)[hour % 3 == 1].add_attempt("kd_loss", "failed", str(hour), "en")
    assert records.import_json(other.export_json()) == 3
    assert [attempt.diagnosis for attempt in records.attempts()] == list("0123456789")
    assert records.import_json(other.export_json()) == 0


def test_the_work_of_an_import_grows_with_its_rows_not_with_their_square(tmp_path, monkeypatch):
    steps = []
    connect = sqlite3.connect

    def counting(path, **options):
        database = connect(path, **options)
        database.set_progress_handler(lambda: steps.append(1), 100)
        return database

    monkeypatch.setattr(sqlite3, "connect", counting)
    taken = []
    for size in (500, 2_000):
        row = {"exercise": "kd_loss", "status": "failed", "diagnosis": None, "language": "en"}
        rows = [row | {"time": f"{number:06}"} for number in range(size)]
        steps.clear()
        text = json.dumps({"attempts": rows, "hints": [], "solutions": []})
        assert Records(tmp_path / f"{size}.sqlite").import_json(text) == size
        taken.append(len(steps))
    assert taken[1] < 6 * taken[0]


def test_an_import_that_can_not_be_written_adds_nothing(records, impatient):
    records.add_attempt("kd_loss", "failed", None, "en")
    exported = records.export_json().replace("failed", "passed")
    with locked(records), pytest.raises(StudyError, match="nothing was added"):
        records.import_json(exported)
    assert len(records.attempts()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"attempts": [{}], "hints": [], "solutions": []}',
        "[" * 100_000,
        '{"attempts": [], "hints": [], "solutions": [{"exercise": "half an emoji \\ud83d", "time": "now"}]}',
    ],
)
def test_import_of_something_else_adds_nothing(records, text):
    with pytest.raises(StudyError, match="no export"):
        records.import_json(text)
    assert json.loads(records.export_json()) == dict.fromkeys(TABLES, [])


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("attempts", "exercise", {"name": "kd_loss"}),
        ("attempts", "status", None),
        ("hints", "rung", "3"),
        ("hints", "rung", 10**30),
    ],
)
def test_import_of_damaged_values_adds_nothing_and_harms_no_record(records, told, table, column, value):
    records.add_attempt("kd_loss", "passed", None, "en")
    records.next_hint("kd_loss")
    tables = json.loads(records.export_json())
    tables[table][0][column] = value
    with pytest.raises(StudyError, match="no export"):
        records.import_json(json.dumps(tables))
    assert len(records.attempts()) == 1 and records.hints() == {"kd_loss": 1} and told == []


def test_a_mistake_in_an_operation_is_no_damage_to_the_file(records, told):
    records.add_solution("kd_loss")
    with pytest.raises(sqlite3.ProgrammingError):
        records._write(lambda database: database.execute("SELECT ?", ({},)))
    assert records.solutions() == {"kd_loss"} and told == []
