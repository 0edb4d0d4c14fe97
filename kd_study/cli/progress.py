"""Commands on the study records."""

import os
from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.cli import given_path, warn, write_given
from kd_study.cli.frame import command

NARROW_COLUMNS = 80  # below, only what one looks for is shown
PIPED_COLUMNS = 160

app = typer.Typer()
FILE = say("FILE", "文件")


@command(
    app,
    "Show what comes next, what was hard and what is solved; or carry the records to another machine.",
    "显示接下来做什么、哪里薄弱、完成了哪些；或把学习记录带到另一台机器。",
)
def progress(
    export: Annotated[
        str | None,
        typer.Option(
            metavar=FILE, help=say("write the records to this JSON file", "把学习记录写到这个JSON文件")
        ),
    ] = None,
    import_: Annotated[
        str | None,
        typer.Option(
            "--import", metavar=FILE, help=say("add the records of this file", "并入这个文件里的学习记录")
        ),
    ] = None,
) -> None:
    if import_ is not None:
        import_records(given_path(import_))
    if export is not None:
        export_records(given_path(export))
    if import_ is None and export is None:
        print_progress()


def print_progress() -> None:
    """Prints what comes next, the weak spots, the time left, a bar a topic, and a row for what was tried."""
    from rich.console import Console
    from rich.table import Table

    from kd_study.interview.plan import make_plan
    from kd_study.interview.words import standing
    from kd_study.records.store import records
    from kd_study.records.summary import bars, cells, columns, headline, summarise

    rows = summarise(records(warn))
    console = Console(highlight=False, markup=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=PIPED_COLUMNS, highlight=False, markup=False)
    console.print(headline(rows))
    for title, lines in standing(records(warn), make_plan(records(warn)), rows):
        console.print(f"\n{title}")
        for line in lines:
            console.print(f"  {line}")
    console.print("", *bars(rows), sep="\n")
    tried = [row for row in rows if row.attempts or row.hints or row.solution_seen]
    if not tried:
        return
    kept = [0, 1, 3, 6] if console.width < NARROW_COLUMNS else range(len(columns()))
    table = Table(box=None)
    for index in kept:  # a name that is cut could not be typed
        table.add_column(columns()[index], no_wrap=index < 2, overflow="fold")
    for row in tried:
        table.add_row(*(cells(row)[index] for index in kept))
    console.print("")
    console.print(table)


def export_records(path: Path) -> None:
    """Writes every record to a JSON file, which appears whole or stays what it was."""
    from kd_study.records.store import records

    write_given(path, records(warn).export_json())
    print(say(f"The records are in {path}.", f"学习记录已写入{path}。"))


def import_records(path: Path) -> None:
    """Adds the records of an exported JSON file to those that are here."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudyError(say(f"can't read {path}: {reason}", f"无法读取{path}：{reason}")) from error
    from kd_study.records.store import records

    added = records(warn).import_json(text)
    print(say(f"{added} records added", f"新增{added}条记录"))
