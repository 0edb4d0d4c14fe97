"""A lesson as slides for jupyterlab-rise: live, one keystroke a step, the whole prose in the notes.

A heading, a guess, a picture and an exercise begin a slide each; a result, a caption and each point of an
answer come at the next keystroke. Code that nobody has to read is hidden, and runs all the same. The slides
of jupyterlab-rise show no widgets, so that each stands there as its plain call, to be edited and run.
"""

import re
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from kd_solutions.support.language import Text
from kd_study.lessons.comments import unwrapped
from kd_study.lessons.editions import CAPTION, language_cell
from kd_study.lessons.for_a_class import Page, answers_to, take_outputs, withheld
from kd_study.lessons.outline import Lesson
from kd_study.lessons.parts import Part, parts, relinked, without_switch
from kd_study.lessons.plain_calls import plain_call
from kd_study.questions import question
from kd_study.questions.form import items

CSS = """\
/* jupyterlab-rise reads this file beside the slides. */
.rise-enabled .jp-InputPrompt, .rise-enabled .jp-OutputPrompt, .rise-enabled .jp-InputPlaceholder,
.rise-enabled .jp-OutputCollapser, .rise-enabled .jp-InputCollapser { display: none }
.reveal .slides > section { padding: 0 }
.reveal .slides > section > section { box-sizing: border-box; width: 100%; padding: 1vh 3vw }
.reveal .jp-RenderedMarkdown { font-size: 2.6vw; line-height: 1.4 }
.reveal .jp-RenderedMarkdown :is(h1, h2, h3) { text-transform: none; line-height: 1.25 }
.reveal .jp-RenderedMarkdown h1 { font-size: 1.7em }
.reveal .jp-RenderedMarkdown h2 { font-size: 1.4em }
.reveal .jp-RenderedMarkdown h3 { font-size: 1.2em }
.reveal .jp-RenderedMarkdown :is(p, ul, ol) { margin: .5em 0 }
.reveal :is(code, pre, .cm-editor) { line-height: 1.35 }
.reveal .jp-OutputArea pre { font-size: 1.8vw }
.reveal .cm-editor .cm-content { font-size: 1.4vw }
/* Of the code that draws a picture a strip is left: click into it, and Ctrl+Enter draws anew. */
.reveal .jp-CodeCell:has(.jp-RenderedImage) .jp-InputArea-editor { max-height: 1.6vw; overflow: hidden;
  opacity: .4; font-size: 60% }
.reveal .jp-RenderedImage img { display: block; width: auto; height: 58vh; max-width: 90vw; margin: 0 auto;
  object-fit: contain; filter: none }
.reveal .jp-RenderedHTMLCommon.jp-RenderedHTML table { font-size: 1.3vw; line-height: 1.3; margin: 0 auto }
.reveal .jp-RenderedHTMLCommon td, .reveal .jp-RenderedHTMLCommon th { padding: .2em .7em }
.reveal .jp-OutputArea-output { overflow: visible }
"""
RISE = {
    "scroll": True,
    "center": False,
    "controls": True,
    "slideNumber": "c/t",
    "transition": "none",
    "theme": "white",
}
WORDS = {"en": 45, "zh": 80}  # on one slide; the rest of the prose stands in its notes
WORDS_OF_AN_EXERCISE = {"en": 85, "zh": 160}
_CALLED = "check", "hint", "projector", "room", "show_answers", "use_language", "yours_or_reference"
_GUESS_FIRST = re.compile(r"^\*\*(?:Guess first|先猜一猜)")
_BREAK = {"en": re.compile(r"(?<=[.!?:])\s+(?=[A-Z\"“*$])"), "zh": re.compile(r"(?<=[。！？])(?![”」）])")}


@dataclass
class Slides:
    """The cells so far; numbers: for the ids of those that the lesson hasn't."""

    language: str
    cells: list[NotebookNode] = field(default_factory=list)
    numbers: count = field(default_factory=lambda: count(1))

    def add(self, kind: str, cell: NotebookNode) -> None:
        """kind: "slide", "fragment" (at a keystroke), "-" (goes on), "notes" or "skip" (not shown)."""
        cell.metadata["slideshow"] = {"slide_type": kind}
        self.cells.append(cell)

    def text(self, kind: str, text: str) -> None:
        self.add(kind, new_markdown_cell(text, id=f"slide-{next(self.numbers):03d}"))


def slides(page: Page, lesson: Lesson) -> NotebookNode:
    """The slides of a lesson, with the outputs that it was committed with."""
    source, language = deepcopy(page.built), page.language
    take_outputs(source, page)
    set_here = parts(source)
    answers = answers_to([part.name for _, part in set_here if part.kind == "stub"])
    made = Slides(language)
    made.text("slide", f"# {getattr(lesson.title, language)}\n\n## {getattr(lesson.question, language)}")
    for number, (cell, part) in enumerate(set_here):
        if part.kind == "prose":
            shown = without_switch(cell.source) if number == 0 else cell.source
            cell.source = withheld(relinked(shown, set()), answers, language)
        _lay(made, cell, part, number == 0, cell.id in page.studied)
    return new_notebook(cells=made.cells, metadata={**page.built.metadata, "rise": RISE})


def _lay(made: Slides, cell: NotebookNode, part: Part, opening: bool, studied: bool) -> None:
    """Put one cell of the lesson on the slides."""
    match part.kind:
        case "language":
            cell.source = f"{language_cell(made.language, _CALLED)}\nprojector()"
            made.add("skip", cell)
        case "prose":
            _lay_prose(made, _without_title(cell.source) if opening else cell.source)
        case "caption":
            made.add("fragment", cell)
        case "statement":
            _lay_piece(made, cell.source.rpartition("\n\n")[0], WORDS_OF_AN_EXERCISE)
        case "stub":
            made.add("slide", cell)
        case "check":
            made.add("fragment", cell)
        case "use":
            made.add("skip", cell)
        case "question":
            _lay_question(made, cell, question(part.name))
        case "code":
            _lay_code(made, cell, studied)


def _lay_code(made: Slides, cell: NotebookNode, studied: bool) -> None:
    """An experiment's output without its code, or code that is to be read; a widget as its plain call."""
    if found := plain_call(cell.source):
        before, call = found
        if before:
            made.add("skip", new_code_cell(before, id=cell.id))
        made.add("-", new_code_cell(call, id=f"{cell.id[:50]}-plain"))
    elif studied:
        made.add("slide", cell)
    elif not cell.outputs:
        made.add("skip", cell)
    else:
        kinds = {kind for output in cell.outputs for kind in output.get("data", {"stream": ""})}
        shown = cell if "image/png" in kinds else _hidden(cell)  # a picture's code is a strip, see CSS
        made.add("fragment" if kinds == {"stream"} and _asks(made) else "slide", shown)


def _hidden(cell: NotebookNode) -> NotebookNode:
    """The cell with its output alone."""
    cell.metadata["jupyter"] = {"source_hidden": True}
    return cell


def _lay_question(made: Slides, cell: NotebookNode, asked) -> None:
    """The question; then, on a slide of its own, point by point what was to be said; traps in the notes."""
    cell.source = cell.source.partition("\n\n<details>")[0]
    made.add("slide", cell)
    for number, point in enumerate(asked.points):
        made.text("fragment" if number else "slide", f"- {getattr(point, made.language)}")
    deep, traps = (getattr(text, made.language) for text in (asked.answer_deep, asked.traps))
    title = getattr(Text("Traps", "易错点"), made.language)
    made.text("notes", "\n\n".join([deep, title, *(f"- {trap}" for trap in items(traps))]))


def _asks(made: Slides) -> bool:
    """Whether the slide so far is prose, which the next result answers."""
    shown = [cell for cell in made.cells if cell.metadata["slideshow"]["slide_type"] not in ("notes", "skip")]
    return shown[-1].cell_type == "markdown" and not shown[-1].source.startswith(CAPTION)


def _lay_prose(made: Slides, text: str) -> None:
    """Slides of a piece of prose, one a heading or guess."""
    for part in _divided(text):
        _lay_piece(made, part, WORDS)


def _lay_piece(made: Slides, text: str, words: dict[str, int]) -> None:
    """A slide with the beginning of a text, and the whole in its notes where that is more."""
    shown = _beginning(text, made.language, words[made.language])
    made.text("slide", shown)
    if shown != text:
        made.text("notes", text)


def _without_title(text: str) -> str:
    """An opening without its heading and the line in italics below it, which the first slide says."""
    _, *blocks = _blocks(text)
    return "\n\n".join(blocks[1:] if blocks and blocks[0].startswith("*") else blocks)


def _divided(text: str) -> list[str]:
    """The prose cut before each heading and each guess."""
    pieces: list[list[str]] = [[]]
    for block in _blocks(text):
        alone = all(re.match("#", each) for each in pieces[-1])  # a guess may stand right below a heading
        if block.startswith("#") or (_GUESS_FIRST.match(block) and not alone):
            pieces.append([])
        pieces[-1].append(block)
    return ["\n\n".join(piece) for piece in pieces if piece]


def _blocks(text: str) -> list[str]:
    """Paragraphs, headings, formulas, lists; code between fences in one piece."""
    lists_apart = re.sub(r"(?m)^(?!- |\d+\. | )(.+)\n(?=- |\d+\. )", r"\1\n\n", text)
    found = re.findall(r"```.*?```|(?:(?!\n\n|```).)+", lists_apart, flags=re.DOTALL)
    return [block.strip() for block in found if block.strip()]


def _beginning(text: str, language: str, left: int) -> str:
    """Headings, formulas, code and lists as they are; of paragraphs as many sentences as a slide holds."""
    shown: list[str] = []
    for block in _blocks(text):
        if re.match(r"#|\$\$|```|\||- |\d+\. |>", block):
            shown.append(block)
        elif left > 0:
            kept, left = _sentences(block, language, left)
            shown.append(kept)
    return "\n\n".join(shown)


def _sentences(paragraph: str, language: str, room: int) -> tuple[str, int]:
    """As many sentences as there is room for, the first in any case; and the room that is left."""
    kept: list[str] = []
    for sentence in _whole_sentences(unwrapped(paragraph), language):
        size = len(sentence.split()) if language == "en" else len(sentence)
        if kept and size > room:
            return _joined(kept, language), 0
        kept.append(sentence)
        room -= size
    return _joined(kept, language), room


def _whole_sentences(text: str, language: str) -> list[str]:
    """The sentences of a paragraph; what somebody says between quotation marks stays in one piece."""
    found: list[str] = []
    for piece in _BREAK[language].split(text):
        if found and (found[-1].count("“") > found[-1].count("”") or found[-1].count('"') % 2):
            found[-1] = _joined([found[-1], piece], language)
        else:
            found.append(piece)
    return found


def _joined(sentences: list[str], language: str) -> str:
    return (" " if language == "en" else "").join(sentences)
