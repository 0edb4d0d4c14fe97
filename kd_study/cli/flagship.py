"""Commands for the flagship: distil a student, ask it."""

from typing import Annotated

import typer

from kd_solutions.support.language import say
from kd_study.cli import given_number
from kd_study.cli.frame import command

app = typer.Typer()
LARGEST_SEED = 2**32 - 1  # NumPy takes no larger one
AS_JSON = typer.Option("--json", help=say("one JSON object on standard output", "在标准输出打印一个JSON对象"))
DEVICE = typer.Option(
    metavar=say("DEVICE", "设备"),
    help=say(
        "cpu, cuda, cuda:1 or mps; or none: the GPU where there is one",
        "cpu、cuda、cuda:1或mps；不写则有GPU就用GPU",
    ),
)


def _choose(device: str | None) -> None:
    if device is not None:
        from kd_solutions.support.devices import use_device

        use_device(device)


@command(
    app,
    "Distil a student for many languages from the English teacher, and print what it can do.",
    "从英语教师模型蒸馏一个多语言学生模型，并打印它的成绩。",
)
def distill(
    languages: Annotated[
        list[str] | None,
        typer.Option(
            metavar=say("CODES", "代码"),
            help=say("such as de fr zh; or none: all", "语言代码，例如de fr zh；不写则为全部"),
        ),
    ] = None,
    more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    seed: Annotated[
        str,
        typer.Option(
            metavar=say("NUMBER", "数字"),
            help=say(
                "of the weights and the order of the texts, 0 if not given",
                "权重和文本顺序的随机种子，不写则为0",
            ),
        ),
    ] = "0",
    steps: Annotated[
        str | None,
        typer.Option(
            metavar=say("NUMBER", "数字"),
            help=say("fewer for a quick look", "训练步数；想快点看结果就少些"),
        ),
    ] = None,
    device: Annotated[str | None, DEVICE] = None,
    json: Annotated[bool, AS_JSON] = False,
) -> None:
    _choose(device)
    from kd_study.cli.distilling import distill_and_report

    distill_and_report(
        [*(languages or []), *(more or [])],
        given_number(seed, "--seed", 0, LARGEST_SEED),
        None if steps is None else given_number(steps, "--steps", 1),
        json,
    )


@command(
    app,
    "Ask the student that was distilled last what a command means.",
    "问最近一次蒸馏出的学生模型：一条指令是什么意思。",
)
def predict(
    text: Annotated[
        str,
        typer.Argument(
            metavar=say("TEXT", "文本"), help=say("a command in any language", "任意语言的一条指令")
        ),
    ] = "",
    device: Annotated[str | None, DEVICE] = None,
    json: Annotated[bool, AS_JSON] = False,
) -> None:
    _choose(device)
    from kd_study.cli.distilling import ask

    ask(text, json)
