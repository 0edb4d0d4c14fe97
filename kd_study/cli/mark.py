"""Marks for a class: a table, a report for who teaches, a page for each student."""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, say
from kd_solutions.support.progress import counting
from kd_study.cli import given_path, warn
from kd_study.cli.frame import command

if TYPE_CHECKING:
    from kd_study.classroom import MarksFolder
    from kd_study.grading.marking import Submission

app = typer.Typer()
EVERY = 1.0  # seconds from one look at a shared folder to the next
FOLDER = say("FOLDER", "文件夹")


@command(
    app,
    "Mark a class's files and notebooks: a table, a report for you, a feedback page for each student.",
    "给全班的文件和notebook评分：一张表格、一份给你的报告、每名学生一页反馈。",
)
def mark(
    folder: Annotated[
        str,
        typer.Argument(
            metavar=FOLDER,
            help=say(
                "files, one a student, or a sub-folder a student; it is only read",
                "每名学生一个文件，或一个子文件夹；只读不写",
            ),
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            metavar=FOLDER,
            help=say(
                "a new folder for the marks; FOLDER-marks without it",
                "评分写到哪个新文件夹；不写则放在全班文件夹旁边",
            ),
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(LANGUAGES),
            help=say(
                "of every page; without it each student's own", "全部反馈页的语言；不写则各用学生自己的"
            ),
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help=say("go on while the class works; Ctrl-C ends it", "上课时持续更新，直到中断"),
        ),
    ] = False,
) -> None:
    from kd_study.classroom import MarksFolder
    from kd_study.classroom.folder import beside

    if language is not None and language not in LANGUAGES:
        raise StudyError(say("--language is en or zh.", "--language只能是en或zh。"))
    given = given_path(folder)
    if not given.is_dir():
        raise StudyError(say(f"There is no folder {folder}.", f"没有文件夹{folder}。"))
    target = beside(given) if out is None else given_path(out)
    if watch:
        mark_on(given, MarksFolder(target, given), language or "")
    else:
        mark_once(given, target, language or "")


def mark_once(folder: Path, target: Path, language: str) -> None:
    """Grades the class's files, prints a line for each and where the class fails, and writes the marks."""
    from kd_study.classroom import MarksFolder, mark_class
    from kd_study.grading.marking import class_lines, files_of
    from kd_study.grading.sandbox import held

    names = files_of(folder)
    if not names:
        raise StudyError(
            say(f"{folder} holds no Python file and no notebook", f"{folder}里没有Python文件，也没有notebook")
        )
    written = MarksFolder(target, folder)  # before the work: where it can't be written, nobody waits for it
    files = list(_graded(folder, names, language))
    written.write(mark_class(files))
    print("", *class_lines(files), "", written, sep="\n")
    warn(str(held()))


def mark_on(
    folder: Path, written: "MarksFolder", language: str, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Marks what has changed, again and again, until it is interrupted."""
    from kd_study.classroom import Watch, mark_class, mark_files
    from kd_study.classroom.report import status_line

    watch, files = Watch(folder), {}
    print(written, say("Ctrl-C ends it.", "按Ctrl-C结束。"), sep="\n", flush=True)
    try:
        while True:
            changed, gone = watch.look()
            files = {name: file for name, file in files.items() if name not in gone}
            if changed:
                with counting(say("Marking", "批改"), len(changed)) as advance:
                    for file in mark_files(folder, changed, language):
                        files[file.path] = file
                        advance()
            if changed or gone:
                marks = mark_class(files[name] for name in sorted(files))
                written.write(marks)
                _redraw(f"{time.strftime('%H:%M:%S')}  {status_line(marks)}")
            sleep(EVERY)
    except KeyboardInterrupt:
        pass
    print("", written, sep="\n")


def _graded(folder: Path, names: list[Path], language: str) -> Iterator["Submission"]:
    from kd_study.classroom import mark_files
    from kd_study.grading.marking import submission_lines

    with counting(say("Marking", "批改"), len(names)) as advance:
        for file in mark_files(folder, names, language):
            print(*submission_lines(file), sep="\n", flush=True)
            advance()
            yield file


def _redraw(line: str) -> None:
    """Shows a line in the place of the one before; below it where nobody looks."""
    if sys.stdout.isatty():
        print(f"\r\x1b[K{line}", end="", flush=True)
    else:
        print(line, flush=True)
