"""`python -m kd_study COMMAND`: a thin table of commands; each imports its own room when it is called."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.errors import StudyError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def study(context: typer.Context) -> None:
    """Open JupyterLab on the start page; options are passed on to it, such as --no-browser --port=8899."""
    from kd_study.lab import open_lab

    open_lab(context.args)


@app.command()
def reset(lesson: Annotated[str, typer.Argument(help="its name or how it begins, such as 03")]) -> None:
    """Save your copies of a lesson under a dated name and lay fresh ones down."""
    from kd_study.workspace import reset

    print(*reset(lesson), sep="\n")


@app.command()
def doctor() -> None:
    """Look at everything that study needs, and say what to do about what is wrong."""
    from kd_study.doctor import run

    raise typer.Exit(0 if run() else 1)


@app.command()
def assets() -> None:
    """Download the teacher and the translations and parse them, unless that is done."""
    from kd_solutions.assets import ASSETS, asset_folder
    from kd_solutions.data import prepare

    for name in ASSETS:
        print(f"{name}: {asset_folder(name)}")
    prepare()


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
def exercise(
    name: Annotated[str | None, typer.Argument(help="such as kd_loss; or none: a list")] = None,
) -> None:
    """Print an exercise, to be solved in your own editor; or without a name, list them all."""
    from kd_study.terminal import print_exercise, print_exercises

    if name:
        print_exercise(name)
    else:
        print_exercises()


@app.command()
def hint(name: Annotated[str, typer.Argument(help="such as kd_loss")]) -> None:
    """Print the next of an exercise's three hints."""
    from kd_study.terminal import print_hint

    print_hint(name)


@app.command()
def solution(name: Annotated[str, typer.Argument(help="such as kd_loss")]) -> None:
    """Print the reference solution, what an interviewer asks next, and the sources."""
    from kd_study.terminal import print_solution

    print_solution(name)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a Python file, a notebook, or a class's folder")],
) -> None:
    """Grade every solution in a file; or a folder of submitted files, to see where a class fails."""
    from kd_study.terminal import check_file, check_folder

    passed = check_folder(file) if file.is_dir() else check_file(file)
    raise typer.Exit(0 if passed else 1)


@app.command()
def progress(
    export: Annotated[Path | None, typer.Option(help="write the records to this JSON file")] = None,
    import_: Annotated[Path | None, typer.Option("--import", help="add the records of this file")] = None,
) -> None:
    """Show what is solved; or carry the records from one machine to another."""
    from kd_study.terminal import export_records, import_records, print_progress

    if import_:
        import_records(import_)
    if export:
        export_records(export)
    if not import_ and not export:
        print_progress()


@app.command()
def distill(
    languages: Annotated[list[str] | None, typer.Option(help="codes, such as de fr zh; or none: all")] = None,
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    seed: Annotated[int, typer.Option(help="of the weights and the order of the texts")] = 0,
    steps: Annotated[int | None, typer.Option(min=1, help="fewer for a quick look")] = None,
    json: Annotated[bool, typer.Option("--json", help="one JSON object on standard output")] = False,
) -> None:
    """Distil a student for many languages from the English teacher, and print what it can do."""
    from kd_study.flagship_cli import distill_and_report

    distill_and_report([*(languages or []), *(more or [])], seed, steps, json)


@app.command()
def predict(
    text: Annotated[str, typer.Argument(help="a command in any language")] = "",
    json: Annotated[bool, typer.Option("--json", help="one JSON object on standard output")] = False,
) -> None:
    """Ask the student that was distilled last what a command means."""
    from kd_study.flagship_cli import ask

    ask(text, json)


def main() -> None:
    """Run the command line; whatever a person can mend ends as one sentence and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # ✓ where the locale knows ASCII only
    try:
        app()
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
