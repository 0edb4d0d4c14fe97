"""Commands to rehearse away from the lessons: the cards for Anki, and the mock interview."""

from typing import Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.cli import given_number, given_path, warn, write_given
from kd_study.cli.frame import command

app = typer.Typer()
DECK = "kd-study.apkg"


@command(
    app,
    "Write every question, in both languages, as cards for Anki; a later deck updates them.",
    "把全部题目（中英文）写成Anki卡片；以后重新导入会更新卡片，不会重复。",
)
def anki(
    out: Annotated[
        str,
        typer.Option(
            metavar=say("FILE", "文件"),
            help=say("where to; here if none is given", "写到哪里；默认当前文件夹"),
        ),
    ] = DECK,
) -> None:
    from kd_study.memory.anki import package
    from kd_study.questions import all_questions

    path = given_path(out)
    write_given(path, package())
    number = len(all_questions())
    print(
        say(
            f"{path}: {number} questions in English and in Chinese. In Anki: File, Import. A later file "
            "updates the cards, and Anki keeps what it knows of your memory.",
            f"{path}：{number}道题，中英文各一套。在Anki里用“文件→导入”。以后导入新文件会更新卡片，"
            "复习进度不会丢。",
        )
    )


@command(
    app,
    "Sit a mock interview: six questions and two exercises by the clock, follow-ups, and a report.",
    "来一场模拟面试：六个问题、两道练习，逐题计时，有追问，最后给出报告。",
)
def interview(
    minutes: Annotated[
        str, typer.Option(metavar=say("MINUTES", "分钟"), help=say("for all of it", "总时长"))
    ] = "45",
    level: Annotated[
        str,
        typer.Option(
            metavar="junior|senior|staff",
            help=say("of whom you want to be", "按哪个级别出题"),
        ),
    ] = "senior",
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="N", help=say("the same interview again; none: a new one", "重做同一场；不写则出新的一场")
        ),
    ] = None,
    for_: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="one|two",
            help=say(
                "two: writes a page for the interviewer and one for the candidate",
                "two：写出两份网页，一份给面试官，一份给候选人",
            ),
        ),
    ] = "one",
) -> None:
    from kd_study.interview.mock import LEAST, MOST, MockInterview
    from kd_study.records.store import records

    if for_ not in ("one", "two"):
        raise StudyError(say("--for is one or two.", "--for只能是one或two。"))
    held = MockInterview(
        records(warn),
        given_number(minutes, "--minutes", LEAST, MOST),
        level,
        None if seed is None else given_number(seed, "--seed", 0, 2**31 - 1),
    )
    if for_ == "two":
        from kd_study.cli.for_two import write_pages

        write_pages(held)
    else:
        from kd_study.cli.interviewing import hold

        hold(held)
