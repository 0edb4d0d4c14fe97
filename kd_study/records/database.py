"""The tables in SQLite: each function does one thing to the file, and raises what SQLite raises."""

import heapq
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

_MAGIC = b"SQLite format 3\0"
TABLES = {
    "attempts": ("exercise", "status", "diagnosis", "language", "time"),
    "hints": ("exercise", "rung", "time"),
    "solutions": ("exercise", "time"),
    "answers": ("occasion", "question", "marks", "grade", "seconds", "time"),
    "choices": ("name", "value", "time"),
    "sittings": ("occasion", "level", "minutes", "seed", "items", "time"),
}
_SCHEMA = [f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)})" for name, columns in TABLES.items()]


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """A connection without hidden transactions. patience: seconds to wait for another process.

    Raises: DatabaseError where the file's beginning is damaged, before SQLite sees it: closing such a file,
    it would delete the write-ahead log, which holds what was written last.
    """
    if path.exists():
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
        log = Path(f"{path}-wal")
        if start != _MAGIC and (start or (log.exists() and log.stat().st_size)):
            raise sqlite3.DatabaseError("file is not a database")
    return sqlite3.connect(path, timeout=patience, isolation_level=None)


def use_wal(database: sqlite3.Connection, patience: float) -> None:
    """Has readers and a writer get on together; lasting, so that it costs something once."""
    deadline = time.monotonic() + patience
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # SQLite's own timeout does not cover two processes that both make this switch in a new file
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def transact(database: sqlite3.Connection, rows: list[tuple[str, tuple]], operation: Callable):
    """Makes missing tables, adds the rows (table, row), returns what `operation` does; or undoes it all."""
    database.execute("BEGIN IMMEDIATE")
    try:
        for statement in _SCHEMA:
            database.execute(statement)
        for table, row in rows:
            add(database, table, row)
        result = operation(database)
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    return result


def add(database: sqlite3.Connection, table: str, row: tuple) -> None:
    """Adds a row; columns that a later version of the table has besides stay empty."""
    columns = TABLES[table]
    marks = ", ".join("?" * len(columns))
    database.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", row)


def select(path: Path, table: str, patience: float) -> list[tuple]:
    """The table's rows in the order in which they were added; none where there is no file or no table yet."""
    if not path.exists():
        return []
    try:
        with closing(connect(path, patience)) as database:
            return _rows_of(database, table)
    except sqlite3.OperationalError:
        # where neither file nor folder can be written, SQLite can't open what is in its write-ahead log
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            copy = Path(folder) / path.name
            shutil.copyfile(path, copy)
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}-wal", f"{copy}-wal")
            with closing(connect(copy, patience)) as database:
                return _rows_of(database, table)


def _rows_of(database: sqlite3.Connection, table: str) -> list[tuple]:
    if not database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        return []
    return database.execute(f"SELECT {', '.join(TABLES[table])} FROM {table} ORDER BY rowid").fetchall()


def merge(database: sqlite3.Connection, table: str, rows: list[tuple]) -> int:
    """Puts the rows that are new among those that are here, by their times; returns how many are new.

    Both keep the order that they have among themselves, also where a clock was set back.
    """
    columns = ", ".join(TABLES[table])
    here = database.execute(f"SELECT rowid, {columns} FROM {table} ORDER BY rowid").fetchall()
    known = {row[1:] for row in here}
    new = [(None, *row) for row in dict.fromkeys(rows) if row not in known]
    if not new:
        return 0
    places = list(enumerate(heapq.merge(here, new, key=lambda row: row[-1]), 1))
    moved = [(-place, old) for place, (old, *_) in places if old is not None]
    added = [(-place, *row) for place, (old, *row) in places if old is None]
    database.executemany(f"UPDATE {table} SET rowid = ? WHERE rowid = ?", moved)
    marks = ", ".join("?" * len(added[0]))
    database.executemany(f"INSERT INTO {table} (rowid, {columns}) VALUES ({marks})", added)
    database.execute(f"UPDATE {table} SET rowid = -rowid")
    return len(new)


def is_whole(path: Path, patience: float) -> bool:
    """Whether SQLite finds nothing wrong with a file; a missing one is whole."""
    if not path.exists():
        return True
    try:
        with closing(connect(path, patience)) as database:
            return database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.OperationalError:
        return True  # busy, or can't be read: not damaged
    except sqlite3.DatabaseError:
        return False
