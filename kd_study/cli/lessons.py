"""Commands for who writes lessons and exercises."""

from typing import Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.cli import given_path, shortened
from kd_study.cli.frame import command
from kd_study.exercises.catalog import TOPIC_TITLES

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


@command(
    app,
    "Begin an exercise: write its two files, with all headings, and say what remains to be done.",
    "新建一道练习：写好它的两个文件和全部标题，并说明接下来要做什么。",
)
def new(
    kind: Annotated[str, typer.Argument(metavar="exercise", help=say("the word itself", "就写这个词"))],
    name: Annotated[
        str,
        typer.Argument(
            metavar=say("NAME", "名称"), help=say("of the function, such as kd_loss", "函数名，例如kd_loss")
        ),
    ],
    topic: Annotated[
        str,
        typer.Option(metavar=say("TOPIC", "主题"), help=", ".join(TOPIC_TITLES)),
    ] = "",
) -> None:
    from kd_study.cli.scaffold import new_exercise, next_steps
    from kd_study.setup.workspace import require_repository

    require_repository()
    if kind != "exercise":
        raise StudyError(
            say(
                f"`new` makes an exercise, as in `new exercise NAME --topic TOPIC`, not {shortened(kind)!r}; "
                "for questions and lessons see docs/contributing.md.",
                f"`new`只能新建练习，例如`new exercise 名称 --topic 主题`，不能是{shortened(kind)!r}；"
                "问题和课程请看docs/contributing.zh.md。",
            )
        )
    for path in new_exercise(name, topic):
        print(say(f"{path} is written.", f"已写好{path}。"))
    print(*next_steps(name, topic), sep="\n")
