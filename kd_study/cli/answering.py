"""A question in a terminal: asked, its answer shown at a key, its points ticked by numbers."""

import sys

from kd_solutions.support.language import current_language, say
from kd_study.cli.markdown import print_markdown
from kd_study.exercises.catalog import LEVELS
from kd_study.questions.bank import Question, beyond
from kd_study.review.answering import Answering
from kd_study.review.ticks import MARKS, OPEN

QUIT = "q"
NUMBERS = dict(zip("123", MARKS, strict=True))


def read_key() -> str:
    """One key; where the input is no terminal the first sign of a line, a space for an empty one.

    The end of the input, and Ctrl-C in a terminal, count as q.
    """
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        return (line.strip()[:1] or " ").lower() if line else QUIT
    import typer

    try:
        return typer.getchar().lower()
    except (KeyboardInterrupt, EOFError):
        return QUIT


def await_key(prompt: str, keys: str) -> str | None:
    """The key of `keys` that was pressed, others are passed over; None for q."""
    print(prompt, flush=True)
    while (key := read_key()) != QUIT:
        if key in keys:
            return key
    return None


def show_question(asked: Question) -> None:
    """Prints what is asked."""
    print_markdown(f"### {asked.question}\n\n*{LEVELS[asked.level]}* · `{asked.id}`")


def show_points(asked: Question) -> None:
    """Prints the points of the short answer, numbered."""
    print_markdown("\n".join(f"{number}. {point}" for number, point in enumerate(asked.points, 1)))


def show_rest(asked: Question) -> None:
    """Prints what follows the short answer."""
    print_markdown("\n\n".join(beyond(asked, current_language())))


def ask_marks(answering: Answering) -> bool:
    """Asks for each point that isn't ticked; each is recorded at once. False where somebody stopped."""
    print(say("Tick each point: 1 said, 2 half, 3 missed.", "逐点打钩：1说到，2一半，3漏掉。"))
    for point, letter in enumerate(answering.marks):
        if letter != OPEN:
            print(f"{point + 1}: {MARKS[letter]}")
            continue
        key = await_key(f"{point + 1}:", "".join(NUMBERS))
        if key is None:
            return False
        answering.mark(point, NUMBERS[key])
        print(f"   {MARKS[NUMBERS[key]]}")
    return True
