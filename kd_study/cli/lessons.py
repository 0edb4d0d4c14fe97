"""Commands for who writes lessons."""

from typing import Annotated

import typer

from kd_solutions.support.language import say
from kd_study.cli import given_path
from kd_study.cli.frame import command

app = typer.Typer()


@command(
    app,
    "Build both languages of the lessons' notebooks from their sources.",
    "从源文件生成两种语言的课程notebook。",
)
def build(
    lessons: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=say("LESSONS", "课程"),
            help=say("names or how they begin; or none: all", "课程名或其开头；不写则为全部"),
        ),
    ] = None,
    solved: Annotated[
        str | None,
        typer.Option(
            metavar=say("FOLDER", "文件夹"),
            help=say("write the solved edition to this folder", "把带答案的版本写到这个文件夹"),
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help=say("only tell whether the notebooks equal their sources", "只检查notebook与源文件是否一致"),
        ),
    ] = False,
    no_execute: Annotated[
        bool,
        typer.Option(
            "--no-execute", help=say("don't run the notebooks after building them", "生成后不运行notebook")
        ),
    ] = False,
) -> None:
    from kd_study.setup.workspace import require_repository

    require_repository()
    from kd_study.lessons.execute import build_with_progress, report_stale

    if check:
        report_stale(lessons)
    else:
        build_with_progress(lessons, given_path(solved) if solved is not None else None, not no_execute)
