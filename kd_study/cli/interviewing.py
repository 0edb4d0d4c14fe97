"""A mock interview in a terminal: keys for the questions, a file for each exercise, the report at the end."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kd_solutions.support.language import say
from kd_study.cli import warn, write_given
from kd_study.cli.answering import NUMBERS, await_key, show_question
from kd_study.cli.exercises import exercise_file
from kd_study.cli.markdown import print_markdown
from kd_study.interview.holding import intro, opening, taken
from kd_study.interview.mock import Item, MockInterview
from kd_study.interview.report import headline, sections
from kd_study.memory.ticks import MARKS
from kd_study.records.store import records


def hold(interview: MockInterview) -> None:
    """Asks item by item until the end, or q; each answer is recorded before the next is asked."""
    print(opening(interview), end="\n\n")
    while item := interview.current:
        print(intro(interview), flush=True)
        if not (_question if item.asked else _exercise)(interview, item):
            break
    print_report(interview)


def print_report(interview: MockInterview) -> None:
    """Prints the report; what is read in a terminal is the same as in a notebook."""
    past = interview.so_far()
    parts = [f"**{headline(past)}**"]
    for title, lines in sections(past, records(warn)):
        parts += [f"**{title}**", "\n".join(f"- {line}" for line in lines)]
    print_markdown("\n\n".join(parts))


def _question(interview: MockInterview, item: Item) -> bool:
    """Asks a question and has its points ticked; False where somebody stopped."""
    show_question(item.asked)
    with _counting_down(item.seconds):
        key = await_key(
            say("Answer aloud, then press space; n: no idea.", "先开口回答，再按空格；n：答不上来。"), " n"
        )
    if key is None:
        return False
    interview.stop()
    print(taken(interview.current))
    if key == "n":
        _show(item)
        interview.go_on()
        return True
    if (marks := _marks(item)) is None:
        return False
    interview.tick(marks)
    return True


def _show(item: Item) -> None:
    print_markdown("\n".join(f"{number}. {point}" for number, point in enumerate(item.points, 1)))


def _marks(item: Item) -> str | None:
    """A letter a point, asked one by one; None where somebody stopped."""
    print(say("Tick each point: 1 said, 2 half, 3 missed.", "逐点打钩：1说到，2一半，3漏掉。"))
    marks = ""
    for number, point in enumerate(item.points, 1):
        print_markdown(f"{number}. {point}")
        if (key := await_key("1|2|3", "".join(NUMBERS))) is None:
            return None
        marks += NUMBERS[key]
        print(f"   {MARKS[marks[-1]]}", end="\n\n")
    return marks


def _exercise(interview: MockInterview, item: Item) -> bool:
    """Lays the exercise down as a file and grades that as often as asked; False where somebody stopped."""
    path = Path(f"interview_{item.name}.py")
    if not path.exists():
        write_given(path, f"{exercise_file(item.name)}\n")
    print_markdown(say(f"Write your answer in `{path}`.", f"请在`{path}`里作答。"))
    while interview.current and interview.current.name == item.name:
        with _counting_down(item.seconds):
            key = await_key(say("Space grades the file; n: go on.", "空格批改这个文件；n：跳过。"), " n")
        if key is None:
            return False
        if key == "n":
            interview.go_on()
        else:
            _grade(interview, path, item.name)
    return True


def _grade(interview: MockInterview, path: Path, name: str) -> None:
    from kd_study.grading.submissions import grade_file

    graded = grade_file(path)
    for problem in graded.problems:
        warn(f"{path}: {problem}")
    report = next((each for each in graded.reports if each.exercise == name), None)
    if report is None:
        print(say(f"{path} holds no {name}.", f"{path}里没有{name}。"))
        return
    print(report, end="\n\n")
    interview.hand_in(report)


@contextmanager
def _counting_down(seconds: int) -> Iterator[None]:
    """Shows the seconds that are left, once a second, where somebody looks."""
    if not sys.stdout.isatty():
        yield
        return
    done = threading.Event()

    def count() -> None:
        left = seconds
        while True:
            print(f"\r{left // 60}:{left % 60:02d} " if left >= 0 else "\r–:–– ", end="", flush=True)
            if done.wait(1):
                return
            left -= 1

    clock = threading.Thread(target=count, daemon=True)
    clock.start()
    try:
        yield
    finally:
        done.set()
        clock.join()
        print("\r      \r", end="", flush=True)
