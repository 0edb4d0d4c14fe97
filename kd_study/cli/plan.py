"""The command that shows what to do on which day."""

from typing import Annotated

import typer

from kd_solutions.support.language import say
from kd_study.cli import given_number, warn
from kd_study.cli.frame import command

app = typer.Typer()
COMMAND = "python -m kd_study"


@command(
    app,
    "Plan the days to the interview: lessons, exercises, questions and reviews; it follows what you do.",
    "安排到面试前的每一天：课程、练习、新题和复习；计划会随你的进度更新。",
)
def plan(
    days: Annotated[
        str | None,
        typer.Option(metavar="N", help=say("for so many days from today on", "从今天起安排这么多天")),
    ] = None,
    interview: Annotated[
        str | None,
        typer.Option(
            metavar=say("DAY", "日期"),
            help=say("up to that day, such as 2026-12-12", "到这一天为止，例如2026-12-12"),
        ),
    ] = None,
    minutes: Annotated[
        str | None, typer.Option(metavar=say("MINUTES", "分钟"), help=say("a day", "每天的时间"))
    ] = None,
) -> None:
    from kd_study.interview.plan import LONGEST, MOST, choose
    from kd_study.memory.words import read_day
    from kd_study.records.store import records

    choose(
        records(warn),
        None if days is None else given_number(days, "--days", 1, LONGEST),
        None if interview is None else read_day(interview),
        None if minutes is None else given_number(minutes, "--minutes", 1, MOST),
    )
    print_plan()


def print_plan() -> None:
    """Prints a row a task, day by day, and what to type for the first ones."""
    from rich.console import Console
    from rich.table import Table

    from kd_study.interview.plan import make_plan
    from kd_study.interview.words import rows, summary, titles
    from kd_study.records.store import records

    made = make_plan(records(warn))
    console = Console(highlight=False, markup=False)
    console.print(summary(made))
    table = Table(box=None)
    for number, title in enumerate(titles()):
        table.add_column(title, no_wrap=number != 1, justify="right" if number == 2 else "left")
    for row in rows(made):
        table.add_row(*row)
    console.print(table)
    for line in dict.fromkeys(filter(None, map(to_type, made.next()))):
        console.print(line)


def to_type(task) -> str:
    """What begins a task."""
    if task.kind == "exercise":
        return f"`{COMMAND} exercise {task.name}`"
    if task.kind == "lesson":
        return say("`make study` opens the lessons", "`make study`打开课程")
    return f"`{COMMAND} review`"
