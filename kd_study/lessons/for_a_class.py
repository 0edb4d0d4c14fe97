"""The student and instructor editions of a lesson, made from it as it is built, neither executed.

student: stubs, no output, no answer. instructor: reference solutions between nbgrader's markers, the hints
and known mistakes in regions that nbgrader removes, outputs of the committed notebooks. Both carry nbgrader's
cell metadata (schema 3) under the same ids: `nbgrader generate_assignment` makes the first from the second.
"""

import ast
import re
import textwrap
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_markdown_cell

from kd_solutions.support.language import Text
from kd_study.exercises.catalog import exercise
from kd_study.exercises.stubs import solved_source, stub_source, whiteboard_source
from kd_study.lessons.comments import comments, unwrapped
from kd_study.lessons.editions import assemble, language_cell
from kd_study.lessons.parts import Part, parts, relinked
from kd_study.lessons.source import NOTEBOOKS, lesson_sources, read_cells
from kd_study.questions import Question, question
from kd_study.questions.markdown import beyond

POINTS = {"basic": 1, "mid": 2, "hard": 3}  # of an exercise, by its level
LEFT_OUT = ("errata",)  # says what is right in the questions that a class is asked
SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
_CALLED = "check", "earned", "hint", "use_language", "yours_or_reference"


def workshop_sources(wanted: list[str] | None = None) -> list[Path]:
    """The sources of the pages that a class gets; `wanted` as of `lesson_sources`."""
    return [path for path in lesson_sources(wanted) if path.stem not in LEFT_OUT]


@dataclass(frozen=True)
class Page:
    """A lesson, or another page, in one language, before it becomes an edition.

    built: as the builder assembles it, unsolved, not executed; editions are made from copies. committed: the
    executed notebook, None where there is none yet. studied: ids of the code that is to be read line by line.
    """

    name: str
    language: str
    built: nbformat.NotebookNode
    committed: nbformat.NotebookNode | None
    studied: frozenset[str]


def read_page(source: Path, language: str) -> Page:
    """The page of that source in that language."""
    path = NOTEBOOKS / language / f"{source.stem}.ipynb"
    committed = nbformat.read(path, as_version=4) if path.exists() else None
    studied = frozenset(
        cell.metadata.get("key") or f"cell-{index:02d}"
        for index, (cell, _) in enumerate(read_cells(source))
        if cell.metadata.get("study")
    )
    return Page(source.stem, language, assemble(source, language), committed, studied)


def student(page: Page) -> nbformat.NotebookNode:
    """The student edition."""
    return _edition(page, _for_students)


def instructor(page: Page) -> nbformat.NotebookNode:
    """The instructor edition."""
    edition = _edition(page, _for_instructors)
    take_outputs(edition, page)
    return edition


def take_outputs(edition: nbformat.NotebookNode, page: Page) -> None:
    """Give an edition's experiments what the executed notebook has under the same id and code."""
    executed = {cell.id: cell for cell in page.committed.cells} if page.committed else {}
    for cell, part in parts(edition):
        known = executed.get(cell.id)
        if part.kind == "code" and known is not None and known.source == cell.source:
            cell.outputs, cell.execution_count = deepcopy(known.outputs), known.execution_count


def _edition(page: Page, treat) -> nbformat.NotebookNode:
    edition = deepcopy(page.built)
    pages = {path.stem for path in workshop_sources()}
    set_here = parts(edition)
    answers = answers_to([part.name for _, part in set_here if part.kind == "stub"])
    edition.cells = [treat(cell, part, page.language) for cell, part in set_here]
    for cell, (_, part) in zip(edition.cells, set_here, strict=True):
        if cell.cell_type == "markdown":
            cell.source = relinked(cell.source, pages)
        if part.kind == "prose":
            cell.source = withheld(cell.source, answers, page.language)
    return edition


def answers_to(names: list[str]) -> list[str]:
    """Each exercise's reference, and what one would write at a whiteboard."""
    tasks = map(exercise, names)
    return [text for task in tasks for text in (solved_source(task), whiteboard_source(task)) if text]


def withheld(prose: str, answers: list[str], language: str) -> str:
    """The prose with a sentence in the place of code that shows an answer, as a first lesson may."""
    instead = getattr(Text("*(Your instructor shows what.)*", "*（由老师演示。）*"), language)

    def replaced(found: re.Match) -> str:
        return instead if any(found[1].strip() in answer for answer in answers) else found[0]

    return re.sub(r"```python\n(.*?)```", replaced, prose, flags=re.DOTALL)


def _for_students(cell, part: Part, language: str):
    if part.kind == "question":
        return _asked(cell)
    if part.kind == "tick":
        return _answer(cell, "YOUR ANSWER HERE", language)  # nbgrader's own words: it knows them unchanged
    if part.kind == "stub":
        return _marked(cell, solution=True) if not exercise(part.name).stub else cell
    return _for_both(cell, part, language)


def _for_instructors(cell, part: Part, language: str):
    if part.kind == "question":
        return _asked(cell)
    if part.kind == "tick":
        return _answer(cell, _solution_of(question(part.name), language), language)
    if part.kind == "stub" and not exercise(part.name).stub:
        cell.source = solved_between_markers(exercise(part.name), language)
        return _marked(cell, solution=True)
    cell = _for_both(cell, part, language)
    if part.kind == "check":
        notes = _notes(exercise(part.name), language)
        cell.source = "\n".join([cell.source, HIDDEN[0], notes, HIDDEN[1]])
    return cell


def _for_both(cell, part: Part, language: str):
    if part.kind == "language":
        cell.source = language_cell(language, _CALLED)
    if part.kind == "statement":
        told = cell.source.rpartition("\n\n")[0]
        stuck = Text(
            f'Stuck? Run `hint("{part.name}")` in a cell of your own.',
            f'卡住了？在新单元格里运行`hint("{part.name}")`。',
        )
        cell.source = f"{told}\n\n{getattr(stuck, language)}"
        return _marked(cell, locked=True)
    if part.kind == "check":
        points = POINTS[exercise(part.name).sheet.level]
        cell.source = f"{cell.source}\nearned({part.name}, points={points})"
        return _marked(cell, grade=True, locked=True, points=points)
    if part.kind == "use":
        return _marked(cell, locked=True)
    return cell


def _marked(cell, grade: bool = False, solution: bool = False, locked: bool = False, points: float = 0):
    """The cell with nbgrader's metadata."""
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": cell.id,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
        **({"points": points} if grade else {}),
    }
    return cell


def _asked(cell):
    """A question without its answer."""
    cell.source = cell.source.partition("\n\n<details>")[0]
    kept = {
        name: data
        for name, data in cell.get("attachments", {}).items()
        if f"attachment:{name}" in cell.source
    }
    cell.pop("attachments", None)
    if kept:
        cell["attachments"] = kept
    return cell


def _answer(cell, text: str, language: str):
    """The cell below a question, for words; nbgrader counts it as answered once it is changed."""
    title = getattr(
        Text("**Your answer**, in the place of the next line", "**你的回答**，写在下一行的位置"), language
    )
    below = new_markdown_cell(f"{title}\n\n{text}", id=f"{cell.id.removesuffix('-tick')}-answer")
    return _marked(below, grade=True, solution=True)


def _solution_of(asked: Question, language: str) -> str:
    """The answer in full, between markers that no page shows and nbgrader finds."""
    points = "\n".join(f"- {getattr(point, language)}" for point in asked.points)
    begin, end = (f"<!-- {marker} -->" for marker in SOLUTION)
    return "\n\n".join([begin, points, *beyond(asked, language), end])


def solved_between_markers(task, language: str) -> str:
    """The stub with the reference's body in it, and what that needs, between nbgrader's markers."""
    stub = stub_source(task, language)
    head, _, rest = stub.rpartition("    raise NotImplementedError")
    if rest.strip():
        raise ValueError(f"the stub of {task.name} does not end with `raise NotImplementedError`")
    begin, end = SOLUTION
    body = "\n".join([begin, *_needed(task, stub), *_body(task), end])
    return head + textwrap.indent(body, "    ")


def _needed(task, stub: str) -> list[str]:
    """What stands above the reference in its module and not in the stub: imports, private helpers."""
    solved, known = solved_source(task), set(ast.unparse(ast.parse(stub)).splitlines())
    above = ast.parse(solved).body[:-1]
    texts = [ast.get_source_segment(solved, node) for node in above]
    return [text for node, text in zip(above, texts, strict=True) if ast.unparse(node) not in known]


def _body(task) -> list[str]:
    """The reference's statements, from the first behind its docstring, without their indent."""
    solved = solved_source(task)
    function = ast.parse(solved).body[-1]
    first = function.body[1 if ast.get_docstring(function) is not None else 0]
    lines = solved.splitlines()[first.lineno - 1 : function.end_lineno]
    return textwrap.dedent("\n".join(lines)).splitlines()


def _notes(task, language: str) -> str:
    """What an instructor wants at hand, as comments: mistakes and what to say, hints, the story behind it."""

    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    page = task.sheet
    mistakes = [
        f"- {wrong.name}{words(': ', '：')}{unwrapped(getattr(wrong.explanation, language))}"
        for wrong in task.wrong_answers
    ]
    texts = [words("What goes wrong, and what to say", "会错在哪里，该怎么说"), *mistakes]
    for number, text in enumerate(page.hints, 1):
        texts += ["", words(f"Hint {number}", f"提示{number}"), unwrapped(getattr(text, language))]
    texts += ["", words("Afterwards", "做完之后"), unwrapped(getattr(page.discussion, language))]
    if task.stub:
        texts += ["", words("The reference", "参考答案"), solved_source(task)]
    return comments("\n".join(texts))
