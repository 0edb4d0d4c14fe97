"""A lesson to take home: one HTML page that asks no network for anything, and the same as PDF by Chromium.

It holds what the student edition holds and, from the committed notebook, what the experiments drew and
printed. Formulas are MathML, which browsers draw themselves.
"""

import os
import re
import shutil
import subprocess
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from kd_solutions.support.language import Text
from kd_study.lessons.for_a_class import Page, student, take_outputs
from kd_study.lessons.parts import Part, parts, relinked

BROWSERS = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"
PRINTED_WITHIN = 120  # seconds a page, on a machine that does much else
_HIDES_ITS_CODE = "no-code"
# widgets; and what shows points of the bank's answers
_NOT_ON_PAPER = re.compile(
    r"\b(?:Dial|try_commands|find_questions|mock_interview|exercise_table|report_on_last_points)\("
)
_GUESS = re.compile(r"^(\w+) = guess\(.*\)\n+\1$", re.DOTALL)
_UNIT = re.compile(r"unit=\"([^\"]+)\"")
_FORMULA = re.compile(r"(```.*?```|`[^`\n]*`)|\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)
STYLE = """
@page { size: A4; margin: 16mm }
body { max-width: 46em; margin: 0 auto; padding: 0 1em; color: #111; background: #fff; font: 11pt/1.5
  "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "Helvetica Neue", Arial, sans-serif }
h1 { font-size: 18pt } h2 { font-size: 14pt } h3 { font-size: 12pt }
h1, h2, h3 { line-height: 1.25; break-after: avoid }
img { max-width: 100%; break-inside: avoid }
pre { font: 9pt/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere }
.highlight pre { padding: .6em; border: 1px solid #999 }
.prompt, .anchor-link { display: none }
table { border-collapse: collapse; break-inside: avoid } th, td { padding: .2em .6em; border: 1px solid #999 }
math[display="block"] { margin: .6em 0 }
"""


def html(page: Page, lessons: set[str]) -> str:
    """The handout of a lesson; lessons: those that have one, to which links lead."""
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import TagRemovePreprocessor
    from pygments.formatters import HtmlFormatter

    paper, formulas = _on_paper(page, lessons)
    exporter = HTMLExporter(template_name="basic")
    removing = TagRemovePreprocessor(remove_input_tags={_HIDES_ITS_CODE}, enabled=True)
    exporter.register_preprocessor(removing)
    body, _ = exporter.from_notebook_node(paper)
    for place, formula in enumerate(formulas):
        body = body.replace(_token(place), formula)
    title = escape(re.sub(r"^# ", "", paper.cells[0].source.partition("\n")[0]))
    style = STYLE + HtmlFormatter(style="bw").get_style_defs(".highlight")
    head = f'<meta charset="utf-8"><title>{title}</title><style>{style}</style>'
    return f'<!doctype html>\n<html lang="{page.language}"><head>{head}</head><body>{body}</body></html>\n'


def _on_paper(page: Page, lessons: set[str]) -> tuple[NotebookNode, list[str]]:
    """The student edition as it reads on paper, and its formulas, for which tokens stand in the text."""
    edition = student(page)
    take_outputs(edition, page)
    formulas: list[str] = []
    cells = []
    for cell, part in parts(edition):
        if (kept := _kept(cell, part, page)) is None:
            continue
        kept.metadata.pop("nbgrader", None)
        if kept.cell_type == "markdown":
            kept.source = _with_tokens(relinked(kept.source, lessons, ".html"), formulas)
        for output in kept.get("outputs", []):
            if text := output.get("data", {}).get("text/markdown"):
                output.data["text/markdown"] = _with_tokens(relinked(text, lessons, ".html"), formulas)
        cells.append(kept)
    return new_notebook(cells=cells, metadata=edition.metadata), formulas


def _kept(cell: NotebookNode, part: Part, page: Page) -> NotebookNode | None:
    """The cell as it stands on paper; None for what only a kernel can do."""
    if part.kind in ("language", "check", "use", "clock") or cell.id.endswith("-answer"):
        return None
    if part.kind == "code":
        if found := _GUESS.match(cell.source):
            return _line_for_a_guess(cell, found[0], page.language)
        if _NOT_ON_PAPER.search(cell.source) or not (cell.outputs or cell.id in page.studied):
            return None
        if cell.id not in page.studied:
            cell.metadata["tags"] = [_HIDES_ITS_CODE]
    return cell


def _line_for_a_guess(cell: NotebookNode, source: str, language: str) -> NotebookNode:
    unit = _UNIT.search(source)
    text = Text("**Your guess:** ____________ ", "**你的猜测：**____________")
    return new_markdown_cell(f"{getattr(text, language)}{unit[1] if unit else ''}", id=cell.id)


def _token(place: int) -> str:
    return f"FORMULA{place:05d}END"


def _with_tokens(text: str, formulas: list[str]) -> str:
    """The text with tokens for formulas, whose MathML goes to `formulas`: Markdown would take it apart."""
    from latex2mathml.converter import convert

    def token(found: re.Match) -> str:
        if found[1]:
            return found[1]
        display = "block" if found[2] else "inline"
        tex = (found[2] or found[3]).strip().replace(r"\arg", r"\operatorname{arg}")  # which it doesn't know
        formulas.append(convert(tex, display=display))
        return _token(len(formulas) - 1)

    return _FORMULA.sub(token, text)


def browser() -> str | None:
    """The command of a Chromium that prints; None where there is none."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def print_to_pdf(page: Path, target: Path, command: str) -> bool:
    """Prints an HTML page; whether it could be printed. command: as of `browser`."""
    with TemporaryDirectory(prefix="kd-study-print-", ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        options += [
            "--disable-component-update",
            "--disable-sync",
            "--disable-quic",
            "--no-pdf-header-footer",
        ]
        options += [f"--user-data-dir={profile}", f"--print-to-pdf={target.resolve()}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:  # Chromium's sandbox refuses to work for root
            options.append("--no-sandbox")
        try:
            subprocess.run(
                [command, *options, page.resolve().as_uri()],
                check=True,
                capture_output=True,
                timeout=PRINTED_WITHIN,
            )
        except (OSError, subprocess.SubprocessError):
            return False
    return target.is_file()
