"""The store of attempts survives damage, a full disk, a read-only folder, kills and company."""

import json
import multiprocessing
import resource
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from kd_solutions.support.errors import StudyError
from kd_solutions.support.paths import home_folder
from kd_study.records.store import Records, records_path

WRITER = """
import sys
from pathlib import Path
from kd_study.records import Records
records = Records(Path(sys.argv[1]), tell=lambda sentence: sys.exit(sentence))
for number in range(int(sys.argv[2])):
    records.add_attempt("kd_loss", "failed", str(number), "en")
"""


@pytest.fixture
def told():
    return []


@pytest.fixture
def records(tmp_path, told):
    return Records(tmp_path / "home" / "records.sqlite", told.append)


def start_writer(records, count):
    command = [sys.executable, "-c", WRITER, str(records.path), str(count)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def test_home_moves_the_store(monkeypatch, tmp_path):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    assert records_path() == tmp_path / "records.sqlite"
    monkeypatch.setenv("KD_STUDY_HOME", "~/study")
    assert records_path() == home_folder() / "records.sqlite" and records_path().is_absolute()


def test_remembers_attempts_hints_and_solutions(records, told):
    records.add_attempt("kd_loss", "failed", "no_t_squared", "en")
    records.add_attempt("kd_loss", "passed", None, "zh")
    records.add_solution("freeze")
    assert [records.next_hint("kd_loss") for _ in range(5)] == [1, 2, 3, 3, 3]

    again = Records(records.path, told.append)
    assert [attempt[:4] for attempt in again.attempts()] == [
        ("kd_loss", "failed", "no_t_squared", "en"),
        ("kd_loss", "passed", None, "zh"),
    ]
    assert again.hints() == {"kd_loss": 3}
    assert again.solutions() == {"freeze"}
    assert told == []


def test_damaged_file_is_set_aside_and_named(records, told):
    records.path.parent.mkdir()
    records.path.write_bytes(b"this is no database, but it is long enough to be read as one" * 20)
    records.add_attempt("kd_loss", "passed", None, "en")
    assert len(records.attempts()) == 1
    (aside,) = records.path.parent.glob("records-damaged-*.sqlite")
    assert aside.read_bytes().startswith(b"this is no database")
    assert len(told) == 1 and str(aside) in told[0]


def test_file_damaged_in_its_middle_is_set_aside(records, told):
    for number in range(200):
        records.add_attempt("kd_loss", "failed", f"mistake {number}", "en")
    content = bytearray(records.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    records.path.write_bytes(content)
    records.add_attempt("kd_loss", "passed", None, "en")
    assert [attempt.status for attempt in records.attempts()] == ["passed"]
    assert len(told) == 1 and "damaged" in told[0]


def test_folder_that_cannot_be_made_stops_nothing(tmp_path, told):
    (tmp_path / "file").write_text("in the way")
    records = Records(tmp_path / "file" / "records.sqlite", told.append)
    records.add_attempt("kd_loss", "passed", None, "en")
    assert records.next_hint("kd_loss") == 1
    assert len(records.attempts()) == 1
    assert len(told) == 1 and "can't be saved" in told[0]


def test_read_only_database_stops_nothing(records, told, monkeypatch):
    records.add_attempt("kd_loss", "failed", None, "en")
    connect = sqlite3.connect

    def connect_read_only(path, **options):
        return connect(path if path == ":memory:" else f"file:{path}?mode=ro", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", connect_read_only)
    records.add_attempt("kd_loss", "passed", None, "en")
    records.add_attempt("kd_loss", "passed", None, "en")
    assert len(records.attempts()) == 2
    assert len(told) == 1 and "readonly" in told[0]


def test_full_disk_stops_nothing(records, told):
    """A limit on the size of files makes the system refuse to write, as a full disk does."""
    records.add_attempt("kd_loss", "failed", None, "en")
    size = records.path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, hard))
    try:
        for _ in range(3):
            records.add_attempt("kd_loss", "passed", None, "en")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert len(records.attempts()) == 3
    assert len(told) == 1
    assert [attempt.status for attempt in Records(records.path).attempts()] == ["failed"]


def test_several_notebooks_at_once_lose_nothing(records, told):
    writers = [start_writer(records, 25) for _ in range(4)]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()
    assert len(records.attempts()) == 100
    assert told == []


def test_several_notebooks_may_begin_the_file_together(tmp_path):
    fork = multiprocessing.get_context("fork")
    for round_number in range(40):
        path, together = tmp_path / f"{round_number}.sqlite", fork.Barrier(6)

        def write(path=path, together=together):
            records = Records(path)
            together.wait()
            records.add_attempt("kd_loss", "failed", None, "en")

        writers = [fork.Process(target=write) for _ in range(6)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert len(Records(path).attempts()) == 6


def test_killed_kernel_leaves_nothing_half_recorded(records, told):
    writer = start_writer(records, 100_000)
    while not (records.path.exists() and records.attempts()):
        time.sleep(0.01)
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    before = records.attempts()
    assert [int(attempt.diagnosis) for attempt in before] == list(range(len(before)))
    records.add_attempt("kd_loss", "passed", None, "en")
    assert len(records.attempts()) == len(before) + 1
    assert told == []


def test_an_operation_that_fails_half_way_is_undone(records):
    def breaks(database):
        database.execute("INSERT INTO solutions VALUES ('kd_loss', 'now')")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        records._run(breaks)
    assert records.solutions() == set()


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


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"attempts": [{}], "hints": [], "solutions": []}'])
def test_import_of_something_else_adds_nothing(records, text):
    with pytest.raises(StudyError, match="no export"):
        records.import_json(text)
    assert json.loads(records.export_json()) == {"attempts": [], "hints": [], "solutions": []}


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
        records._run(lambda database: database.execute("SELECT ?", ({},)))
    assert records.solutions() == {"kd_loss"} and told == []
