"""Finds the solutions in a learner's Python file or notebook, without running the rest of it.

Only what a solution needs is executed: its definition, and the imports, helpers and constants it refers to.
A training loop at the end of the file, or a cell with a magic, costs nothing. A lesson's
`kd_loss = yours_or_reference(kd_loss)` is left out: it would put the reference in the solution's place.
"""

import ast
import linecache
import symtable
from collections.abc import Callable, Iterator
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.grading.grade import Report, grade


def grade_all(solutions: dict[str, Callable]) -> list[Report]:
    """A report for each solution of one file, in the order of study, each judged on its own.

    Where one fails, the solutions after it that call it get the reference instead, as in a lesson.
    """
    reports = []
    for name, function in solutions.items():
        report = grade(function, name)
        if report.status != "passed" and function.__globals__.get(name) is function:
            function.__globals__[name] = exercise(name).reference
        reports.append(report)
    return reports


def solutions_in(path: Path) -> dict[str, Callable]:
    """Exercise → the function of that name, the last definition where there are several.

    Raises: StudyError where the file can't be read, is no Python, or lacks what a solution needs.
    """
    cells = _cells(path)
    source = "\n".join(cells)
    try:
        statements = [node for node in ast.parse(source, str(path)).body if not _chooses(node)]
    except SyntaxError as error:
        place = _place(cells, error.lineno or 1)
        raise StudyError(
            say(
                f"{path} is not valid Python at {place}: {error.msg}",
                f"{path}{place}不是合法的Python：{error.msg}",
            )
        ) from error
    found = {name for node in statements for name in _defined(node) if name in NAMES}
    namespace: dict = {"__name__": path.stem}
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    try:
        exec(compile(ast.Module(_needed(statements, found), []), str(path), "exec"), namespace)
    except (Exception, SystemExit) as error:
        raise StudyError(
            say(
                f"{path} can't be loaded: {type(error).__name__}: {error}",
                f"无法加载{path}：{type(error).__name__}: {error}",
            )
        ) from error
    return {name: namespace[name] for name in NAMES if name in found and callable(namespace.get(name))}


def _cells(path: Path) -> list[str]:
    """The code of a Python file, or that of each code cell of a notebook, with magics made harmless."""
    import nbformat
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or say("not text in UTF-8", "不是UTF-8编码的文本")
        raise StudyError(say(f"{path} can't be read: {reason}", f"无法读取{path}：{reason}")) from error
    if path.suffix != ".ipynb":
        return [text]
    try:
        cells = nbformat.reads(text, as_version=4).cells
    except Exception as error:  # nbformat raises many kinds for what is no notebook
        raise StudyError(say(f"{path} is no notebook: {error}", f"{path}不是notebook：{error}")) from error
    transform = TransformerManager().transform_cell
    return [transform(cell.source) for cell in cells if cell.cell_type == "code"]


def _place(cells: list[str], line: int) -> str:
    """Where a line of all cells together stands, as a person would look for it."""
    if len(cells) == 1:
        return say(f"line {line}", f"第{line}行")
    for number, cell in enumerate(cells, 1):
        lines = cell.count("\n") + 1
        if line <= lines or number == len(cells):
            return say(f"line {line} of code cell {number}", f"第{number}个代码单元格第{line}行")
        line -= lines
    raise AssertionError("a notebook without a cell holds no error")


def _chooses(statement: ast.stmt) -> bool:
    """Whether it is `name = yours_or_reference(name)`."""
    match statement:
        case ast.Assign(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name == "yours_or_reference"
    return False


def _needed(statements: list[ast.stmt], names: set[str]) -> list[ast.stmt]:
    """The statements that bind these names, or names which those refer to, in their order."""
    kept: set[int] = set()
    wanted = set(names)
    while True:
        more = {
            index
            for index, statement in enumerate(statements)
            if index not in kept and _bound(statement) & wanted
        }
        if not more:
            return [statements[index] for index in sorted(kept)]
        kept |= more
        wanted |= set().union(*(_needs(statements[index]) for index in more))


def _needs(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement takes from its module; a function's own variables are none."""

    def walk(table: symtable.SymbolTable) -> Iterator[str]:
        for symbol in table.get_symbols():
            if symbol.is_global() or (table.get_type() == "module" and symbol.is_referenced()):
                yield symbol.get_name()
        for inner in table.get_children():
            yield from walk(inner)

    return set(walk(symtable.symtable(ast.unparse(statement), "statement", "exec")))


def _defined(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement gives to something of the learner's own: a function, a lambda."""
    match statement:
        case ast.FunctionDef() | ast.Assign() | ast.AnnAssign() | ast.If() | ast.Try():
            return _bound(statement)
    return set()


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement binds, with those inside a `try` or an `if`; `*` may bind any."""
    match statement:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            if any(alias.name == "*" for alias in aliases):
                return set(NAMES)
            return {alias.asname or alias.name.split(".")[0] for alias in aliases}
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case _:
            names = set()
            for node in ast.walk(statement):
                match node:
                    case ast.Name(id=name, ctx=ast.Store()):
                        names.add(name)
                    case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
                        names |= _bound(node)
            return names
