"""Finds the solutions in a learner's file, without running the rest of it.

Only what a solution needs is to be executed: its definition, the imports, helpers and constants it refers
to, and what fills those afterwards. A training loop at the end, or a cell with a magic, costs nothing. A
lesson's `kd_loss = yours_or_reference(kd_loss)` is left out: it would put the reference in the solution's
place. Here nothing is executed (see `submissions`).
"""

import __future__

import ast
import linecache
import symtable
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from kd_solutions.support.language import Text, say
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.grading.reading import UNPARSABLE, Cell, answers_named, pieces, read

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
TOOLS = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional", "math": "math", "np": "numpy"}
_REACHES = {"_getframe", "currentframe", "f_back", "f_locals", "__code__", "__globals__", "gc", "ctypes"}


@dataclass
class Problem:
    """What is wrong at one place of a file, in both languages, and the exercises that are not graded for it."""

    en: str
    zh: str
    names: list[str]

    def __str__(self) -> str:
        left_out = (
            say("; not graded: ", "；未批改：") + say(", ", "、").join(self.names) if self.names else ""
        )
        return str(Text(self.en, self.zh)) + left_out


@dataclass(frozen=True, eq=False)
class Statement:
    """One top-level statement and where it stands."""

    node: ast.stmt
    place: Text

    @property
    def key(self) -> str:
        """Its position, by which a second look at the same file finds it again."""
        return f"{self.node.lineno}:{self.node.col_offset}"

    @cached_property
    def _table(self) -> symtable.SymbolTable:
        return symtable.symtable(ast.unparse(self.node), "statement", "exec")

    @cached_property
    def defines(self) -> set[str]:
        """The names that it binds otherwise than by an import."""
        return {symbol.get_name() for symbol in self._table.get_symbols() if _assigned(symbol)}

    @cached_property
    def binds(self) -> set[str]:
        """All names that it binds; `import *` may bind any."""
        names = {symbol.get_name() for symbol in self._table.get_symbols() if symbol.is_imported()}
        star = any(
            alias.name == "*"
            for node in ast.walk(self.node)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        )
        return self.defines | names | (set(NAMES) if star else set())

    @cached_property
    def needs(self) -> set[str]:
        """The names that it takes from its module; a function's own variables are none."""

        def walk(table: symtable.SymbolTable) -> Iterator[str]:
            for symbol in table.get_symbols():
                if symbol.is_global() or (table.get_type() == "module" and symbol.is_referenced()):
                    yield symbol.get_name()
            for inner in table.get_children():
                yield from walk(inner)

        return set(walk(self._table))

    @cached_property
    def sets_globally(self) -> set[str]:
        """The module's names that a call of the function it defines binds."""
        return {
            symbol.get_name()
            for inner in self._table.get_children()
            for symbol in inner.get_symbols()
            if symbol.is_declared_global() and symbol.is_assigned()
        }

    @cached_property
    def stores_into(self) -> set[str]:
        """The names whose object it changes by an assignment: `CONFIG["T"] = 1`, `helper.floor = 0`."""
        return {
            _root(node)
            for node in self._executed
            if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load)
        }

    @cached_property
    def calls(self) -> set[str]:
        """The names that it calls, or a method of which it calls, for the effect alone: `TABLE.append(0)`."""
        return {
            _root(node.value.func)
            for node in self._executed
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        }

    @property
    def _executed(self) -> Iterator[ast.AST]:
        """Its nodes, unless it is a definition, whose body runs only when it is called."""
        return iter(()) if isinstance(self.node, _DEFINITIONS) else ast.walk(self.node)

    @property
    def future(self) -> int:
        """The compiler's flags that a `from __future__ import` sets for all that follows."""
        if not (isinstance(self.node, ast.ImportFrom) and self.node.module == "__future__"):
            return 0
        features = [getattr(__future__, alias.name, None) for alias in self.node.names]
        return sum(feature.compiler_flag for feature in features if feature)

    @property
    def always(self) -> bool:
        """Whether it changes how others are read or found."""
        finds = "sys" in self.calls | self.stores_into and "sys.path" in ast.unparse(self.node)
        return finds or bool(self.future)


def _assigned(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() and not symbol.is_imported()


def _root(node: ast.expr) -> str:
    """The name at the beginning of `name.attribute["key"].method`, or nothing."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _chooses(statement: ast.stmt) -> bool:
    """Whether it is `name = yours_or_reference(name)`."""
    match statement:
        case ast.Assign(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name == "yours_or_reference"
    return False


@dataclass
class Source:
    """A submitted file. problems: the places that are no Python; what is in the others can be graded.

    repairs: what was put right to read it. language: the one that its author speaks, "" if unknown.
    Raises: Unreadable where there is nothing to be read.
    """

    path: Path
    statements: list[Statement] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self):
        contents = read(self.path)
        self.repairs, self.language = contents.repairs, contents.language
        parts = [piece for cell in contents.cells for piece in pieces(cell)]
        text, line = "\n".join(part.code for part in parts), 0
        linecache.cache[str(self.path)] = len(text), None, text.splitlines(keepends=True), str(self.path)
        for part in parts:
            try:
                nodes = ast.parse(part.code, str(self.path)).body
            except UNPARSABLE as error:
                self._refuse(error, part, getattr(error, "lineno", None) or 1)
                nodes = []
            for node in nodes:
                self._add(node, part, line)
            line += part.code.count("\n") + 1
        self.statements = _without_stubs(self.statements)
        if self.lent:
            names = ", ".join(self.lent)
            self.repairs.append(
                Text(f"no cell imports {names}: taken as usual", f"没有单元格导入{names}：已按惯例补上")
            )
        for problem in self.problems:
            problem.names = [name for name in problem.names if name not in self.found]

    def _add(self, node: ast.stmt, part: Cell, lines_before: int) -> None:
        place = part.place(node.lineno)
        try:
            if not _chooses(node):
                self.statements.append(Statement(ast.increment_lineno(node, lines_before), place))
                _ = self.statements[-1].needs
        except UNPARSABLE as error:
            self._refuse(error, part, self.statements.pop().node.lineno - lines_before)

    def _refuse(self, error: Exception, part: Cell, line: int) -> None:
        place, reason = part.place(line), getattr(error, "msg", None) or said(error)
        names = answers_named(part.code)
        self.problems.append(
            Problem(
                f"{place.en} is not valid Python: {reason}", f"{place.zh}不是合法的Python：{reason}", names
            )
        )

    @property
    def reaches_for_the_grader(self) -> bool:
        """Whether what is to be executed looks at the frames, the code or the modules of who grades it."""
        nodes = (node for one in self.needed(set(self.found)) for node in ast.walk(one.node))
        return any(_reached(node) for node in nodes)

    @cached_property
    def found(self) -> list[str]:
        """The exercises that something is defined for, in the order of study."""
        defined = set().union(*(statement.defines for statement in self.statements))
        return [name for name in NAMES if name in defined]

    @cached_property
    def lent(self) -> list[str]:
        """Of `TOOLS` those that a notebook's answers use and that no cell of it imports, any more."""
        if self.path.suffix != ".ipynb":
            return []
        bound = set().union(*(statement.binds for statement in self.statements))
        wanted = set().union(*map(self.names_behind, self.found))
        return [name for name in TOOLS if name in wanted - bound]

    def needed(self, names: set[str]) -> list[Statement]:
        """The statements that bind or change these names, or names which those refer to, in their order."""
        if not names:
            return []
        kept = {statement for statement in self.statements if statement.always}
        wanted = set(names).union(*(statement.needs for statement in kept))
        while more := {one for one in self.statements if one not in kept and self.changed_by(one) & wanted}:
            kept |= more
            wanted |= set().union(*(statement.needs for statement in more))
        return [statement for statement in self.statements if statement in kept]

    def changed_by(self, statement: Statement) -> set[str]:
        """The names that a statement binds, or whose object it changes."""
        called = statement.calls
        set_by_calls = (self._setters[name] for name in called & self._setters.keys())
        return (statement.binds | statement.stores_into | called & self._data).union(*set_by_calls)

    def names_behind(self, name: str) -> set[str]:
        """All names that a solution needs, with those that others of them need, and its own."""
        return {name}.union(*(statement.needs for statement in self.needed({name})))

    @cached_property
    def _data(self) -> set[str]:
        """The names that hold what the file has made, rather than a library or a function."""
        return set().union(
            *(one.defines for one in self.statements if not isinstance(one.node, _DEFINITIONS))
        )

    @cached_property
    def _setters(self) -> dict[str, set[str]]:
        """Function → the module's names that calling it binds."""
        setters = (one for one in self.statements if one.sets_globally)
        return {name: one.sets_globally for one in setters for name in one.defines}


def _without_stubs(statements: list[Statement]) -> list[Statement]:
    """The statements but for stubs, as handed out, of exercises that are answered elsewhere in the file."""
    by_name: dict[str, list[Statement]] = {}
    for one in statements:
        if isinstance(one.node, ast.FunctionDef) and one.node.name in NAMES:
            by_name.setdefault(one.node.name, []).append(one)
    left_out: set[Statement] = set()
    for name, several in by_name.items():
        if len(several) > 1:
            stubs = {one for one in several if _handed_out(one.node, name)}
            left_out |= stubs if len(stubs) < len(several) else set()
    return [one for one in statements if one not in left_out]


def _handed_out(node: ast.FunctionDef, name: str) -> bool:
    """Whether it is the exercise's stub, whatever its docstring."""
    from kd_study.exercises.stubs import stub_source

    (stub,) = (
        each for each in ast.parse(stub_source(exercise(name))).body if isinstance(each, ast.FunctionDef)
    )
    return _body(node) in (_body(stub), ast.dump(ast.parse("raise NotImplementedError")))


def _body(node: ast.FunctionDef) -> str:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return ast.dump(ast.Module(body, []))


def _reached(node: ast.AST) -> bool:
    names = []
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            names = [name]
        case ast.Import(names=aliases):
            names = [alias.name for alias in aliases]
        case ast.ImportFrom(module=str(module)):
            names = [module]
    return any(
        name in _REACHES or name.startswith(("kd_study.grading", "kd_study.exercises")) for name in names
    )


def said(error: BaseException) -> str:
    """An error's kind and text, whatever its text does."""
    try:
        text = str(error)
    except BaseException:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
