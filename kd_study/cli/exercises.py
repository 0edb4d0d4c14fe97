"""Commands for who solves exercises in an editor of their own."""

import os
from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.cli import warn
from kd_study.exercises import catalog
from kd_study.exercises.catalog import LEVELS, NAMES, TOPIC_TITLES, no_such_exercise, sheet

app = typer.Typer()


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
    if name:
        print_exercise(name)
    else:
        print_exercises()


@app.command(help=say("Print the next of an exercise's three hints.", "打印一道练习三条提示中的下一条。"))
def hint(name: Annotated[str, typer.Argument(help=say("such as kd_loss", "例如kd_loss"))]) -> None:
    print_hint(name)


@app.command(
    help=say(
        "Print the reference solution, what an interviewer asks next, and the sources.",
        "打印参考答案、面试官接下来会问什么，以及出处。",
    )
)
def solution(name: Annotated[str, typer.Argument(help=say("such as kd_loss", "例如kd_loss"))]) -> None:
    print_solution(name)


@app.command(
    help=say(
        "Grade every solution in a file; or a folder of submitted files, to see where a class fails.",
        "批改文件里的全部答案；给出文件夹则批改全班，看大家错在哪里。",
    )
)
def check(
    file: Annotated[
        str,
        typer.Argument(
            help=say("a Python file, a notebook, or a class's folder", "Python文件、notebook，或全班的文件夹")
        ),
    ],
) -> None:
    if not file:
        raise StudyError(
            say("name a file or a folder, not an empty text", "请给出文件或文件夹，不要给空的文字")
        )
    passed = check_folder(Path(file)) if os.path.isdir(file) else check_file(Path(file))
    raise typer.Exit(0 if passed else 1)


def print_exercise(name: str) -> None:
    """Prints an exercise as the beginning of a Python file: its statement as a comment, its stub."""
    from kd_study.exercises.stubs import stub_source

    statement = str(sheet(_known(name)).statement).splitlines()
    statement += ["", *_what_next(name).splitlines()]
    stub = stub_source(catalog.exercise(name), current_language())
    print("\n".join(f"# {line}".rstrip() for line in statement), stub, sep="\n\n")


def print_exercises() -> None:
    """Prints one line an exercise, in the order of study: whether it is solved, its level and its time."""
    from kd_study.records.store import records
    from kd_study.records.summary import summarise

    topic = None
    for row in summarise(records(warn)):
        if row.topic != topic:
            topic = row.topic
            print(TOPIC_TITLES[topic])
        task = sheet(row.exercise)
        minutes = say(f"{task.minutes} min", f"{task.minutes}分钟")
        print(f"  {row.mark} {task.name:<27} {LEVELS[task.level]}{say(', ', '，')}{minutes}")


def print_hint(name: str) -> None:
    """Prints the next of an exercise's three hints."""
    from kd_study.records.store import records

    rung = records(warn).next_hint(_known(name))
    print(say(f"Hint {rung} of 3:", f"提示{rung}/3："), str(sheet(name).hints[rung - 1]), sep="\n")


def print_solution(name: str) -> None:
    """Prints the reference solution with its discussion and sources."""
    from kd_study.notebook import desk

    desk.solution(_known(name))


def check_file(path: Path) -> bool:
    """Grades every solution in a file, prints and records the reports; True if all pass.

    StudyError where nothing could be graded.
    """
    from kd_study.grading.sandbox import held
    from kd_study.grading.submissions import grade_file
    from kd_study.records.store import record, records

    if not held().time:
        warn(str(held()))
    graded = grade_file(path)
    problems = [say(f"{path}: {problem}", f"{path}：{problem}") for problem in graded.problems]
    if not graded.reports:
        nothing = say(
            f"{path} holds no solution: name your function as the exercise, such as kd_loss",
            f"{path}里没有找到答案：函数名要与练习同名，例如kd_loss",
        )
        raise StudyError("\n".join(problems) or nothing)
    for report in graded.reports:
        print(report)
        record(report, records(warn))
    for problem in problems:
        warn(problem)
    unsolved = [report.exercise for report in graded.reports if report.status != "passed"]
    if unsolved:
        print("", _what_next(unsolved[0]), sep="\n")
    return not unsolved and not problems


def check_folder(folder: Path) -> bool:
    """Grades every file of a class, prints them and where the class fails; records nothing."""
    from kd_study.grading.marking import class_lines, submission_lines, submissions
    from kd_study.grading.sandbox import held

    graded = []
    for submission in submissions(folder):
        print(*submission_lines(submission), sep="\n", flush=True)
        graded.append(submission)
    if not graded:
        raise StudyError(
            say(f"{folder} holds no Python file and no notebook", f"{folder}里没有Python文件，也没有notebook")
        )
    print("", *class_lines(graded), sep="\n")
    warn(str(held()))
    solved = all(report.status == "passed" for one in graded for report in one.reports)
    return solved and not any(one.problems for one in graded)


def _what_next(name: str) -> str:
    command = "python -m kd_study"
    return say(
        f"`{command} check FILE` grades it, `{command} hint {name}` helps,\n"
        f"`{command} solution {name}` shows the reference.",
        f"`{command} check FILE`检查答案，`{command} hint {name}`给出提示，\n"
        f"`{command} solution {name}`显示参考答案。",
    )


def _known(name: str) -> str:
    if name not in NAMES:
        raise StudyError(no_such_exercise(name))
    return name
