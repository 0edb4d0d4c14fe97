"""A mock interview for two people: a page with what is asked, and one that also holds answers and rubric."""

from html import escape
from pathlib import Path

from kd_solutions.support.language import current_language, say
from kd_study.cli import write_given
from kd_study.cli.markdown import readable_math
from kd_study.exercises.catalog import exercise, sheet
from kd_study.exercises.stubs import stub_source
from kd_study.interview.mock import Item, MockInterview
from kd_study.memory.ticks import MARKS
from kd_study.notebook.hints import solution_text
from kd_study.questions import beyond, with_pictures
from kd_study.questions.html import to_html

_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; }
section { border-top: 1px solid #888; break-inside: avoid-page; }
pre { overflow-x: auto; padding: .6em; border: 1px solid #bbb; font-size: 13px; }
img { max-width: 100%; }
td { padding: .2em .6em; vertical-align: top; border-top: 1px solid #ddd; }
td:first-child { white-space: nowrap; }
"""


def write_pages(interview: MockInterview) -> None:
    """Writes both pages, in the reader's language, to the current folder."""
    language = current_language()
    stem = f"interview-{interview.level}-{interview.seed}"
    for name, words, inside in (
        ("candidate", say("candidate", "候选人"), False),
        ("interviewer", say("interviewer", "面试官"), True),
    ):
        path = Path(f"{stem}.{name}.{language}.html")
        write_given(path, page(interview, inside))
        print(say(f"{path}: for the {words}", f"{path}：给{words}"))


def page(interview: MockInterview, inside: bool) -> str:
    """One page as HTML that needs nothing else. inside: with points, rubric, follow-ups and references."""
    title = say(
        f"Mock interview, {interview.level}, {interview.minutes} minutes, seed {interview.seed}",
        f"模拟面试：{interview.level}级，{interview.minutes}分钟，种子{interview.seed}",
    )
    parts = [_section(number, item, inside) for number, item in enumerate(interview.items, 1)]
    return (
        f'<!doctype html>\n<html lang="{current_language()}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _section(number: int, item: Item, inside: bool) -> str:
    clock = f"{item.seconds // 60}:{item.seconds % 60:02d}"
    parts = [f"<section><h2>{number} <small>· {clock}</small></h2>", _html(_asked(item))]
    if inside:
        parts += [_points(item), _html(_behind(item))]
    return "".join([*parts, "</section>"])


def _asked(item: Item) -> str:
    """What the candidate reads."""
    if item.asked:
        return with_pictures(item.asked, current_language())
    stub = stub_source(exercise(item.name), current_language())
    return f"**`{item.name}`**\n\n{sheet(item.name).statement}\n\n```python\n{stub}\n```"


def _behind(item: Item) -> str:
    """What only the interviewer reads: what a strong answer adds, traps, what to ask next; a reference."""
    if item.asked is None:
        return solution_text(item.name)
    short = ["\n".join(f"- {point}" for point in item.asked.points)] if item.asked.rubric else []
    without_rubric = item.asked.model_copy(update={"rubric": ()})  # it stands above, with boxes
    return "\n\n".join([*short, *beyond(without_rubric, current_language())])


def _points(item: Item) -> str:
    """A row a point, with its weight and boxes to tick."""
    boxes = " ".join(f"☐ {words}" for words in MARKS.values())
    rows = [
        f"<tr><td>{boxes}</td><td>{weight}</td><td>{_html(str(point))}</td></tr>"
        for weight, point in zip(item.weights, item.points, strict=True)
    ]
    return f"<table>{''.join(rows)}</table>" if rows else ""


def _html(markdown: str) -> str:
    return to_html(readable_math(markdown))
