"""What each cell of a built lesson is for, told by its id, as the builder gives it (see `editions`)."""

import re
from dataclasses import dataclass

from nbformat import NotebookNode

from kd_study.exercises.catalog import NAMES
from kd_study.lessons.editions import CAPTION

OF_AN_EXERCISE = ("statement", "stub", "check", "use")
_TICK = re.compile(r'tick\("([a-z0-9-]+)"\)')
_LINK = re.compile(r"\[([^\[\]]+)\]\((?:\.\./\w+/)?(\w+)\.ipynb[^()]*\)")
_SWITCH = re.compile(r"\n\n\[[^\[\]]+\]\(\.\./\w+/\w+\.ipynb\)\n+")


@dataclass(frozen=True)
class Part:
    """kind: one of `OF_AN_EXERCISE`, "question", "tick", "clock", "language", "caption", "prose", "code".
    name: of the exercise, or the question's id; "" for the rest."""

    kind: str
    name: str = ""


def parts(notebook: NotebookNode) -> list[tuple[NotebookNode, Part]]:
    """Every cell with what it is for, in order."""
    asked = {cell.id.removesuffix("-tick"): _TICK.fullmatch(cell.source) for cell in notebook.cells}
    questions = {key: found[1] for key, found in asked.items() if found}
    return [(cell, _part(cell, questions)) for cell in notebook.cells]


def _part(cell: NotebookNode, questions: dict[str, str]) -> Part:
    name, _, suffix = cell.id.rpartition("-")
    if suffix in OF_AN_EXERCISE and name in NAMES:
        return Part(suffix, name)
    if suffix == "tick" and name in questions:
        return Part("tick", questions[name])
    if cell.id in questions:
        return Part("question", questions[cell.id])
    if cell.cell_type == "markdown":
        return Part("caption" if cell.source.startswith(CAPTION) else "prose")
    if cell.id == "language":
        return Part("language")
    return Part("clock" if cell.source.endswith("\nclock()") else "code")


def relinked(text: str, pages: set[str], suffix: str = ".ipynb") -> str:
    """The text with links to the notebooks among `pages` alone, under another suffix; the rest as words."""

    def link(found: re.Match) -> str:
        if found[2] not in pages:
            return found[1]
        return found[0] if suffix == ".ipynb" else f"[{found[1]}]({found[2]}{suffix})"

    return _LINK.sub(link, text)


def without_switch(text: str) -> str:
    """An opening cell's text without its link to the other language."""
    return _SWITCH.sub("\n\n", text, count=1)
