"""Code that speaks to a person: `say("…", "…")` in a lesson's source becomes the page's own sentence."""

import ast
import re
import subprocess
import sys
from collections.abc import Sequence

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES

_BETWEEN = "# %% the next cell"


def in_language(cells: Sequence[str], language: str) -> list[str]:
    """The code of several cells with every call of `say` replaced by its text in `language`, formatted anew.

    Cells without such a call come back as they are. StudyError names a `say` that can't be resolved: one
    inside an f-string, or with other arguments than two texts.
    """
    resolved = {place: _resolve(cell, language) for place, cell in enumerate(cells) if "say(" in cell}
    formatted = dict(zip(resolved, _formatted(list(resolved.values())), strict=True))
    return [formatted.get(place, cell) for place, cell in enumerate(cells)]


def _resolve(source: str, language: str) -> str:
    tree = ast.parse(source)
    lines = [line.encode() for line in source.splitlines(keepends=True)]  # ast counts bytes
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]

    def span(node) -> tuple[int, int]:
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    text = b"".join(lines)
    arguments = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) for part in node.args}
    hidden = _in_f_strings(tree)
    for call in sorted(_calls(tree), key=span, reverse=True):
        if id(call) in hidden:
            raise StudyError(f"a say inside an f-string can't be resolved: {ast.unparse(call)}")
        if len(call.args) != len(LANGUAGES) or call.keywords:
            raise StudyError(f"say takes two texts: {ast.unparse(call)}")
        chosen = call.args[LANGUAGES.index(language)]
        (start, end), (first, last) = span(call), span(chosen)
        alone = chosen.lineno == chosen.end_lineno or id(call) in arguments
        piece = text[first:last] if alone else b"(" + text[first:last] + b")"
        text = text[:start] + piece + text[end:]
    return text.decode()


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "say"
    ]


def _in_f_strings(tree: ast.AST) -> set[int]:
    """Of these Python 3.11 knows no places."""
    return {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}


def _formatted(cells: list[str]) -> list[str]:
    """As ruff formats them, all in one call."""
    if not cells:
        return []
    command = [sys.executable, "-m", "ruff", "format", "--line-length=110", "--target-version=py311", "-"]
    joined = f"\n{_BETWEEN}\n".join(cells)
    result = subprocess.run(command, input=joined, capture_output=True, text=True, encoding="utf-8")
    if result.returncode:
        raise StudyError(f"ruff could not format a lesson's code: {result.stderr.strip()}")
    return [cell.strip("\n") for cell in re.split(rf"^{_BETWEEN}$", result.stdout, flags=re.MULTILINE)]
