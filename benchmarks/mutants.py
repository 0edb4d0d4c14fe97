"""How strong are the checks? `python -m benchmarks.mutants [NAME …]` breaks every reference in small ways.

Each mutant differs from a reference solution (or a private helper it calls) by one operator, constant,
comparison, reduction, argument or statement. A mutant that passes all checks has survived. Beside it stands
what a judge would kill that compares with the reference on one random input, as is common. Mutants that
behave like the reference by proof, not by lack of checks, are listed with the reason in `equivalents.yaml`;
a refusal that the reference makes beyond its exercise's contract counts among them.
"""

import argparse
import ast
import copy
import inspect
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kd_study.exercises.base import Exercise
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.grading.diagnosis import same
from kd_study.grading.grade import passes

BEYOND = (
    "same_shape(",
    "check_temperature(",
)  # what only refuses arguments; ValueErrors are asked of soft_targets alone
EQUIVALENTS = Path(__file__).with_name("equivalents.yaml")
_OPERATORS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult}
_COMPARISONS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_METHODS = {
    "mean": "sum", "sum": "mean", "softmax": "log_softmax", "log_softmax": "softmax", "max": "min",
    "min": "max", "exp": "log", "log": "exp", "argmax": "argmin", "square": "abs", "eval": "train",
    "train": "eval", "cumsum": "cumprod", "any": "all", "all": "any", "topk": "sort",
}  # fmt: skip
_DROPPABLE = {"detach", "eval", "clone", "contiguous", "float", "to", "clamp", "clamp_min", "abs", "sqrt"}


@dataclass(frozen=True)
class Mutant:
    exercise: str
    change: str  # "function, statement: old → new", the same on every run
    function: Callable


def mutants(task: Exercise) -> Iterator[Mutant]:
    """Every mutant of an exercise's reference that compiles."""
    module = inspect.getmodule(task.reference)
    tree = ast.parse(inspect.getsource(module))
    for place, path, old, new in _changes(tree, _reachable(tree, task.reference.__name__)):
        broken = copy.deepcopy(tree)
        _replace(broken, path, new)
        space = types.ModuleType("mutant")
        sys.modules["mutant"] = space  # dataclasses look their module up
        exec(compile(ast.fix_missing_locations(broken), "<mutant>", "exec"), vars(space))
        change = " ".join(f"{place}: {ast.unparse(old)} → {ast.unparse(new) if new else 'nothing'}".split())
        yield Mutant(task.name, change, getattr(space, task.reference.__name__))


def _reachable(tree: ast.Module, name: str) -> set[str]:
    """The function and those of its module that it leads to, but for other exercises' references."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    found, todo = set(), [name]
    while todo:
        current = todo.pop()
        found.add(current)
        used = {node.id for node in ast.walk(functions[current]) if isinstance(node, ast.Name)}
        todo += used & functions.keys() - found - set(NAMES)
    return found


def _changes(tree: ast.Module, names: set[str]) -> Iterator[tuple[str, list, ast.AST, ast.AST | None]]:
    """(place, path, old node, new node) of every single change to the functions named."""
    for index, function in enumerate(tree.body):
        if isinstance(function, ast.FunctionDef) and function.name in names:
            for position, statement in enumerate(function.body):
                if position or not ast.get_docstring(function):
                    place = f"{function.name}, {ast.unparse(statement)[:60]}"
                    for change in _walk(statement, [("body", index), ("body", position)]):
                        yield place, *change
            for position, default in enumerate(function.args.defaults):
                for change in _walk(default, [("body", index), ("args", None), ("defaults", position)]):
                    yield f"{function.name}, default", *change


def _walk(node: ast.AST, path: list) -> Iterator[tuple[list, ast.AST, ast.AST | None]]:
    yield from ((path, node, new) for new in _variants(node))
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns"} or isinstance(node, ast.JoinedStr | ast.Raise):
            continue
        if isinstance(value, ast.AST):
            yield from _walk(value, [*path, (field, None)])
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if isinstance(item, ast.AST):
                    yield from _walk(item, [*path, (field, index)])


def _variants(node: ast.AST) -> Iterator[ast.AST | None]:
    """The nodes that one slip could have put here; None drops a statement."""
    match node:
        case ast.BinOp(op=op) if type(op) in _OPERATORS:
            yield _with(node, op=_OPERATORS[type(op)]())
            if isinstance(op, ast.Sub | ast.Div):
                yield _with(node, left=node.right, right=node.left)
        case ast.UnaryOp(op=ast.USub() | ast.Not(), operand=operand):
            yield operand
        case ast.Compare(ops=[op]) if type(op) in _COMPARISONS:
            yield _with(node, ops=[_COMPARISONS[type(op)]()])
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
            if value not in (0, 1):
                yield ast.Constant(-value)
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.Call():
            yield from _call_variants(node)
        case ast.Expr() | ast.Assign() | ast.AugAssign() | ast.If() | ast.Raise():
            yield None
        case ast.With(body=body):
            yield ast.If(ast.Constant(True), body, [])


def _call_variants(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Attribute):
        if other := _METHODS.get(node.func.attr):
            yield _with(node, func=_with(node.func, attr=other))
        if node.func.attr in _DROPPABLE:
            yield node.func.value
    for index in range(len(node.keywords)):
        yield _with(node, keywords=node.keywords[:index] + node.keywords[index + 1 :])
    if node.args:
        yield _with(node, args=node.args[:-1])
    if len(node.args) >= 2:
        yield _with(node, args=[node.args[1], node.args[0], *node.args[2:]])


def _with(node: ast.AST, **changes) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _replace(tree: ast.AST, path: list, new: ast.AST | None) -> None:
    for field, index in path[:-1]:
        tree = getattr(tree, field) if index is None else getattr(tree, field)[index]
    field, index = path[-1]
    new = copy.deepcopy(new) if new else ast.Pass()
    if index is None:
        setattr(tree, field, new)
    else:
        getattr(tree, field)[index] = new


def _refuses_less(mutant: Mutant) -> bool:
    """Whether only a refusal is changed of which the exercise's contract says nothing."""
    statement = mutant.change.partition(", ")[2]
    asked_for = mutant.exercise == "soft_targets" and "check_temperature(" in statement
    return statement.startswith(BEYOND) and not asked_for


def equals_on_one_input(task: Exercise, function: Callable) -> bool:
    """What a judge would say that compares with the reference on one ordinary input."""
    probes = task.probes()
    if not probes:
        return same(task.behaviour(function)[0], task.behaviour(task.reference)[0])
    theirs, ours = (
        Exercise.observe(task, f, next(iter(probes.values()))) for f in (function, task.reference)
    )
    return same(theirs, ours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="exercises; default: all")
    console = Console()
    equivalent = yaml.safe_load(EQUIVALENTS.read_text("utf-8")) or {}
    table = Table("exercise", "mutants", "equivalent", "killed", "share", "one input kills")
    total = killed_in_all = 0
    for name in parser.parse_args().names or NAMES:
        task = exercise(name)
        known = set(equivalent.get(name, ()))
        every = list(mutants(task))
        tried = [mutant for mutant in every if mutant.change not in known and not _refuses_less(mutant)]
        errors = Console(stderr=True)
        survivors = [
            mutant
            for mutant in track(tried, name, console=errors, transient=True)
            if passes(mutant.function, name)
        ]
        simple = sum(not equals_on_one_input(task, mutant.function) for mutant in tried)
        killed = len(tried) - len(survivors)
        total, killed_in_all = total + len(tried), killed_in_all + killed
        table.add_row(
            name, str(len(tried)), str(len(every) - len(tried)), str(killed),
            f"{killed / len(tried):.0%}", f"{simple / len(tried):.0%}",
        )  # fmt: skip
        for mutant in survivors:
            errors.print(f"survived in {name}: {mutant.change}", markup=False)
    console.print(table)
    console.print(f"{killed_in_all} of {total} killed: {killed_in_all / total:.1%}")


if __name__ == "__main__":
    main()
