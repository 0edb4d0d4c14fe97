"""The store of attempts survives damage, a full disk, a read-only folder, kills and company."""

import multiprocessing
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kd_solutions.support.paths import home_folder
from kd_study.grading.sandbox import run
from kd_study.records import store
from kd_study.records.store import Records, records_path

WRITER = """
import sys
from pathlib import Path
from kd_study.records import Records
records = Records(Path(sys.argv[1]), tell=lambda sentence: sys.exit(sentence))
for number in range(int(sys.argv[2])):
    records.add_attempt("kd_loss", "failed", str(number), "en")
"""


IN_THE_LOG = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("INSERT INTO attempts VALUES ('csls', 'passed', NULL, 'en', '2026')")
print("written", flush=True)
time.sleep(100)
"""


def start_writer(records, count):
    command = [sys.executable, "-c", WRITER, str(records.path), str(count)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def damage(records):
    records.path.parent.mkdir(exist_ok=True)
    records.path.write_bytes(b"this is no database, but it is long enough to be read as one" * 20)


def set_aside(records):
    return sorted(records.path.parent.glob("records-damaged-*.sqlite"))


def kill_a_writer(records):
    """Leaves a file whose last row is in the write-ahead log only, as a killed kernel does."""
    records.add_attempt("kd_loss", "failed", None, "en")
    writer = subprocess.Popen([sys.executable, "-c", IN_THE_LOG, str(records.path)], stdout=subprocess.PIPE)
    writer.stdout.readline()
    writer.kill()
    writer.communicate()
    assert Path(f"{records.path}-wal").stat().st_size


@contextmanager
def locked(records):
    """Another program, a backup perhaps, keeps the file to itself."""
    with closing(sqlite3.connect(records.path, isolation_level=None)) as database:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("BEGIN EXCLUSIVE")
        yield
        database.execute("ROLLBACK")


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
    damage(records)
    records.add_attempt("kd_loss", "passed", None, "en")
    assert len(records.attempts()) == 1
    (aside,) = set_aside(records)
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


def test_a_damaged_file_keeps_its_write_ahead_log_beside_it(records, told):
    kill_a_writer(records)
    log = Path(f"{records.path}-wal").read_bytes()
    damage(records)
    records.add_attempt("kd_loss", "passed", None, "en")
    (aside,) = set_aside(records)
    assert aside.read_bytes().startswith(b"this is no database")
    assert Path(f"{aside}-wal").read_bytes() == log
    assert len(records.attempts()) == 1 and len(told) == 1


def test_an_emptied_file_keeps_its_write_ahead_log_too(records):
    kill_a_writer(records)
    records.path.write_bytes(b"")
    assert records.attempts() == []
    (aside,) = set_aside(records)
    assert Path(f"{aside}-wal").stat().st_size


def test_files_damaged_within_one_second_are_all_kept(records):
    for number in range(3):
        damage(records)
        with records.path.open("ab") as file:
            file.write(b"%d" % number)
        assert records.attempts() == []
    assert sorted(path.read_bytes()[-1:] for path in set_aside(records)) == [b"0", b"1", b"2"]


def test_several_notebooks_set_a_damaged_file_aside_once_and_lose_nothing(records):
    damage(records)
    fork = multiprocessing.get_context("fork")
    together = fork.Barrier(4)

    def write():
        mine = Records(records.path, lambda sentence: None)
        together.wait()
        for _ in range(10):
            mine.add_attempt("kd_loss", "failed", None, "en")

    writers = [fork.Process(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(records.attempts()) == 40 and len(set_aside(records)) == 1


def test_what_came_while_the_file_was_locked_is_saved_as_soon_as_it_is_free(records, told, impatient):
    records.add_attempt("kd_loss", "failed", None, "en")
    with locked(records):
        records.add_attempt("csls", "passed", None, "en")
        records.add_solution("csls")
        assert [records.next_hint("csls"), records.next_hint("csls")] == [1, 2]
        assert records.solutions() == {"csls"}
        assert len(told) == 1 and "locked" in told[0]
    records.add_attempt("freeze", "passed", None, "en")
    again = Records(records.path)
    assert [attempt.exercise for attempt in again.attempts()] == ["kd_loss", "csls", "freeze"]
    assert again.solutions() == {"csls"} and again.hints() == {"csls": 2}
    assert len(told) == 2 and "saved" in told[1] and "again" in told[1]
    with locked(records):
        records.add_attempt("freeze", "failed", None, "en")
    assert len(records.attempts()) == 4 and len(told) == 4


LATE = """
import sys
from pathlib import Path
from kd_study.records import Records, store
store.BUSY_SECONDS = 0.2
Records(Path(sys.argv[1])).add_attempt("csls", "passed", None, "en")
print("kept", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("free_in_time", [True, False])
def test_what_waits_when_the_kernel_ends_is_saved_or_told(records, free_in_time):
    records.add_attempt("kd_loss", "failed", None, "en")
    pipe = subprocess.PIPE
    kernel = subprocess.Popen(
        [sys.executable, "-c", LATE, str(records.path)], stdin=pipe, stdout=pipe, text=True
    )
    with locked(records):
        assert "can't be saved" in kernel.stdout.readline() and kernel.stdout.readline() == "kept\n"
        if not free_in_time:
            said, _ = kernel.communicate()
            assert "1 study records could not be saved" in said
    if free_in_time:
        kernel.communicate()
    assert len(records.attempts()) == 1 + free_in_time


def test_what_can_only_be_read_is_shown(records):
    """For root, who may write everywhere, the disk of a grader's copy can only be read."""
    kill_a_writer(records)
    records.path.chmod(0o400)
    records.path.parent.chmod(0o500)

    def shown():
        told = []
        mine = Records(records.path, told.append)
        rows = mine.attempts()
        yield f"{len(rows)} {told}"
        mine.add_attempt("kd_loss", "passed", None, "en")
        yield f"{len(mine.attempts()) - len(rows)} {len(told)}"

    *said, _ = run(shown, 30.0)
    records.path.parent.chmod(0o700)
    records.path.chmod(0o600)
    assert said == ["2 []", "1 1"]
    assert len(records.attempts()) == 2


def test_a_file_of_a_later_version_is_read_and_written(records, told):
    records.add_attempt("kd_loss", "failed", None, "en")
    with closing(sqlite3.connect(records.path)) as database:
        database.execute("ALTER TABLE attempts ADD COLUMN seconds")
        database.execute("CREATE TABLE cards (name)")
    records.add_attempt("kd_loss", "passed", None, "en")
    assert [attempt.status for attempt in Records(records.path).attempts()] == ["failed", "passed"]
    assert told == []


def test_attempts_stay_in_their_order_when_the_clock_is_set_back(records, monkeypatch, tmp_path):
    for hour, status in ((12, "failed"), (9, "passed"), (10, "failed")):
        monkeypatch.setattr(store, "_now", lambda hour=hour: f"2026-11-28T{hour:02}:00:00.000000+00:00")
        records.add_attempt("kd_loss", status, None, "en")
    assert [attempt.status for attempt in records.attempts()] == ["failed", "passed", "failed"]
    other = Records(tmp_path / "other.sqlite")
    other.import_json(records.export_json())
    assert other.attempts() == records.attempts()


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
    assert len(records.attempts()) == 3
    assert len(told) == 1 and "readonly" in told[0]
    monkeypatch.undo()
    assert len(records.attempts()) == 3 and len(Records(records.path).attempts()) == 3


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
    assert [attempt.status for attempt in Records(records.path).attempts()] == ["failed"]
    assert len(told) == 1
    assert len(records.attempts()) == 4
    assert len(Records(records.path).attempts()) == 4 and "again" in told[1]


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
        records._write(breaks)
    assert records.solutions() == set()
