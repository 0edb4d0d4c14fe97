"""Commands for who writes lessons."""

from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.support.language import say

app = typer.Typer()


@app.command(
    help=say(
        "Build both languages of the lessons' notebooks from their sources.",
        "从源文件生成两种语言的课程notebook。",
    )
)
def build(
    lessons: Annotated[
        list[str] | None,
        typer.Argument(help=say("names or how they begin; or none: all", "课程名或其开头；不写则为全部")),
    ] = None,
    solved: Annotated[
        Path | None,
        typer.Option(help=say("write the solved edition to this folder", "把带答案的版本写到这个文件夹")),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            help=say("only tell whether the notebooks equal their sources", "只检查notebook与源文件是否一致")
        ),
    ] = False,
    execute: Annotated[
        bool, typer.Option(help=say("run the notebooks after building them", "生成后运行notebook"))
    ] = True,
) -> None:
    from kd_study.setup.workspace import require_repository

    require_repository()
    from kd_study.lessons.execute import build_with_progress, report_stale

    if check:
        report_stale(lessons)
    else:
        build_with_progress(lessons, solved, execute)
