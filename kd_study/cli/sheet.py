"""The cheat sheet: two pages to print, drawn from the question bank, in one file that needs no network."""

import re
from collections.abc import Iterable
from functools import cache
from html import escape
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, current_language, say
from kd_study.cli import given_path, write_given
from kd_study.cli.frame import command
from kd_study.cli.markdown import readable_math

app = typer.Typer()
CONTENT = Path(__file__).with_suffix(".yaml")
STYLE = """
@page { size: A4; margin: 9mm }
* { box-sizing: border-box }
body { margin: 0; color: #000; background: #fff; font: 7.6pt/1.26 "Noto Sans", "Noto Sans CJK SC",
  "PingFang SC", "Microsoft YaHei", "Helvetica Neue", Arial, sans-serif }
.page { width: 192mm; height: 278mm; margin: 0 auto; columns: 2; column-gap: 6mm; column-fill: auto }
.page + .page { break-before: page }
h1 { column-span: all; font-size: 12pt; margin: 0 0 1mm }
h2 { font-size: 9pt; margin: 0 0 1mm; border-bottom: 0.3mm solid #000; break-after: avoid }
.key { column-span: all; margin: 0 0 2mm }
.formula { break-inside: avoid; margin: 0 0 1.6mm }
.formula svg { display: block; margin: 0.6mm 0; max-width: 100% }
dl, dd { margin: 0 }
dt { font-weight: bold; break-after: avoid }
dt, dd, li, pre { break-inside: avoid }
dd { margin-bottom: 1mm }
ul { margin: 0 0 2mm; padding-left: 3.5mm }
pre { font: 7pt/1.25 "DejaVu Sans Mono", Menlo, Consolas, monospace; margin: 0 0 2mm; padding: 1mm;
  border: 0.2mm solid #888; white-space: pre-wrap }
@media screen { .page { margin: 6mm auto; outline: 0.2mm solid #bbb } }
"""


@command(
    app,
    "Write two pages to print for the last evening: formulas, what to say first, what never to say.",
    "写出两页纸供前一晚打印：公式、先说什么、别说什么。",
)
def sheet(
    out: Annotated[
        str,
        typer.Option(
            metavar=say("FOLDER", "文件夹"),
            help=say("where to write it; the current folder without it", "写到哪里；不写则为当前文件夹"),
        ),
    ] = ".",
) -> None:
    folder = given_path(out)
    if not folder.is_dir():
        raise StudyError(say(f"There is no folder {folder}.", f"没有文件夹{folder}。"))
    path = folder / f"cheat-sheet.{_language()}.html"
    write_given(path, html())
    print(say(f"{path} is written: open it in a browser and print.", f"已写好{path}：用浏览器打开并打印。"))


def html() -> str:
    """The sheet in the current language, as one page of HTML with everything in it."""
    title = say("Knowledge distillation: the last evening", "知识蒸馏：面试前夜")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    pages = f'<div class="page">{_first_page(title)}</div>\n<div class="page">{_second_page()}</div>'
    return f'<!doctype html>\n<html lang="{_language()}"><head>{head}</head><body>{pages}</body></html>\n'


@cache
def content() -> dict:
    """What stands on the sheet, or which questions of the bank it is drawn from."""
    import yaml

    return yaml.safe_load(CONTENT.read_text("utf-8"))


def _first_page(title: str) -> str:
    from kd_study.questions import question

    made = content()
    formulas = "".join(
        f'<div class="formula"><b>{_words(each["name"])}</b>{_svg(each["tex"])}{_words(each["note"])}</div>'
        for each in made["formulas"]
    )
    symptoms = [f"<b>{_words(each['seen'])}</b> → {_words(each['cause'])}" for each in made["symptoms"]]
    parts = [
        f'<h1>{title}</h1><p class="key">{_words(made["key"])}</p>{formulas}',
        f"<h2>{say('At the whiteboard', '白板上写')}</h2><pre>{escape(made['code'])}</pre>",
        f"<h2>{say('When it does not work', '跑不对的时候')}</h2>{_list(symptoms)}",
        f"<h2>{say('Reported numbers', '公开报告的数字')}</h2>{_list(map(_words, made['reported']))}",
    ]
    for name in made["in_full"]:
        points = (_inline(str(point)) for point in question(name).points)
        parts.append(f"<h2>{_asked(name)}</h2>{_list(points)}")
    return "".join(parts)


def _second_page() -> str:
    from kd_study.questions import question
    from kd_study.questions.form import items

    first = "".join(
        f"<dt>{_asked(name)}</dt><dd>{_inline(str(question(name).points[0]))}</dd>"
        for name in content()["say_first"]
    )
    never = "".join(
        f"<dd>✗ {_inline(items(str(question(name).traps))[number - 1])}</dd>"
        for name, number in content()["never_say"].items()
    )
    return (
        f"<h2>{say('Say first', '先说这一句')}</h2><dl>{first}</dl>"
        f"<h2>{say('Never say', '千万别说')}</h2><dl>{never}</dl>"
    )


def _language() -> str:
    """The reader's language, or English where the bank has no text in it."""
    return current_language() if current_language() in LANGUAGES else LANGUAGES[0]


def _words(text: dict[str, str]) -> str:
    return escape(text[_language()], quote=False)


def _asked(name: str) -> str:
    """The first line of a question."""
    from kd_study.questions import question

    return _inline(str(question(name).title).partition("\n")[0])


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def _inline(markdown: str) -> str:
    """A line of Markdown as HTML: stress and code; formulas in plain signs."""
    text = escape(readable_math(" ".join(markdown.split())), quote=False)
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", text)
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", text)


def _svg(tex: str) -> str:
    """A formula as an SVG of outlines, which needs no font; its plain signs stand in its label."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "path", "svg.hashsalt": tex, "mathtext.fontset": "stix"}):
        figure = Figure(figsize=(0.01, 0.01))
        figure.text(0, 0, f"${tex}$", fontsize=9.5)
        drawn = StringIO()
        figure.savefig(drawn, format="svg", bbox_inches="tight", pad_inches=0.01, metadata={"Date": None})
    svg = drawn.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    label = escape(readable_math(f"${tex}$"))
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()
