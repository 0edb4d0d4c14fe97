"""Markdown for a terminal: rendered where somebody looks, as it is where it goes into a file."""

from kd_study.questions.signs import readable_math, without_gaps

__all__ = ["print_markdown", "readable_math"]


def print_markdown(text: str) -> None:
    """Prints Markdown: rendered and wrapped in a terminal, unchanged into a pipe."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if console.is_terminal:
        console.print(Markdown(without_gaps(readable_math(text)), code_theme="ansi_dark"))
    else:
        print(text)
