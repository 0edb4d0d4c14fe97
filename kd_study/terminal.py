"""The study records in a terminal."""

import sys
from pathlib import Path

from kd_solutions.errors import StudyError
from kd_study.language import say
from kd_study.records import Records


def print_progress() -> None:
    """Prints one bar a topic and one row an exercise."""
    from rich.console import Console
    from rich.table import Table

    from kd_study.summary import bars, cells, columns, headline, summarise

    rows = summarise(_records())
    table = Table(*columns(), box=None)
    for row in rows:
        table.add_row(*cells(row))
    console = Console()
    console.print(headline(rows), *bars(rows), sep="\n", markup=False, highlight=False)
    console.print(table)


def export_records(path: Path) -> None:
    """Writes every record to a JSON file."""
    try:
        path.write_text(_records().export_json(), encoding="utf-8")
    except OSError as error:
        raise StudyError(say(f"can't write {path}: {error}", f"无法写入{path}：{error}")) from error


def import_records(path: Path) -> None:
    """Adds the records of an exported JSON file to those that are here."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(say(f"can't read {path}: {error}", f"无法读取{path}：{error}")) from error
    added = _records().import_json(text)
    print(say(f"{added} records added", f"新增{added}条记录"))


def _records() -> Records:
    return Records(tell=lambda sentence: print(sentence, file=sys.stderr))
