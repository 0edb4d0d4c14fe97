"""A question in a terminal: asked, its answer shown at a key, its points ticked by numbers."""

import sys

from kd_solutions.support.language import current_language, say
from kd_study.cli.markdown import print_markdown
from kd_study.exercises.catalog import LEVELS
from kd_study.memory.answering import Answering
from kd_study.memory.session import Session
from kd_study.memory.ticks import GRADES, MARKS, OPEN
from kd_study.questions import KINDS, Question, beyond, in_words

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
    about = f"*{LEVELS[asked.level]}* · *{KINDS[asked.kind]}* · `{asked.id}`"
    print_markdown(f"### {in_words(asked, current_language())}\n\n{about}")


def show_points(asked: Question) -> None:
    """Prints the points of the short answer, numbered."""
    print_markdown("\n".join(f"{number}. {point}" for number, point in enumerate(asked.points, 1)))


def show_rest(asked: Question) -> None:
    """Prints what follows the short answer."""
    print_markdown("\n\n".join(beyond(asked, current_language())))


def ask_marks(answering: Answering) -> bool:
    """Asks for each point that isn't ticked; each is recorded at once. False where somebody stopped."""
    print(say("Tick each point: 1 said, 2 half, 3 missed.", "逐点打钩：1说到，2一半，3漏掉。"))
    for point, (text, letter) in enumerate(zip(answering.asked.points, answering.marks, strict=True)):
        print_markdown(f"{point + 1}. {text}")
        if letter == OPEN:
            key = await_key("1|2|3", "".join(NUMBERS))
            if key is None:
                return False
            letter = NUMBERS[key]
            answering.mark(point, letter)
        print(f"   {MARKS[letter]}", end="\n\n")
    return True


def ask_grade(session: Session) -> str | None:
    """Asks for a grade, or for ticks that give one; what was recorded, None where somebody stopped."""
    choices = say(", ", "，").join(f"{grade} {words}" for grade, words in GRADES.items())
    key = await_key(say(f"{choices}; t ticks point by point.", f"{choices}；t逐点打钩。"), "1234t")
    if key is None:
        return None
    if key != "t":
        return session.grade(int(key))
    return session.close() if ask_marks(session.answering) else None
