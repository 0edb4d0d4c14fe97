"""Builds the notebooks: one py:percent source a lesson becomes an English and a Chinese edition.

Cells of a source, by the metadata behind `# %%`:
    [markdown] lang="en", then [markdown] lang="zh"   the same text in both languages
    [markdown] question="why-t-squared"               filled from the question bank, answer folded
    exercise="kd_loss"                                statement, stub, check, and whose solution goes on
    (none)                                            code, the same in both editions
`key="…"` names a cell (it becomes the cell's id), `tags=[…]` is passed on.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, Text
from kd_study.exercises.catalog import LEVELS, exercise
from kd_study.exercises.stubs import solved_source, stub_source
from kd_study.questions.bank import question, render

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
_KNOWN_METADATA = {"lang", "question", "exercise", "key", "tags"}
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


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


def assemble(source: Path, language: str, solved: bool = False) -> nbformat.NotebookNode:
    """One edition of a lesson, not yet executed. StudyError names the cell that breaks the source's rules."""
    cells = [cell for cell in jupytext.read(source, fmt="py:percent").cells if cell.source or _filled(cell)]
    built = []
    for index, (cell, twin) in enumerate(_paired(cells, source.name)):
        key = cell.metadata.get("key") or f"cell-{index:02d}"
        tags = {"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {}
        if "exercise" in cell.metadata:
            built += _exercise_cells(_exercise(cell, source.name), language, solved)
        elif "question" in cell.metadata:
            text = render(question(cell.metadata["question"]), language)
            built.append(new_markdown_cell(text, id=cell.metadata.get("key") or cell.metadata["question"]))
        elif twin:
            text = dict(zip(LANGUAGES, (cell.source, twin.source), strict=True))[language]
            text = text if built else _with_switch(text, source.stem, language)
            built.append(new_markdown_cell(text, id=key))
        else:
            built.append(new_code_cell(cell.source, id=key, metadata=tags))
    _insert_before_first_code(built, _language_cell(language))
    _expect_unique_ids(built, source.name)
    return new_notebook(cells=built, metadata=_METADATA)


def _paired(cells: list, name: str) -> Iterator[tuple]:
    """(cell, None), or (English cell, Chinese cell) for prose; checks each cell on the way."""
    remaining = iter(cells)
    for cell in remaining:
        where = f"{name}, the cell that begins {cell.source[:40]!r}"
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", cell.metadata.get("key", "none")):
            raise StudyError(f"{where}: the key {cell.metadata['key']!r} is not of a-z, 0-9, - and _")
        if unknown := cell.metadata.keys() - _KNOWN_METADATA - {"lines_to_next_cell"}:
            raise StudyError(f"{where}: unknown metadata {', '.join(sorted(unknown))}")
        if _filled(cell):
            if cell.source:
                raise StudyError(f"{where}: the builder fills a cell of an exercise or a question; empty it")
            yield cell, None
        elif cell.cell_type == "markdown":
            twin = next(remaining, None)
            languages = cell.metadata.get("lang"), twin and twin.metadata.get("lang")
            if languages != LANGUAGES or twin.cell_type != "markdown":
                raise StudyError(f'{where}: prose comes in pairs, lang="en" and then lang="zh"')
            yield cell, twin
        else:
            if "lang" in cell.metadata:
                raise StudyError(f"{where}: code is the same in both languages; drop its lang")
            if cell.source.rstrip().endswith(";"):
                raise StudyError(f"{where}: drop the ';' at its end, it hides output from the comparison")
            yield cell, None


def _filled(cell) -> bool:
    """Whether the builder writes the cell's text."""
    return "exercise" in cell.metadata or "question" in cell.metadata


def _exercise(cell, name: str):
    try:
        return exercise(cell.metadata["exercise"])
    except KeyError as error:
        raise StudyError(f"{name}: {error.args[0]}") from error


def _exercise_cells(task, language: str, solved: bool) -> list:
    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    name, page = task.name, task.sheet
    level = getattr(LEVELS[page.level], language)
    statement = "\n\n".join(
        [
            words(f"### Exercise: `{name}`", f"### 练习：`{name}`"),
            words(f"*{level}, about {page.minutes} minutes*", f"*{level}，约{page.minutes}分钟*"),
            getattr(page.statement, language),
            words(
                f'Stuck? Run `hint("{name}")` in a cell of your own, and later `solution("{name}")`.',
                f'卡住了？在新单元格里运行`hint("{name}")`；尝试过之后再看`solution("{name}")`。',
            ),
        ]
    )
    return [
        new_markdown_cell(statement, id=f"{name}-statement"),
        new_code_cell(solved_source(task) if solved else stub_source(task), id=f"{name}-stub"),
        new_code_cell(f"check({name})", id=f"{name}-check"),
        new_code_cell(f"{name} = yours_or_reference({name})", id=f"{name}-use"),
    ]


def _with_switch(opening: str, name: str, language: str) -> str:
    """The opening cell with a link to the other edition below its title."""
    other, shown = {"en": ("zh", "中文"), "zh": ("en", "English")}[language]
    title, _, rest = opening.partition("\n")
    return f"{title}\n\n[{shown}](../{other}/{name}.ipynb)\n{rest}"


def _language_cell(language: str):
    source = (
        "from kd_study import check, hint, solution, use_language, yours_or_reference\n\n"
        f'use_language("{language}")'
    )
    return new_code_cell(source, id="language")


def _insert_before_first_code(cells: list, cell) -> None:
    first = next((i for i, other in enumerate(cells) if other.cell_type == "code"), len(cells))
    if first and cells[first - 1].id.endswith("-statement"):
        first -= 1
    cells.insert(first, cell)


def _expect_unique_ids(cells: list, name: str) -> None:
    seen: set[str] = set()
    for cell in cells:
        if cell.id in seen:
            raise StudyError(f"{name}: the key {cell.id!r} is used twice")
        seen.add(cell.id)


def without_outputs(notebook: nbformat.NotebookNode) -> list[tuple]:
    """What a committed notebook must share with its source: id, kind, text and tags of each cell."""
    return [(cell.id, cell.cell_type, cell.source, cell.metadata.get("tags")) for cell in notebook.cells]


def stale_notebooks(sources: list[Path], target: Path = NOTEBOOKS) -> list[Path]:
    """The committed notebooks that differ from their sources, or are missing."""
    return [
        path
        for source in sources
        for language in LANGUAGES
        if not (path := target / language / f"{source.stem}.ipynb").exists()
        or without_outputs(nbformat.read(path, as_version=4)) != without_outputs(assemble(source, language))
    ]


def write(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Writes a notebook without what changes from run to run."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata = nbformat.from_dict(_METADATA)
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
