"""`python -m kd_study COMMAND`: a thin table of commands; each imports its own room when it is called."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.errors import StudyError
from kd_study.language import say

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.command(
    help=say(
        "Open JupyterLab on the start page; options are passed on to it, such as --no-browser --port=8899.",
        "在起始页打开JupyterLab；其余选项原样传给它，例如--no-browser --port=8899。",
    ),
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def study(context: typer.Context) -> None:
    from kd_study.lab import open_lab

    open_lab(context.args)


@app.command(
    help=say(
        "Save your copies of a lesson under a dated name and lay fresh ones down.",
        "把你的某一课副本另存为带日期的文件，并放好全新的一份。",
    )
)
def reset(
    lesson: Annotated[
        str, typer.Argument(help=say("its name or how it begins, such as 03", "课程名或其开头，例如03"))
    ],
) -> None:
    from kd_study.workspace import reset

    print(*reset(lesson), sep="\n")


@app.command(
    help=say(
        "Look at everything that study needs, and say what to do about what is wrong.",
        "检查学习所需的一切；哪里有问题，就说明该怎么办。",
    )
)
def doctor() -> None:
    from kd_study.doctor import run

    raise typer.Exit(0 if run() else 1)


@app.command(
    help=say(
        "Download the teacher and the translations and parse them, unless that is done.",
        "下载教师模型和译文并完成解析；已有的不会重复。",
    )
)
def assets() -> None:
    from kd_solutions.assets import ASSETS, asset_folder
    from kd_solutions.data import prepare

    for name in ASSETS:
        print(f"{name}: {asset_folder(name)}")
    prepare()


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
    from kd_study.build import build_with_progress, report_stale

    if check:
        report_stale(lessons)
    else:
        build_with_progress(lessons, solved, execute)


@app.command(
    help=say(
        "Print an exercise, to be solved in your own editor; or without a name, list them all.",
        "打印一道练习，供你在自己的编辑器里做；不带名称则列出全部练习。",
    )
)
def exercise(
    name: Annotated[
        str | None,
        typer.Argument(help=say("such as kd_loss; or none: a list", "例如kd_loss；不写则列出全部")),
    ] = None,
) -> None:
    from kd_study.terminal import print_exercise, print_exercises

    if name:
        print_exercise(name)
    else:
        print_exercises()


@app.command(help=say("Print the next of an exercise's three hints.", "打印一道练习三条提示中的下一条。"))
def hint(name: Annotated[str, typer.Argument(help=say("such as kd_loss", "例如kd_loss"))]) -> None:
    from kd_study.terminal import print_hint

    print_hint(name)


@app.command(
    help=say(
        "Print the reference solution, what an interviewer asks next, and the sources.",
        "打印参考答案、面试官接下来会问什么，以及出处。",
    )
)
def solution(name: Annotated[str, typer.Argument(help=say("such as kd_loss", "例如kd_loss"))]) -> None:
    from kd_study.terminal import print_solution

    print_solution(name)


@app.command(
    help=say(
        "Grade every solution in a file; or a folder of submitted files, to see where a class fails.",
        "批改文件里的全部答案；给出文件夹则批改全班，看大家错在哪里。",
    )
)
def check(
    file: Annotated[
        Path,
        typer.Argument(
            help=say("a Python file, a notebook, or a class's folder", "Python文件、notebook，或全班的文件夹")
        ),
    ],
) -> None:
    from kd_study.terminal import check_file, check_folder

    passed = check_folder(file) if file.is_dir() else check_file(file)
    raise typer.Exit(0 if passed else 1)


@app.command(
    help=say(
        "Show what is solved; or carry the records from one machine to another.",
        "显示已完成的练习；或把学习记录带到另一台机器。",
    )
)
def progress(
    export: Annotated[
        Path | None,
        typer.Option(help=say("write the records to this JSON file", "把学习记录写到这个JSON文件")),
    ] = None,
    import_: Annotated[
        Path | None,
        typer.Option("--import", help=say("add the records of this file", "并入这个文件里的学习记录")),
    ] = None,
) -> None:
    from kd_study.terminal import export_records, import_records, print_progress

    if import_:
        import_records(import_)
    if export:
        export_records(export)
    if not import_ and not export:
        print_progress()


@app.command(
    help=say(
        "Distil a student for many languages from the English teacher, and print what it can do.",
        "从英语教师模型蒸馏一个多语言学生模型，并打印它的成绩。",
    )
)
def distill(
    languages: Annotated[
        list[str] | None,
        typer.Option(
            help=say("codes, such as de fr zh; or none: all", "语言代码，例如de fr zh；不写则为全部")
        ),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    seed: Annotated[
        int, typer.Option(help=say("of the weights and the order of the texts", "权重和文本顺序的随机种子"))
    ] = 0,
    steps: Annotated[
        int | None, typer.Option(min=1, help=say("fewer for a quick look", "训练步数；想快点看结果就少些"))
    ] = None,
    json: Annotated[
        bool,
        typer.Option("--json", help=say("one JSON object on standard output", "在标准输出打印一个JSON对象")),
    ] = False,
) -> None:
    from kd_study.flagship_cli import distill_and_report

    distill_and_report([*(languages or []), *(more or [])], seed, steps, json)


@app.command(
    help=say(
        "Ask the student that was distilled last what a command means.",
        "问最近一次蒸馏出的学生模型：一条指令是什么意思。",
    )
)
def predict(
    text: Annotated[str, typer.Argument(help=say("a command in any language", "任意语言的一条指令"))] = "",
    json: Annotated[
        bool,
        typer.Option("--json", help=say("one JSON object on standard output", "在标准输出打印一个JSON对象")),
    ] = False,
) -> None:
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
