"""What a learner did: attempts, hints, solutions seen. One SQLite file that several notebooks share.

Study never stops for the store: a damaged file is set aside under a dated name, and where nothing can be
written the records live in memory. Either is told in one sentence, once.
"""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import current_language, say
from kd_solutions.support.paths import home_folder
from kd_study.grading.grade import Report

BUSY_SECONDS = 10.0
TABLES = {
    "attempts": ("exercise", "status", "diagnosis", "language", "time"),
    "hints": ("exercise", "rung", "time"),
    "solutions": ("exercise", "time"),
}
_SCHEMA = [f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)})" for name, columns in TABLES.items()]
_T = TypeVar("_T")


class Attempt(NamedTuple):
    """One graded try; `time` is UTC in ISO format, `diagnosis` the name of a misconception or None."""

    exercise: str
    status: str
    diagnosis: str | None
    language: str
    time: str


def records_path() -> Path:
    """The store of this learner: in $KD_STUDY_HOME if set, else in the system's folder for user data."""
    if home := home_folder():
        return home / "records.sqlite"
    from platformdirs import user_data_path

    return user_data_path("kd-study", appauthor=False) / "records.sqlite"


class Records:
    """The store at `path`; `tell` gets the sentence about a damaged file or a folder without room."""

    def __init__(self, path: Path | None = None, tell: Callable[[str], None] = print):
        self.path = path or records_path()
        self._tell = tell
        self._memory: sqlite3.Connection | None = None

    def add_attempt(self, exercise: str, status: str, diagnosis: str | None, language: str) -> None:
        """Records one graded try."""
        self._insert("attempts", exercise, status, diagnosis, language, _now())

    def add_solution(self, exercise: str) -> None:
        """Records that the reference solution was looked at."""
        self._insert("solutions", exercise, _now())

    def next_hint(self, exercise: str, rungs: int = 3) -> int:
        """Climbs one rung of the exercise's ladder and returns it: 1 to `rungs`, then `rungs` again."""

        def climb(database):
            query = "SELECT COALESCE(MAX(rung), 0) FROM hints WHERE exercise = ?"
            rung = min(database.execute(query, (exercise,)).fetchone()[0] + 1, rungs)
            database.execute("INSERT INTO hints VALUES (?, ?, ?)", (exercise, rung, _now()))
            return rung

        return self._run(climb)

    def attempts(self) -> list[Attempt]:
        """Every attempt, the oldest first."""
        return [Attempt(*row) for row in self._rows("attempts")]

    def hints(self) -> dict[str, int]:
        """Exercise → the highest rung reached."""
        reached: dict[str, int] = {}
        for exercise, rung, _ in self._rows("hints"):
            reached[exercise] = max(rung, reached.get(exercise, 0))
        return reached

    def solutions(self) -> set[str]:
        """The exercises whose solution was looked at."""
        return {exercise for exercise, _ in self._rows("solutions")}

    def export_json(self) -> str:
        """Everything as JSON: table → list of rows by column name."""
        tables = {
            name: [dict(zip(columns, row, strict=True)) for row in self._rows(name)]
            for name, columns in TABLES.items()
        }
        return json.dumps(tables, ensure_ascii=False, indent=1)

    def import_json(self, text: str) -> int:
        """Adds what `export_json` wrote, without what is here already; returns the number of new rows.

        StudyError, and nothing is added, where the text is something else.
        """
        rows = _parsed(text)

        def add(database):
            before = database.total_changes
            for table, row in rows:
                same = " AND ".join(f"{column} IS ?" for column in TABLES[table])
                marks = ", ".join("?" * len(row))
                known = f"SELECT 1 FROM {table} WHERE {same}"
                sql = f"INSERT INTO {table} SELECT {marks} WHERE NOT EXISTS ({known})"
                database.execute(sql, (*row, *row))
            return database.total_changes - before

        return self._run(add)

    def _insert(self, table: str, *row) -> None:
        sql = f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})"
        self._run(lambda database: database.execute(sql, row))

    def _rows(self, table: str) -> list[tuple]:
        return self._run(lambda database: database.execute(f"SELECT * FROM {table} ORDER BY time").fetchall())

    def _run(self, operation: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs one operation as one transaction, whatever state the file is in."""
        if self._memory:
            return _transact(self._memory, operation)
        try:
            return self._on_disk(operation)
        except (sqlite3.OperationalError, OSError) as error:
            return self._go_on_in_memory(error, operation)
        except (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError):
            raise  # what is to be stored is wrong, not the file
        except sqlite3.DatabaseError:
            pass
        try:
            self._set_aside()
            return self._on_disk(operation)
        except (sqlite3.Error, OSError) as error:
            return self._go_on_in_memory(error, operation)

    def _on_disk(self, operation):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        with closing(connection):
            _use_wal(connection)
            return _transact(connection, operation)

    def _set_aside(self) -> None:
        date = f"{datetime.now():%Y-%m-%d-%H%M%S}"
        aside = self.path.with_name(f"{self.path.stem}-damaged-{date}{self.path.suffix}")
        self.path.rename(aside)
        for suffix in ("-wal", "-shm"):
            Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        self._tell(
            say(
                f"The study records were damaged and are set aside as {aside}; a new file is begun.",
                f"学习记录文件已损坏，已另存为{aside}；现从新文件开始记录。",
            )
        )

    def _go_on_in_memory(self, error: Exception, operation):
        self._memory = sqlite3.connect(":memory:", isolation_level=None)
        self._tell(
            say(
                f"Your progress can't be saved in {self.path.parent} ({error}); study goes on without it.",
                f"无法在{self.path.parent}保存学习进度（{error}）；可以继续学习，但进度不会保存。",
            )
        )
        return _transact(self._memory, operation)


def record(report: Report, into: Records) -> None:
    """Keeps a graded try; a stub to be filled, or faulty code as it was handed out, is none."""
    if report.status == "todo" or report.untouched:
        return
    diagnosis = report.diagnosis.name if report.diagnosis else None
    into.add_attempt(report.exercise, report.status, diagnosis, current_language())


def records(tell: Callable[[str], None] = print) -> Records:
    """This process's records; made at the first use, so that importing touches no file."""
    return _records_at(records_path(), tell)


@cache
def _records_at(path: Path, tell: Callable[[str], None]) -> Records:
    return Records(path, tell)


def _use_wal(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # SQLite's own timeout does not cover two processes that both make this switch in a new file
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _transact(connection: sqlite3.Connection, operation):
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _SCHEMA:
            connection.execute(statement)
        result = operation(connection)
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
    return result


def _parsed(text: str) -> list[tuple[str, tuple]]:
    try:
        tables = json.loads(text)
        return [
            (table, tuple(_checked(column, row[column]) for column in columns))
            for table, columns in TABLES.items()
            for row in tables[table]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise StudyError(
            say(
                "this is no export of study records; give the file that `progress --export` wrote",
                "这不是学习记录的导出文件；请给出`progress --export`写出的文件",
            )
        ) from error


def _checked(column: str, value):
    """The value, if the column may hold it; else TypeError."""
    whole_number = type(value) is int and 0 < value < 2**31
    right = whole_number if column == "rung" else isinstance(value, str)
    if right or (column == "diagnosis" and value is None):
        return value
    raise TypeError(f"{column} can't be {value!r}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
