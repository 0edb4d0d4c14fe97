"""Commands for who teaches: build the editions, present the slides, fill a stick for an offline room."""

from typing import Annotated

import typer

from kd_solutions.support.language import say
from kd_study.cli import given_path
from kd_study.cli.frame import command

app = typer.Typer()


@command(
    app,
    "Build what a class is taught with: student and instructor editions, slides, handouts; both languages.",
    "生成上课要用的一切：学生版、教师版、幻灯片和讲义，两种语言。",
)
def workshop(
    lessons: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=say("LESSONS", "课程"),
            help=say("names or how they begin; or none: all", "课程名或其开头；不写则为全部"),
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar=say("FOLDER", "文件夹"),
            help=say("where to write them; build/workshop without it", "写到哪里；不写则为build/workshop"),
        ),
    ] = None,
    stick: Annotated[
        str | None,
        typer.Option(
            metavar=say("FOLDER", "文件夹"),
            help=say(
                "also fill this new folder for a room without a network: packages, caches, repository",
                "另外装好这个新文件夹，供没有网络的教室使用：软件包、缓存、仓库",
            ),
        ),
    ] = None,
) -> None:
    from kd_study.setup.workspace import require_repository

    require_repository()
    from kd_study.lessons.workshop import TARGET, build_with_progress

    target = TARGET if out is None else given_path(out)
    for sentence in build_with_progress(lessons, target):
        print(sentence)
    print(
        say(
            f"{target} holds student, instructor, slides and handouts, each in en and zh.",
            f"{target}里有学生版student、教师版instructor、幻灯片slides和讲义handouts，各有en和zh。",
        )
    )
    if stick is not None:
        from kd_study.setup.stick import make_stick

        folder = given_path(stick)
        make_stick(folder, target)
        print(
            say(
                f"{folder} is ready: on each machine, `sh start.sh` in it.",
                f"{folder}已备好：在每台机器上运行其中的`sh start.sh`。",
            )
        )


@command(
    app,
    "Open the slides in JupyterLab: Alt+R shows them, space goes on; options are passed on to JupyterLab.",
    "在JupyterLab里打开幻灯片：Alt+R放映，空格往下走；其余选项原样传给JupyterLab。",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def present(
    context: typer.Context,
    lesson: Annotated[
        str,
        typer.Argument(
            metavar=say("LESSON", "课程"),
            help=say("its name or how it begins, such as 01", "课程名或其开头，例如01"),
        ),
    ],
) -> None:
    from kd_study.setup.workspace import require_repository

    require_repository()
    from kd_study.lessons.workshop import slides_of
    from kd_study.setup.launch import open_folder

    folder, page = slides_of(lesson)
    open_folder(folder, page, context.args)
