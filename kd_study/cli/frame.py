"""How the command line speaks: help and usage errors in the reader's language, whatever Typer's version."""

import re
from collections.abc import Callable
from difflib import get_close_matches

import typer
from typer.core import TyperCommand, TyperGroup

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say

UsageError = typer.BadParameter.__mro__[1]  # Click's, which Typer hands on under no name


class Command(TyperCommand):
    """A command whose help is ours."""

    def format_help(self, context, formatter) -> None:
        print_help(self, context)


class Group(TyperGroup):
    """The commands together; a mistyped one is answered with its neighbours."""

    def format_help(self, context, formatter) -> None:
        print_help(self, context)

    def resolve_command(self, context, arguments):
        name = arguments[0]
        if name not in self.commands and not name.startswith("-"):
            near = ", ".join(get_close_matches(name[:40], self.commands, n=3, cutoff=0.0))
            raise StudyError(
                say(
                    f"No command is called {_short(name)!r}. The nearest: {near}.",
                    f"没有名为{_short(name)!r}的命令，相近的有：{near}。",
                )
            )
        return super().resolve_command(context, arguments)


def command(app: typer.Typer, en: str, zh: str, **options) -> Callable:
    """Adds a function to `app` as a command; en, zh: what it does, in a sentence."""
    return app.command(cls=Command, help=say(en, zh), **options)


def print_help(of, context) -> None:
    """How it is called, what it does, and what can follow it."""
    from rich.console import Console
    from rich.padding import Padding

    parameters = [each for each in of.get_params(context) if not getattr(each, "hidden", False)]
    arguments = [each for each in parameters if each.param_type_name == "argument"]
    options = [each for each in parameters if each.param_type_name == "option"]
    console = Console(highlight=False, markup=False)
    console.print(say("Usage: ", "用法：") + _usage(of, context, arguments))
    if of.help:
        console.print(of.help, soft_wrap=False)
    sections = (
        (
            say("Commands", "命令"),
            [(name, each.help or "") for name, each in getattr(of, "commands", {}).items()],
        ),
        (say("Arguments", "参数"), [(each.metavar or each.name, each.help or "") for each in arguments]),
        (say("Options", "选项"), [(_option(each), _option_help(each)) for each in options]),
    )
    for title, rows in sections:
        if rows:
            console.print(f"\n{title}")
            console.print(Padding(_columns(rows), (0, 0, 0, 2)))


def usage_sentence(error: Exception) -> str:
    """What was wrong in how a command was called; error: a `UsageError`."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "python -m kd_study"
    see = say(f"`{path} --help` shows how it is called", f"用法见`{path} --help`")
    kind, parameter = type(error).__name__, getattr(error, "param", None)
    if kind == "NoSuchOption":
        name = _short(error.option_name)
        return say(f"There is no option {name}: {see}.", f"没有选项{name}：{see}。")
    if kind == "BadOptionUsage":
        return say(
            f"{error.option_name} needs a value, or takes none: {see}.",
            f"{error.option_name}需要一个值，或者不带值：{see}。",
        )
    if kind == "MissingParameter" and parameter is not None:
        name = parameter.metavar or parameter.name
        return say(f"{name} is missing: {see}.", f"缺少{name}：{see}。")
    if extra := re.search(r"extra argument.*\((.*)\)", error.format_message()):
        return say(
            f"Nothing was expected after the rest: {_short(extra[1])}; {see}.",
            f"后面多出了{_short(extra[1])}：{see}。",
        )
    return f"{error.format_message()} {see}"


def _usage(of, context, arguments) -> str:
    names = [each.metavar or each.name for each in arguments]
    parts = [name if each.required else f"[{name}]" for name, each in zip(names, arguments, strict=True)]
    if hasattr(of, "commands"):
        parts.append(say("COMMAND", "命令"))
    return " ".join([context.command_path, *parts, say("[OPTIONS]", "[选项]")])


def _option(option) -> str:
    value = "" if option.is_flag or "--help" in option.opts else f" {option.metavar or option.name.upper()}"
    return f"{', '.join(option.opts)}{value}"


def _option_help(option) -> str:
    return say("show this help", "显示这份帮助") if "--help" in option.opts else option.help or ""


def _columns(rows: list[tuple[str, str]]):
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column()
    for row in rows:
        table.add_row(*row)
    return table


def _short(text: str) -> str:
    """The text, or its beginning where it is too long to be read."""
    return text if len(text) <= 60 else f"{text[:60]}…"
