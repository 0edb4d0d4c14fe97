"""Commands to rehearse away from the lessons: the cards for Anki, and the mock interview."""

from typing import Annotated

import typer

from kd_solutions.support.language import say
from kd_study.cli import given_path, write_given
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
