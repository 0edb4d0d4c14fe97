"""What a lesson's source may hold. One py:percent file; its cells, by the metadata behind `# %%`:

    [markdown] lang="en", then [markdown] lang="zh"   the same text in both languages
    [markdown] lang="en" caption=true, then its twin  the claim of the picture that the cell above draws
    [markdown] question="why-t-squared"               a question of the bank, its answer folded, below a clock
    exercise="kd_loss"                                statement, stub, check, and whose solution goes on
    topic="response"                                  every exercise of a topic, one after the other
    [markdown] bank=true                              every question of the bank, topic by topic, below clocks
    [markdown] errata=true                            what public lists get wrong, and what is right
    [markdown] glossary=true                          every term, with links to the lessons that use it
    [markdown] families=true                          every family of distillation, group after group
    (none)                                            code; `say("…", "…")` becomes the page's own sentence

`key="…"` names a cell (it becomes the cell's id), `tags=[…]` is passed on; `study=true` marks code that is to
be read line by line, which counts in the lesson's minutes (see `timing`).
"""

import re
from collections.abc import Iterator
from pathlib import Path

import jupytext

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
FILLED = ("exercise", "question", "bank", "topic", "glossary", "errata", "families")  # by the builder
_KNOWN_METADATA = {"lang", "caption", "key", "tags", "study", *FILLED}


def lesson_sources(wanted: list[str] | None = None, folder: Path = NOTEBOOKS / "lessons") -> list[Path]:
    """The lessons' source files; `wanted` holds names or beginnings of names, such as "01"."""
    every = sorted(folder.glob("*.py"))
    if not wanted:
        return every
    found = [path for path in every if any(path.stem.startswith(Path(name).stem) for name in wanted)]
    for name in wanted:
        if not any(path.stem.startswith(Path(name).stem) for path in found):
            names = ", ".join(path.stem for path in every)
            raise StudyError(f"no lesson's name begins with {name!r}; there are: {names}")
    return found


def read_cells(source: Path) -> Iterator[tuple]:
    """(cell, None), or (English cell, Chinese cell) for prose; StudyError names a cell that breaks a rule."""
    name = source.name
    cells = jupytext.read(source, fmt="py:percent").cells
    remaining = iter([cell for cell in cells if cell.source or _filled(cell)])
    for cell in remaining:
        where = f"{name}, the cell that begins {cell.source[:40]!r}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell.metadata.get("key", "none")):
            raise StudyError(f"{where}: the key {cell.metadata['key']!r} is not of a-z, 0-9, - and _")
        if unknown := cell.metadata.keys() - _KNOWN_METADATA - {"lines_to_next_cell"}:
            raise StudyError(f"{where}: unknown metadata {', '.join(sorted(unknown))}")
        if _filled(cell):
            if cell.source:
                raise StudyError(f"{where}: the builder fills a cell of {' or '.join(FILLED)}; empty it")
            yield cell, None
        elif cell.cell_type == "markdown":
            twin = next(remaining, None)
            languages = cell.metadata.get("lang"), twin and twin.metadata.get("lang")
            if languages != LANGUAGES or twin.cell_type != "markdown":
                raise StudyError(f'{where}: prose comes in pairs, lang="en" and then lang="zh"')
            yield cell, twin
        else:
            if cell.metadata.keys() & {"lang", "caption"}:
                raise StudyError(f"{where}: code is the same in both languages; drop its lang")
            if cell.source.rstrip().endswith(";"):
                raise StudyError(f"{where}: drop the ';' at its end, it hides output from the comparison")
            yield cell, None


def prose(cell, twin, language: str) -> str:
    """The text of a pair of cells in one language."""
    return dict(zip(LANGUAGES, (cell.source, twin.source), strict=True))[language]


def _filled(cell) -> bool:
    """Whether the builder writes the cell's text."""
    return any(name in cell.metadata for name in FILLED)
