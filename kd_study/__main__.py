"""`python -m kd_study COMMAND`: a thin table of commands; each imports its own room when it is called."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.errors import StudyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command()
def build(
    lessons: Annotated[list[str] | None, typer.Argument(help="names or how they begin; or none: all")] = None,
    solved: Annotated[Path | None, typer.Option(help="write the solved edition to this folder")] = None,
    check: Annotated[bool, typer.Option(help="only tell whether the notebooks equal their sources")] = False,
    execute: Annotated[bool, typer.Option(help="run the notebooks after building them")] = True,
) -> None:
    """Build both languages of the lessons' notebooks from their sources."""
    from kd_study.build import build_with_progress, report_stale

    if check:
        report_stale(lessons)
    else:
        build_with_progress(lessons, solved, execute)


@app.command()
def progress(
    export: Annotated[Path | None, typer.Option(help="write the records to this JSON file")] = None,
    import_: Annotated[Path | None, typer.Option("--import", help="add the records of this file")] = None,
) -> None:
    """Show what is solved; or carry the records from one machine to another."""
    from kd_study.terminal import export_records, import_records, print_progress

    if export:
        export_records(export)
    elif import_:
        import_records(import_)
    else:
        print_progress()


def main() -> None:
    """Run the command line; whatever a person can mend ends as one sentence and exit code 2."""
    try:
        app()
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
