"""Commands for who solves exercises in an editor of their own."""

from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import current_language, say
from kd_study.cli import given_number, given_path, shortened, warn
from kd_study.cli.frame import command
from kd_study.exercises import catalog
from kd_study.exercises.catalog import LEVELS, NAMES, TOPIC_TITLES, no_such_exercise, sheet

app = typer.Typer()
COMMAND = "python -m kd_study"
NAME = say("NAME", "名称")
FILE = say("FILE", "文件")


@command(
    app,
    "Print an exercise, to be solved in your own editor; or without a name, list them all.",
    "打印一道练习，供你在自己的编辑器里做；不带名称则列出全部练习。",
)
def exercise(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar=NAME, help=say("such as kd_loss; or none: a list", "例如kd_loss；不写则列出全部")
        ),
    ] = None,
) -> None:
    if name:
        print_exercise(name)
    else:
        print_exercises()


@command(
    app,
    "Print the next of an exercise's three hints below those before it, or the one that you name.",
    "打印一道练习三条提示中的下一条，之前的也一并列出；也可以指定看哪一条。",
)
def hint(
    name: Annotated[str, typer.Argument(metavar=NAME, help=say("such as kd_loss", "例如kd_loss"))],
    rung: Annotated[
        str | None,
        typer.Argument(metavar="1|2|3", help=say("which; or none: the next", "第几条；不写则为下一条")),
    ] = None,
) -> None:
    print_hint(name, None if rung is None else given_number(rung, "1|2|3", 1, 3))


@command(
    app,
    "Print the reference solution, what an interviewer asks next, and the sources.",
    "打印参考答案、面试官接下来会问什么，以及出处。",
)
def solution(
    name: Annotated[str, typer.Argument(metavar=NAME, help=say("such as kd_loss", "例如kd_loss"))],
) -> None:
    print_solution(name)


@command(
    app,
    "Grade every solution in a file; or a folder of submitted files, to see where a class fails.",
    "批改文件里的全部答案；给出文件夹则批改全班，看大家错在哪里。",
)
def check(
    file: Annotated[
        str,
        typer.Argument(
            metavar=FILE,
            help=say(
                "a Python file, a notebook, or a class's folder", "Python文件、notebook，或全班的文件夹"
            ),
        ),
    ],
) -> None:
    path = given_path(file)
    passed = check_folder(path) if path.is_dir() else check_file(path)
    raise typer.Exit(0 if passed else 1)


@command(
    app,
    "Write down why a failed answer is right: function, report and versions in one file for an issue.",
    "认为没通过的答案其实是对的：把函数、批改结果和版本写进一个文件，附在反馈里。",
)
def dispute(
    file: Annotated[
        str,
        typer.Argument(metavar=FILE, help=say("a Python file or a notebook", "Python文件或notebook")),
    ],
    name: Annotated[str, typer.Argument(metavar=NAME, help=say("such as kd_loss", "例如kd_loss"))],
) -> None:
    from kd_study.cli.dispute import write_dispute

    written = write_dispute(given_path(file), known(name), Path.cwd())
    print(
        say(
            f"{written.name} is written: say at its top why the answer is right, and attach it to an issue.",
            f"已写好{written.name}：请在开头说明为什么答案是对的，再附在issue里提交。",
        )
    )


def print_exercise(name: str) -> None:
    """Prints an exercise as the beginning of a Python file."""
    print(exercise_file(known(name)))


def exercise_file(name: str) -> str:
    """The beginning of a Python file: the exercise's statement as a comment, its stub."""
    from kd_study.cli.markdown import readable_math
    from kd_study.exercises.stubs import stub_source

    statement = readable_math(str(sheet(name).statement)).splitlines()
    statement += [
        "",
        say(f"`{COMMAND} check FILE` grades this file,", f"`{COMMAND} check 文件`批改这个文件，"),
        say(f"`{COMMAND} hint {name}` helps,", f"`{COMMAND} hint {name}`给出提示，"),
        say(
            f"`{COMMAND} solution {name}` shows the reference.", f"`{COMMAND} solution {name}`显示参考答案。"
        ),
    ]
    stub = stub_source(catalog.exercise(name), current_language())
    return "\n\n".join(["\n".join(f"# {line}".rstrip() for line in statement), stub])


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


def print_hint(name: str, rung: int | None = None) -> None:
    """Prints the next of an exercise's three hints below the earlier ones; or the hint of that number."""
    from kd_study.cli.markdown import print_markdown
    from kd_study.notebook.hints import hint_text
    from kd_study.records.store import records

    print_markdown(hint_text(known(name), records(warn), rung))


def print_solution(name: str) -> None:
    """Prints the reference solution with its discussion and sources, and records that it was seen."""
    from kd_study.cli.markdown import print_markdown
    from kd_study.notebook.hints import solution_text
    from kd_study.records.store import records

    print_markdown(solution_text(known(name)))
    records(warn).add_solution(name)


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
    print("", *next_steps(path, graded.reports), sep="\n")
    return not problems and all(report.solved for report in graded.reports)


def next_steps(path, reports) -> list[str]:
    """What to type now: for the first answer that failed, else the first to do, else the next exercise."""
    from kd_study.records.agenda import next_exercises
    from kd_study.records.store import records
    from kd_study.records.summary import summarise

    first = {status: [r.exercise for r in reports if r.status == status] for status in ("failed", "todo")}
    if first["failed"]:
        name = first["failed"][0]
        return [
            say(f"Mend {name} and check again; `{COMMAND} hint {name}` helps.",
                f"修改{name}后再检查一次；需要时可用`{COMMAND} hint {name}`。"),
            say(f"Sure that it is right? `{COMMAND} dispute {path} {name}` writes down what to report.",
                f"确信自己写对了？`{COMMAND} dispute {path} {name}`会写好可供反馈的文件。"),
        ]  # fmt: skip
    if first["todo"]:
        name = first["todo"][0]
        return [
            say(f"{name} is to be filled in; `{COMMAND} hint {name}` helps.",
                f"{name}还没有写；需要时可用`{COMMAND} hint {name}`。")
        ]  # fmt: skip
    if borrowed := [report.exercise for report in reports if not report.solved]:
        return [
            say(f"Write {borrowed[0]} without the reference, and check again.",
                f"请不借助参考答案自己写出{borrowed[0]}，再检查一次。")
        ]  # fmt: skip
    solved = reports[-1].exercise
    following = next_exercises(summarise(records(warn)), after=solved, count=1)
    steps = [
        say(f"Solved. `{COMMAND} solution {solved}` shows the reference and what an interviewer asks next.",
            f"通过。`{COMMAND} solution {solved}`会显示参考答案，以及面试官接下来会问什么。")
    ]  # fmt: skip
    for name in following:
        steps.append(say(f"Next: `{COMMAND} exercise {name}`.", f"下一道：`{COMMAND} exercise {name}`。"))
    return steps


def check_folder(folder) -> bool:
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
    solved = all(report.solved for one in graded for report in one.reports)
    return solved and not any(one.problems for one in graded)


def known(name: str) -> str:
    """The name, if an exercise has it; else StudyError with the names most like it."""
    if name not in NAMES:
        raise StudyError(no_such_exercise(shortened(name)))
    return name
