"""Commands around the lessons: open them, reset one, look at the machine, fetch what is needed."""

from typing import Annotated

import typer

from kd_solutions.support.language import say
from kd_study.cli.frame import command

app = typer.Typer()


@command(
    app,
    "Open JupyterLab on the start page; options are passed on to it, such as --no-browser --port=8899.",
    "在起始页打开JupyterLab；其余选项原样传给它，例如--no-browser --port=8899。",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def study(context: typer.Context) -> None:
    from kd_study.setup.launch import open_lab

    open_lab(context.args)


@command(
    app,
    "Save your copies of a lesson under a dated name and lay fresh ones down.",
    "把你的某一课副本另存为带日期的文件，并放好全新的一份。",
)
def reset(
    lesson: Annotated[
        str,
        typer.Argument(
            metavar=say("LESSON", "课程"),
            help=say("its name or how it begins, such as 03", "课程名或其开头，例如03"),
        ),
    ],
) -> None:
    from kd_study.setup import workspace

    print(*workspace.reset(lesson), sep="\n")


@command(
    app,
    "Look at everything that study needs, and say what to do about what is wrong.",
    "检查学习所需的一切；哪里有问题，就说明该怎么办。",
)
def doctor() -> None:
    from kd_study.setup.doctor import run

    raise typer.Exit(0 if run() else 1)


@command(
    app,
    "Download the teacher and the translations and do what is slow, unless that is done.",
    "下载教师模型和译文，并完成耗时的准备；已有的不会重复。",
)
def assets(
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help=say("what the longest lessons need, too", "连最长的课要用的也一并备好"),
        ),
    ] = False,
) -> None:
    from kd_study.setup.prepare import prepare

    for name, folder in prepare(everything):
        print(f"{name}: {folder}", flush=True)
