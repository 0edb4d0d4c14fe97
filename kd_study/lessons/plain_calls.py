"""For places that show no widgets, such as jupyterlab-rise: the plain call that does the same as each."""

import ast

STEPS = 5  # numbers that a room raises its hands for
_RANGE = {"low": 0, "high": 100}  # of `guess`, where it isn't told


def plain_call(source: str) -> tuple[str, str] | None:
    """A cell that ends with a widget, as the code before it and the call in its place; None for any other.

    `guessed` after `guessed = guess(…)` becomes `room(guessed, {0: 0, 25: 0, …})`, hands to be typed in; a
    dial draws at its start, with its stops beside it; `try_commands` becomes `show_answers`.
    """
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a magic command
        return None
    if not body or not isinstance(body[-1], ast.Expr):
        return None
    call = _of_a_guess(body) or _of_a_call(body[-1].value)
    before = "\n".join(source.splitlines()[: body[-1].lineno - 1]).strip()
    return (before, call) if call else None


def _of_a_guess(body: list[ast.stmt]) -> str:
    """`room(…)` where the cell makes a guess and ends with it; else ""."""
    match body[-2:]:
        case [
            ast.Assign(targets=[ast.Name(made)], value=ast.Call(func=ast.Name("guess"), keywords=keywords)),
            ast.Expr(value=ast.Name(shown)),
        ] if made == shown:
            told = {each.arg: ast.literal_eval(each.value) for each in keywords}
            low, high = ((_RANGE | told)[name] for name in ("low", "high"))
            numbers = [low + place * (high - low) / (STEPS - 1) for place in range(STEPS)]
            return f"room({made}, {{{', '.join(f'{number:g}: 0' for number in numbers)}}})"
    return ""


def _of_a_call(value: ast.expr) -> str:
    match value:
        case ast.Call(func=ast.Name("Dial"), args=[draw, _, stops], keywords=[ast.keyword("start", start)]):
            drawn = ast.unparse(draw)
            drawn = f"({drawn})" if isinstance(draw, ast.Lambda) else drawn
            others = ", ".join(ast.unparse(stop) for stop in getattr(stops, "elts", []))
            return f"_ = {drawn}({ast.unparse(start)})  # {others}"
        case ast.Call(func=ast.Name("try_commands"), args=[answer, first], keywords=more):
            given = next((each.value.elts for each in more if each.arg == "examples"), [])
            commands = dict.fromkeys(ast.unparse(each) for each in [first, *given])
            return f"show_answers({ast.unparse(answer)}, [{', '.join(commands)}])"
    return ""
