"""Exercises and study records in a terminal."""

import os
import sys
from pathlib import Path

from kd_solutions.errors import StudyError
from kd_study.exercises import NAMES, exercise, nearest
from kd_study.language import current_language, say
from kd_study.records import Records

NARROW_COLUMNS = 80  # below, only what one looks for is shown
PIPED_COLUMNS = 160


def print_exercise(name: str) -> None:
    """Prints an exercise as the beginning of a Python file: its statement as a comment, its stub."""
    from kd_study.stubs import stub_source

    task = exercise(_known(name))
    statement = str(task.statement).strip().splitlines()
    statement += ["", *_what_next(name).splitlines()]
    print("\n".join(f"# {line}".rstrip() for line in statement), stub_source(task), sep="\n\n")


def print_exercises() -> None:
    """Prints one line an exercise, in the order of study: whether it is solved, its level and its time."""
    from kd_study.questions import LEVELS
    from kd_study.summary import summarise, topic_title

    topic = None
    for row in summarise(_records()):
        if row.topic != topic:
            topic = row.topic
            print(topic_title(topic))
        task = exercise(row.exercise)
        minutes = say(f"{task.minutes} min", f"{task.minutes}分钟")
        print(f"  {row.mark} {task.name:<27} {LEVELS[task.level]}{say(', ', '，')}{minutes}")


def print_hint(name: str) -> None:
    """Prints the next of an exercise's three hints."""
    rung = _records().next_hint(_known(name))
    print(say(f"Hint {rung} of 3:", f"提示{rung}/3："), str(exercise(name).hints[rung - 1]).strip(), sep="\n")


def print_solution(name: str) -> None:
    """Prints the reference solution with its discussion and sources."""
    from kd_study.notebook import solution

    solution(_known(name))


def check_file(path: Path) -> bool:
    """Grades every solution in a file, prints and records the reports; True if all pass."""
    from kd_study.stubs import is_untouched
    from kd_study.submissions import grade_all, solutions_in

    solutions = solutions_in(path)
    if not solutions:
        raise StudyError(
            say(
                f"{path} holds no solution: name your function as the exercise, such as kd_loss",
                f"{path}里没有找到答案：函数名要与练习同名，例如kd_loss",
            )
        )
    reports = grade_all(solutions)
    for report in reports:
        print(report)
        function = solutions[report.exercise]
        if report.status != "todo" and not is_untouched(function, exercise(report.exercise)):
            diagnosis = report.diagnosis.name if report.diagnosis else None
            _records().add_attempt(report.exercise, report.status, diagnosis, current_language())
    unsolved = [report.exercise for report in reports if report.status != "passed"]
    if unsolved:
        print("", _what_next(unsolved[0]), sep="\n")
    return not unsolved


def check_folder(folder: Path) -> bool:
    """Grades every file of a class, prints them and where the class fails; records nothing."""
    from kd_study.classroom import class_lines, submission_line, submissions

    graded = []
    for submission in submissions(folder):
        print(submission_line(submission), flush=True)
        graded.append(submission)
    if not graded:
        raise StudyError(
            say(f"{folder} holds no Python file and no notebook", f"{folder}里没有Python文件，也没有notebook")
        )
    print("", *class_lines(graded), sep="\n")
    solved = all(report.status == "passed" for one in graded for report in one.reports)
    return solved and not any(one.problem for one in graded)


def print_progress() -> None:
    """Prints one bar a topic and one row an exercise."""
    from rich.console import Console
    from rich.table import Table

    from kd_study.summary import bars, cells, columns, headline, summarise

    rows = summarise(_records())
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=PIPED_COLUMNS)
    kept = [0, 1, 3, 6] if console.width < NARROW_COLUMNS else range(len(columns()))
    table = Table(box=None)
    for index in kept:  # a name that is cut could not be typed
        table.add_column(columns()[index], no_wrap=index < 2, overflow="fold")
    for row in rows:
        table.add_row(*(cells(row)[index] for index in kept))
    console.print(headline(rows), *bars(rows), sep="\n", markup=False, highlight=False)
    console.print(table)


def export_records(path: Path) -> None:
    """Writes every record to a JSON file, which appears whole or stays what it was."""
    from kd_study.workspace import write_whole

    try:
        write_whole(path, _records().export_json().encode())
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(say(f"can't write {path}: {reason}", f"无法写入{path}：{reason}")) from error
    print(say(f"The records are in {path}.", f"学习记录已写入{path}。"))


def import_records(path: Path) -> None:
    """Adds the records of an exported JSON file to those that are here."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StudyError(say(f"can't read {path}: {reason}", f"无法读取{path}：{reason}")) from error
    added = _records().import_json(text)
    print(say(f"{added} records added", f"新增{added}条记录"))


def _what_next(name: str) -> str:
    command = "python -m kd_study"
    return say(
        f"`{command} check FILE` grades it, `{command} hint {name}` helps,\n"
        f"`{command} solution {name}` shows the reference.",
        f"`{command} check FILE`检查答案，`{command} hint {name}`给出提示，\n"
        f"`{command} solution {name}`显示参考答案。",
    )


def _known(name: str) -> str:
    if name in NAMES:
        return name
    near = ", ".join(nearest(name))
    raise StudyError(
        say(
            f"no exercise is called {name!r}; the nearest: {near}",
            f"没有名为{name!r}的练习，相近的有：{near}",
        )
    )


def _records() -> Records:
    return Records(tell=lambda sentence: print(sentence, file=sys.stderr))
