"""Builds the notebooks: one source a lesson (see `source`) becomes an English and a Chinese edition."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, Text
from kd_study.exercises.catalog import LEVELS, TOPIC_TITLES, TOPICS, exercise, sheet
from kd_study.exercises.stubs import solved_source, stub_source
from kd_study.lessons import families
from kd_study.lessons.errata import errata
from kd_study.lessons.glossary import GLOSSARY, Term, entries, link_terms
from kd_study.lessons.source import FILLED, NOTEBOOKS, lesson_sources, prose, read_cells
from kd_study.lessons.speech import in_language
from kd_study.questions import TOPICS as TOPICS_OF_QUESTIONS
from kd_study.questions import Question, all_questions, attachments, by_topic, question, render

CAPTION = "↑ "
_CALLED = "check", "hint", "solution", "tick", "use_language", "yours_or_reference"
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def assemble(source: Path, language: str, solved: bool = False) -> nbformat.NotebookNode:
    """One edition of a lesson, not yet executed. StudyError names the cell that breaks the source's rules."""
    built: list = []
    asked = False  # whether the cell before is a question
    for index, (cell, twin) in enumerate(read_cells(source)):
        key = cell.metadata.get("key") or f"cell-{index:02d}"
        if "question" in cell.metadata and not asked:
            built.append(_clock_cell(f"{index:02d}"))
        asked = "question" in cell.metadata
        if filled := next((name for name in FILLED if name in cell.metadata), None):
            built += _filled_cells(filled, cell, source, language, solved)
        elif twin:
            text = prose(cell, twin, language)
            text = text if built else _with_switch(text, source.stem, language)
            if cell.metadata.get("caption"):
                text, key = f"{CAPTION}{text}", f"{built[-1].id}-caption"
            built.append(new_markdown_cell(text, id=key, metadata={"prose": True}))
        else:
            tags = {"tags": cell.metadata["tags"]} if "tags" in cell.metadata else {}
            built.append(new_code_cell(cell.source, id=key, metadata=tags))
    _speak(built, language)
    _link(built, source, language)
    _insert_before_first_code(built, new_code_cell(language_cell(language, _CALLED), id="language"))
    _expect_unique_ids(built, source.name)
    return new_notebook(cells=built, metadata=_METADATA)


def _filled_cells(kind: str, cell, source: Path, language: str, solved: bool) -> list:
    """The cells that the builder writes in the place of one that is empty in the source."""
    wanted = cell.metadata[kind]
    if kind == "exercise":
        return _exercise_cells(_exercise(cell, source.name), language, solved)
    if kind == "topic":
        return _topic_cells(wanted, language, solved)
    if kind == "bank":
        return _bank_cells(language)
    if kind == "errata":
        return [new_markdown_cell(text, id=anchor) for anchor, text in errata(language)]
    if kind == "families":
        return [new_markdown_cell(text, id=anchor) for anchor, text in families.entries(language)]
    if kind == "glossary":
        return [new_markdown_cell(text, id=anchor) for anchor, text in _glossary(source.parent, language)]
    return _question_cells(question(wanted), language, cell.metadata.get("key") or wanted)


def _bank_cells(language: str) -> list:
    """Every question, topic after topic, each topic below a heading and a clock."""
    return [
        cell
        for topic, questions in by_topic(all_questions().values()).items()
        for cell in (
            new_markdown_cell(f"## {getattr(TOPICS_OF_QUESTIONS[topic], language)}", id=f"topic-{topic}"),
            _clock_cell(topic),
            *(cell for each in questions for cell in _question_cells(each, language, each.id)),
        )
    ]


def _clock_cell(name: str) -> nbformat.NotebookNode:
    return new_code_cell("from kd_study import clock\n\nclock()", id=f"clock-{name}")


def _question_cells(asked: Question, language: str, key: str) -> list:
    """The question with its answer folded away, and below it the points to be ticked."""
    text = render(asked, language)
    pictures = {name: {"image/png": b64encode(png).decode()} for name, png in attachments(text).items()}
    return [
        new_markdown_cell(text, id=key, **({"attachments": pictures} if pictures else {})),
        new_code_cell(f'tick("{asked.id}")', id=f"{key}-tick"),
    ]


def _speak(cells: list, language: str) -> None:
    """Let the code speak the page's language alone."""
    code = [cell for cell in cells if cell.cell_type == "code"]
    for cell, text in zip(code, in_language([cell.source for cell in code], language), strict=True):
        cell.source = text


def _link(cells: list, source: Path, language: str) -> None:
    """Link each term to the glossary where it first occurs in the lesson's own prose."""
    own = [
        cell for cell in cells if cell.metadata.pop("prose", False) and not cell.source.startswith(CAPTION)
    ]
    if source.stem != GLOSSARY:
        texts, _ = link_terms([cell.source for cell in own], language)
        for cell, text in zip(own, texts, strict=True):
            cell.source = text


def _glossary(folder: Path, language: str) -> list[tuple[str, str]]:
    """The glossary's entries, each with the lessons whose prose it occurs in."""
    lessons_of: dict[Term, list[str]] = {}
    for source in lesson_sources(None, folder):
        if source.stem[:2].isdigit():
            cells = read_cells(source)
            texts = [
                prose(*pair, language) for pair in cells if pair[1] and not pair[0].metadata.get("caption")
            ]
            for term in link_terms(texts, language)[1]:
                lessons_of.setdefault(term, []).append(source.stem)
    return entries(language, lessons_of)


def _exercise(cell, name: str):
    try:
        return exercise(cell.metadata["exercise"])
    except KeyError as error:
        raise StudyError(f"{name}: {error.args[0]}") from error


def _topic_cells(topic: str, language: str, solved: bool) -> list:
    names = TOPICS[topic]
    minutes = sum(sheet(name).minutes for name in names)
    total = Text(f"*{len(names)} exercises, {minutes} minutes*", f"*{len(names)}道题，共{minutes}分钟*")
    title = f"## {getattr(TOPIC_TITLES[topic], language)}\n\n{getattr(total, language)}"
    return [
        new_markdown_cell(title, id=f"topic-{topic}"),
        *(cell for name in names for cell in _exercise_cells(exercise(name), language, solved)),
    ]


def _exercise_cells(task, language: str, solved: bool) -> list:
    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    name, page = task.name, task.sheet
    level = getattr(LEVELS[page.level], language)
    statement = "\n\n".join(
        [
            f"### {words('Exercise: ', '练习：')}`{name}`",
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
        new_code_cell(solved_source(task) if solved else stub_source(task, language), id=f"{name}-stub"),
        new_code_cell(f"check({name})", id=f"{name}-check"),
        new_code_cell(f"{name} = yours_or_reference({name})", id=f"{name}-use"),
    ]


def _with_switch(opening: str, name: str, language: str) -> str:
    """The opening cell with a link to the other edition below its title."""
    other, shown = {"en": ("zh", "中文"), "zh": ("en", "English")}[language]
    title, _, rest = opening.partition("\n")
    return f"{title}\n\n[{shown}](../{other}/{name}.ipynb)\n{rest}"


def language_cell(language: str, called: Sequence[str]) -> str:
    """The code that a lesson begins with; called: what its cells call of `kd_study`."""
    return f'from kd_study import {", ".join(called)}\n\nuse_language("{language}")'


def _insert_before_first_code(cells: list, cell) -> None:
    first = next((i for i, other in enumerate(cells) if other.cell_type == "code"), None)
    if first is None:
        return
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


def write(notebook: nbformat.NotebookNode, path: Path, metadata: dict | None = None) -> None:
    """Writes a notebook without what changes from run to run; metadata: of the whole, beside the usual."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    notebook.metadata = nbformat.from_dict(_METADATA | (metadata or {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)
