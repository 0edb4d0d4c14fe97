"""What a learner did: attempts, hints, solutions seen, answers. One SQLite file that several notebooks share.

Study never stops for the store. While the file can't be written, rows are kept in memory and follow as soon
as it can; what can be read is shown meanwhile; a damaged file is set aside under a dated name. Each is told
in one sentence, once.
"""

import atexit
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import NamedTuple, TypeVar

from filelock import FileLock

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import current_language, say
from kd_solutions.support.paths import home_folder
from kd_study.grading.grade import Report
from kd_study.records.database import TABLES, add, connect, is_whole, merge, select, transact, use_wal

BUSY_SECONDS = 10.0
BUSY_AGAIN_SECONDS = 0.5  # while something waits in memory already
_OUR_MISTAKES = (sqlite3.ProgrammingError, sqlite3.IntegrityError, sqlite3.DataError)  # and not the file's
_LATER = ("answers", "choices", "sittings")  # tables that an export of the first version hasn't
_RANGES = {"rung": range(1, 2**31), "grade": range(1, 5), "seconds": range(2**31)}
_RANGES |= {"minutes": range(2**31), "seed": range(2**31)}
_OPTIONAL = ("diagnosis", "grade", "seconds")
_T = TypeVar("_T")


class _Unsaved(Exception):
    """The file can't be written now."""


class Attempt(NamedTuple):
    """One graded try; `time` is UTC in ISO format, `diagnosis` the name of a misconception or None."""

    exercise: str
    status: str
    diagnosis: str | None
    language: str
    time: str


class Answer(NamedTuple):
    """An answer to a question, as far as it is marked.

    occasion: what the rows of one answer have in common. marks: a letter a point, see `memory.ticks`; ""
    where none was ticked. grade: 1 (forgotten) to 4 (easy), None until the answer is marked to the end.
    seconds: what it took, None where that isn't known.
    """

    occasion: str
    question: str
    marks: str
    grade: int | None
    seconds: int | None
    time: str


class Sitting(NamedTuple):
    """A mock interview as far as it is answered. items: JSON, see `interview.mock`."""

    occasion: str
    level: str
    minutes: int
    seed: int
    items: str
    time: str


def records_path() -> Path:
    """The store of this learner: in $KD_STUDY_HOME if set, else in the system's folder for user data."""
    if home := home_folder():
        return home / "records.sqlite"
    from platformdirs import user_data_path

    return user_data_path("kd-study", appauthor=False) / "records.sqlite"


class Records:
    """The store at `path`; `tell` gets the sentence about a damaged file or one that can't be written."""

    def __init__(self, path: Path | None = None, tell: Callable[[str], None] = print):
        self.path = path or records_path()
        self._tell = tell
        self._waiting: list[tuple[str, tuple]] = []  # (table, row), to be written when the file can be
        self._troubled = False

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
            add(database, "hints", (exercise, rung, _now()))
            return rung

        try:
            return self._write(climb)
        except _Unsaved:
            rung = min(self.hints().get(exercise, 0) + 1, rungs)
            self._keep("hints", (exercise, rung, _now()))
            return rung

    def add_answer(self, answer: Answer) -> None:
        """Records how far an answer is marked; its `time` is now, whatever it says."""
        self._insert("answers", *answer[:-1], _now())

    def add_sitting(self, sitting: Sitting) -> None:
        """Records how far a mock interview is; its `time` is now, whatever it says."""
        self._insert("sittings", *sitting[:-1], _now())

    def choose(self, name: str, value: str) -> None:
        """Remembers what the learner chose, such as the day of the interview."""
        self._insert("choices", name, value, _now())

    def chosen(self, name: str) -> str:
        """What was chosen last under that name; "" before any choice."""
        return next((value for known, value, _ in reversed(self._rows("choices")) if known == name), "")

    def attempts(self) -> list[Attempt]:
        """Every attempt, in the order in which they were made, whatever a clock said."""
        return [Attempt(*row) for row in self._rows("attempts")]

    def answers(self) -> list[Answer]:
        """Every answer as it was marked last, in the order in which they were, whatever a clock said."""
        return _latest([Answer(*row) for row in self._rows("answers")])

    def sittings(self) -> list[Sitting]:
        """Every mock interview as far as it came, in the order in which they were answered last."""
        return _latest([Sitting(*row) for row in self._rows("sittings")])

    def moments(self) -> list[tuple[str, str]]:
        """(exercise or question, time) of everything that was done, the earliest first."""
        attempts = [(each.exercise, each.time) for each in self.attempts()]
        hints = [(exercise, time) for exercise, _, time in self._rows("hints")]
        answers = [(each.question, each.time) for each in self.answers()]
        return sorted([*attempts, *hints, *self._rows("solutions"), *answers], key=lambda each: each[1])

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
        """Adds what `export_json` wrote, without what is here already, in its place among it.

        Returns the number of new rows. StudyError, and nothing is added, where the text is something else or
        the file can't be written.
        """
        tables = _parsed(text)
        try:
            return self._write(lambda database: sum(merge(database, *table) for table in tables.items()))
        except _Unsaved as error:
            raise StudyError(
                say(
                    f"the records in {self.path} can't be written now ({error}), so nothing was added",
                    f"学习记录文件{self.path}目前无法写入（{error}），因此没有并入任何记录",
                )
            ) from error

    def _insert(self, table: str, *row) -> None:
        try:
            self._write(lambda database: add(database, table, row))
        except _Unsaved:
            self._keep(table, row)

    def _keep(self, table: str, row: tuple) -> None:
        """Keeps a row in memory until the file can be written."""
        if not self._waiting:
            atexit.register(self._last_try)
        self._waiting.append((table, row))

    def _last_try(self) -> None:
        with suppress(_Unsaved):
            self._write(lambda database: None)
        if self._waiting:
            number = len(self._waiting)
            self._tell(
                say(
                    f"{number} study records could not be saved in {self.path} and are lost.",
                    f"有{number}条学习记录未能保存到{self.path}，已丢失。",
                )
            )

    def _rows(self, table: str) -> list[tuple]:
        """The table's rows, those that wait in memory last."""
        if self._waiting:
            with suppress(_Unsaved):
                self._write(lambda database: None)
        return self._read(table) + [row for name, row in self._waiting if name == table]

    def _read(self, table: str) -> list[tuple]:
        """The table's rows in the file, which is not written: it may be one that can only be read."""
        try:
            return self._careful(lambda: select(self.path, table, self._patience))
        except _Unsaved:
            return []

    def _write(self, operation: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs one operation, after what waits, as one transaction. Raises: _Unsaved, once told."""

        def on_disk():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(connect(self.path, self._patience)) as database:
                use_wal(database, self._patience)
                return transact(database, self._waiting, operation)

        result = self._careful(on_disk)
        self._waiting.clear()
        if self._troubled:
            self._troubled = False
            self._tell(
                say(f"Your progress is saved in {self.path} again.", f"学习进度已重新保存到{self.path}。")
            )
        return result

    @property
    def _patience(self) -> float:
        return BUSY_AGAIN_SECONDS if self._troubled else BUSY_SECONDS

    def _careful(self, act: Callable[[], _T]) -> _T:
        """What `act` returns, after a damaged file was set aside. Raises: _Unsaved where it can't be had."""
        for last in (False, True):
            try:
                return act()
            except _OUR_MISTAKES:
                raise
            except (sqlite3.OperationalError, OSError) as error:
                self._tell_trouble(error)
                raise _Unsaved(str(error)) from error
            except sqlite3.DatabaseError as error:
                if last or not self._set_aside():
                    self._tell_trouble(error)
                    raise _Unsaved(str(error)) from error
        raise AssertionError("the second time it returns or raises")

    def _tell_trouble(self, error: Exception) -> None:
        if self._troubled:
            return
        self._troubled = True
        self._tell(
            say(
                f"Your progress can't be saved in {self.path.parent} ({error}); study goes on, and it is "
                f"saved as soon as that is possible.",
                f"目前无法在{self.path.parent}保存学习进度（{error}）；可以继续学习，一旦可以写入就会补存。",
            )
        )

    def _set_aside(self) -> bool:
        """Renames a damaged file and what belongs to it; whether it is out of the way now.

        Another notebook may be doing the same: who comes second finds a new file that is whole.
        """
        try:
            with FileLock(f"{self.path}.lock", timeout=BUSY_SECONDS):
                if is_whole(self.path, BUSY_SECONDS):
                    return True
                aside = self._free_name()
                for suffix in ("-wal", "-shm", ""):  # the file last: as long as it is here, it is damaged
                    with suppress(FileNotFoundError):
                        Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        except (OSError, TimeoutError):
            return False
        self._tell(
            say(
                f"The study records were damaged and are set aside as {aside}; a new file is begun.",
                f"学习记录文件已损坏，已另存为{aside}；现从新文件开始记录。",
            )
        )
        return True

    def _free_name(self) -> Path:
        date = f"{datetime.now():%Y-%m-%d-%H%M%S}"
        for number in count(1):
            more = f"-{number}" if number > 1 else ""
            path = self.path.with_name(f"{self.path.stem}-damaged-{date}{more}{self.path.suffix}")
            if not path.exists():
                return path
        raise AssertionError("count never ends")


def _latest(rows: list[_T]) -> list[_T]:
    """The last row of each occasion."""
    latest: dict[str, _T] = {}
    for row in rows:
        latest.pop(row.occasion, None)
        latest[row.occasion] = row
    return list(latest.values())


def record(report: Report, into: Records) -> None:
    """Keeps a graded try; a stub, faulty code as handed out, or the reference's own answer is none."""
    if report.status == "todo" or report.untouched or (report.status == "passed" and not report.solved):
        return
    diagnosis = report.diagnosis.name if report.diagnosis else None
    into.add_attempt(report.exercise, report.status, diagnosis, current_language())


def records(tell: Callable[[str], None] = print) -> Records:
    """This process's records; made at the first use, so that importing touches no file."""
    return _records_at(records_path(), tell)


@cache
def _records_at(path: Path, tell: Callable[[str], None]) -> Records:
    return Records(path, tell)


def _parsed(text: str) -> dict[str, list[tuple]]:
    """Table → its rows. StudyError where the text is no export."""
    try:
        tables = json.loads(text)
        return {
            table: [tuple(_checked(column, row[column]) for column in columns) for row in rows]
            for table, columns in TABLES.items()
            for rows in [tables.get(table, []) if table in _LATER else tables[table]]
        }
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise StudyError(
            say(
                "this is no export of study records; give the file that `progress --export` wrote",
                "这不是学习记录的导出文件；请给出`progress --export`写出的文件",
            )
        ) from error


def _checked(column: str, value):
    """The value, if the column may hold it; else TypeError or ValueError."""
    if value is None and column in _OPTIONAL:
        return value
    if column in _RANGES:
        right = type(value) is int and value in _RANGES[column]
    else:
        right = isinstance(value, str) and value.encode() is not None
    if right:
        return value
    raise TypeError(f"{column} can't be {value!r}")


def now() -> datetime:
    """The moment that a record made now would have."""
    return datetime.fromisoformat(_now())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
