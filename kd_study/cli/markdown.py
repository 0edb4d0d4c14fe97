"""Markdown for a terminal: rendered where somebody looks, as it is where it goes into a file."""

import re

from kd_study.questions.signs import readable_math

__all__ = ["print_markdown", "readable_math"]

_CHINESE = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"


def print_markdown(text: str) -> None:
    """Prints Markdown: rendered and wrapped in a terminal, unchanged into a pipe."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if console.is_terminal:
        console.print(Markdown(_without_gaps(readable_math(text)), code_theme="ansi_dark"))
    else:
        print(text)


def _without_gaps(text: str) -> str:
    """The text without line breaks between Chinese signs, which would become spaces."""
    return re.sub(rf"({_CHINESE})\n(?={_CHINESE})", r"\1", text)
