"""Finds the solutions in a learner's Python file or notebook, without running the rest of it.

Only what a solution needs is executed: its definition, and the imports, helpers and constants it refers to.
A training loop at the end of the file, or a cell with a magic, costs nothing.
"""

import ast
import linecache
from collections.abc import Callable
from pathlib import Path

from kd_solutions.errors import StudyError
from kd_study.exercises import NAMES
from kd_study.language import say


def solutions_in(path: Path) -> dict[str, Callable]:
    """Exercise → the function of that name, the last definition where there are several.

    Raises: StudyError where the file can't be read, is no Python, or lacks what a solution needs.
    """
    source = _source(path)
    try:
        statements = ast.parse(source, str(path)).body
    except SyntaxError as error:
        raise StudyError(
            say(
                f"{path} is not valid Python at line {error.lineno}: {error.msg}",
                f"{path}第{error.lineno}行不是合法的Python：{error.msg}",
            )
        ) from error
    found = [node.name for node in statements if isinstance(node, ast.FunctionDef) and node.name in NAMES]
    namespace: dict = {"__name__": path.stem}
    linecache.cache[str(path)] = (len(source), None, source.splitlines(keepends=True), str(path))
    try:
        exec(compile(ast.Module(_needed(statements, set(found)), []), str(path), "exec"), namespace)
    except (Exception, SystemExit) as error:
        raise StudyError(
            say(
                f"{path} can't be loaded: {type(error).__name__}: {error}",
                f"无法加载{path}：{type(error).__name__}: {error}",
            )
        ) from error
    return {name: namespace[name] for name in NAMES if name in found}


def _source(path: Path) -> str:
    """The code of a Python file, or of all code cells of a notebook, with magics made harmless."""
    import jupytext
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(say(f"{path} can't be read: {error}", f"无法读取{path}：{error}")) from error
    if path.suffix != ".ipynb":
        return text
    try:
        cells = jupytext.reads(text, fmt="ipynb").cells
    except Exception as error:  # nbformat raises many kinds for what is no notebook
        raise StudyError(say(f"{path} is no notebook: {error}", f"{path}不是notebook：{error}")) from error
    transform = TransformerManager().transform_cell
    return "\n".join(transform(cell.source) for cell in cells if cell.cell_type == "code")


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
        wanted |= {
            node.id for index in more for node in ast.walk(statements[index]) if isinstance(node, ast.Name)
        }


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
