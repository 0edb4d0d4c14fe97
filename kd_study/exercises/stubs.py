"""Makes the cell of an exercise from its reference solution, so that stub and solution can't drift apart."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Callable

from kd_solutions.support.language import LANGUAGES
from kd_study.exercises.base import Exercise

_USUAL_TOOLS = {"torch", "nn", "F"}  # in reach of every stub whose module has them


def stub_source(exercise: Exercise, language: str = "en") -> str:
    """The code a learner starts from: imports, signature, docstring, `raise NotImplementedError`.

    language: of its docstring; the rest is the same in both.
    """
    source = exercise.stub.strip() if exercise.stub else _unfinished_reference(exercise)
    return _with_docstring(source, exercise.sheet.chinese_docstring) if language == "zh" else source


def _with_docstring(source: str, text: str) -> str:
    """The source with another docstring in its function."""
    (function,) = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
    old = function.body[0]
    lines = source.splitlines()
    body = f'"""{text}\n"""' if "\n" in text else f'"""{text}"""'
    lines[old.lineno - 1 : old.end_lineno] = textwrap.indent(body, "    ").splitlines()
    return "\n".join(lines)


def _unfinished_reference(exercise: Exercise) -> str:
    module = _Module(exercise.reference.__module__)
    definition = module.definitions[exercise.reference.__name__]
    signature = _names(definition.args, definition.returns, *definition.decorator_list)
    first = definition.body[0]
    end = first.end_lineno if ast.get_docstring(definition) is not None else first.lineno - 1
    head = "\n".join(module.lines[_start(definition) : end])
    parts = [
        module.imports(signature | _USUAL_TOOLS),
        _renamed(f"{head}\n    raise NotImplementedError", definition.name, exercise.name),
    ]
    return "\n\n\n".join(filter(None, parts))


def is_untouched(function: Callable, exercise: Exercise) -> bool:
    """Whether it is the faulty code that the learner was given to mend, as it was given."""
    if not exercise.stub:
        return False
    try:
        own = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return False
    stubs = (ast.parse(stub_source(exercise, language)) for language in LANGUAGES)
    return any(ast.dump(own) == ast.dump(node) for given in stubs for node in given.body)


def solved_source(exercise: Exercise) -> str:
    """The reference solution as one cell: its imports, its module's private helpers, itself."""
    module = _Module(exercise.reference.__module__)
    definition = module.definitions[exercise.reference.__name__]
    helpers = module.helpers(definition)
    names = _names(definition, *helpers) - {node.name for node in (definition, *helpers)}
    parts = [
        module.imports(names),
        *map(module.text, helpers),
        _renamed(module.text(definition), definition.name, exercise.name),
    ]
    return "\n\n\n".join(filter(None, parts))


def names_used(source: str) -> set[str]:
    """The names that some code reads or calls, without those in its texts."""
    return _names(ast.parse(source))


def whiteboard_source(exercise: Exercise) -> str:
    """The answer as one would write it at a whiteboard, in plain PyTorch; "" where the reference is that already.

    It is the function `whiteboard` beside the exercise, or beside the exercise whose contract this one shares.
    """
    for kind in type(exercise).__mro__[:-1]:
        module = _Module(kind.__module__)
        if definition := module.definitions.get("whiteboard"):
            text = _renamed(module.text(definition), definition.name, exercise.name)
            return f"{module.imports(_names(definition))}\n\n\n{text}".strip()
    return ""


class _Module:
    """A module's source, cut into its top-level definitions."""

    def __init__(self, name: str):
        self.name = name
        source = inspect.getsource(sys.modules[name])
        self.lines = source.splitlines()
        self.body = ast.parse(source).body
        self.definitions = {
            node.name: node for node in self.body if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }

    def text(self, node) -> str:
        return "\n".join(self.lines[_start(node) : node.end_lineno])

    def helpers(self, definition) -> list:
        """The module's private functions and classes that the definition uses, directly or not."""
        found, waiting = set(), [definition]
        while waiting:
            for name in _names(waiting.pop()):
                if name.startswith("_") and name in self.definitions and name not in found:
                    found.add(name)
                    waiting.append(self.definitions[name])
        return [node for name, node in self.definitions.items() if name in found]

    def imports(self, needed: set[str]) -> str:
        """The statements that import the needed names, from where the module does or from the module."""
        lines, own = [], []
        for node in self.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                if kept := [alias for alias in node.names if _bound_name(alias) in needed]:
                    lines.append(_import_statement(node, kept))
            else:
                own += [name for name in _bound_by(node) if name in needed]
        if own:
            lines.append(f"from {self.name} import {', '.join(sorted(own))}")
        return "\n".join(lines)


def _import_statement(node, aliases: list) -> str:
    if isinstance(node, ast.ImportFrom):
        return ast.unparse(ast.ImportFrom(node.module, aliases, 0))
    return ast.unparse(ast.Import(aliases))


def _bound_name(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _bound_by(node: ast.stmt) -> list[str]:
    """The names that a module's statement defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [target.id for target in targets if isinstance(target, ast.Name)]
    return []


def _start(definition) -> int:
    """The index of a definition's first line, its decorators included."""
    return min([definition.lineno, *(decorator.lineno for decorator in definition.decorator_list)]) - 1


def _names(*nodes) -> set[str]:
    return {found.id for node in nodes if node for found in ast.walk(node) if isinstance(found, ast.Name)}


def _renamed(source: str, old: str, new: str) -> str:
    """The source with its function under the exercise's name, where the reference shares another's."""
    return re.sub(rf"^def {old}\(", f"def {new}(", source, flags=re.MULTILINE)
