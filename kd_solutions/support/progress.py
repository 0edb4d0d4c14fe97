"""One line that counts, for whatever takes more than a moment: in a terminal, or where a desk shows it."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

QUIET_VARIABLE = "KD_STUDY_QUIET"  # set where nobody looks and outputs are compared
REDRAWN_EVERY = 0.25  # seconds

Advance = Callable[..., None]  # advance(count=1, note="")
Line = Callable[[str], None]  # shows a text in the place of the one before


def _in_no_place_of_its_own() -> Line | None:
    return None


_new_line = _in_no_place_of_its_own


def show_lines_with(new_line: Callable[[], Line | None] = _in_no_place_of_its_own) -> None:
    """From here on `new_line()` gives each line its place, such as below a cell; None: the terminal does."""
    global _new_line
    _new_line = new_line


@contextmanager
def counting(title: str, total: int | None, shown: bool | None = None, done: int = 0) -> Iterator[Advance]:
    """Shows how far something is: `with counting("reading", 30) as advance: …; advance()`.

    advance(count=1, note=""): so many more are done; note: a few words behind the numbers, such as the loss.
    total: None where nobody knows. done: what an earlier run had done. shown: by default where somebody
    looks, at a terminal or in a notebook. Nothing of it is left when the work ends, but in a log, which
    keeps the last state.
    """
    if shown is False or os.environ.get(QUIET_VARIABLE):
        yield lambda count=1, note="": None
    elif line := _new_line():
        yield from _in_place(line, title, total, done)
    elif shown or sys.stderr.isatty():
        yield from _in_the_terminal(title, total, done)
    else:
        yield lambda count=1, note="": None


def _in_the_terminal(title: str, total: int | None, done: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=console.is_terminal) as progress:
        bar = progress.add_task(title, total=total, completed=done, note="")
        yield lambda count=1, note="": progress.update(bar, advance=count, note=note)


def _in_place(line: Line, title: str, total: int | None, done: int) -> Iterator[Advance]:
    line(f"{title} …")
    start, before, drawn = time.monotonic(), done, 0.0

    def advance(count: int = 1, note: str = "") -> None:
        nonlocal done, drawn
        done += count
        now = time.monotonic()
        if now - drawn >= REDRAWN_EVERY:
            drawn = now
            line(counted(title, total, done, note, (now - start) / max(done - before, 1)))

    try:
        yield advance
    finally:
        line("")


def counted(title: str, total: int | None, done: int, note: str, seconds_each: float) -> str:
    """The line: `The teacher reads: 512 of 2,048, 3 s left`."""
    from kd_solutions.support.language import say

    if total is None:
        text = f"{title}: {done:,}"
    else:
        left = max(total - done, 0) * seconds_each
        text = say(
            f"{title}: {done:,} of {total:,}, {left:.0f} s left",
            f"{title}：{done:,}/{total:,}，还需{left:.0f}秒",
        )
    return f"{text}  {note}".rstrip()
