"""What a lesson calls: check, hint, solution, yours_or_reference.

Nothing here raises at a learner: a mistyped name is answered with one sentence.
"""

from collections.abc import Callable

from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES, exercise, no_such_exercise, sheet
from kd_study.grading.grade import Report, grade
from kd_study.notebook.views import report_html, show, show_markdown
from kd_study.records.store import record, records

_graded: dict[str, tuple[Callable, Report]] = {}  # the latest function of each name, in this kernel


def check(fn: Callable, name: str | None = None) -> None:
    """Grades a solution, shows what was found and records the attempt."""
    report = grade(fn, name)
    if report.exercise not in NAMES:
        print(report.results[0].message)
        return
    if fn is exercise(report.exercise).reference:
        print(
            say(
                f"This is the reference {report.exercise}. To check your own, run its cell again first.",
                f"这是{report.exercise}的参考答案。要检查自己的实现，请先重新运行它所在的单元格。",
            )
        )
        return
    next_step = _what_next(report)
    if fn is _graded.get(report.exercise, (None, None))[0] and report.status == "failed":
        again = say(
            "This is the function of the last check: has its cell run since?",
            "函数与上次检查时相同：修改后运行它的单元格了吗？",
        )
        next_step = f"{again} {next_step}"
    else:
        record(report, records())
    _graded[report.exercise] = fn, report
    show(f"{report}\n{next_step}", report_html(report, next_step))


def hint(of: str | Callable) -> None:
    """Shows the next of an exercise's three hints: an idea, a formula, a skeleton."""
    if not (name := _known_name(of)):
        return
    rung = records().next_hint(name)
    text = say(f"**Hint {rung} of 3** for `{name}`", f"**提示{rung}/3**：`{name}`")
    text += f"\n\n{str(sheet(name).hints[rung - 1]).strip()}"
    if rung == 3:
        after = say(
            f'That was the last one. `solution("{name}")` shows the reference.',
            f'这是最后一条提示。`solution("{name}")`会显示参考答案。',
        )
        text += f"\n\n{after}"
    show_markdown(text)


def solution(of: str | Callable) -> None:
    """Shows the reference solution with its discussion, and records that it was seen."""
    from kd_study.exercises.stubs import solved_source

    if not (name := _known_name(of)):
        return
    records().add_solution(name)
    page = sheet(name)
    parts = [f"```python\n{solved_source(exercise(name))}\n```", str(page.discussion)]
    if page.sources:
        parts.append(say("Sources: ", "出处：") + say("; ", "；").join(page.sources))
    show_markdown("\n\n".join(parts))


def yours_or_reference(fn: Callable) -> Callable:
    """The learner's function if it passes its exercise, else the reference; says which in one line."""
    name = getattr(fn, "__name__", "?")
    if name not in NAMES:
        print(no_such_exercise(name))
        return fn
    reference = exercise(name).reference
    latest, report = _graded.get(name, (None, None))
    if latest is not fn:
        report = grade(fn)
        _graded[name] = fn, report
    if fn is not reference and report.status == "passed":
        print(say(f"From here on your own {name} is used.", f"以下使用你自己写的{name}。"))
        return fn
    print(
        say(
            f"From here on the reference {name} is used, until yours passes.",
            f"以下使用参考答案中的{name}，直到你的实现通过检查。",
        )
    )
    return reference


def _known_name(of: str | Callable) -> str | None:
    """The exercise's name, or None after saying that there is none."""
    name = of if isinstance(of, str) else getattr(of, "__name__", repr(of))
    if name in NAMES:
        return name
    print(no_such_exercise(name))
    return None


def _what_next(report: Report) -> str:
    name = report.exercise
    if report.status == "todo":
        return say(
            f'Fill in the cell above, run it and check again. `hint("{name}")` helps.',
            f'请补全上面的单元格，运行后再检查。需要时可用`hint("{name}")`。',
        )
    if report.status == "failed":
        return say(
            f'Mend it, run its cell and check again. `hint("{name}")` helps.',
            f'请修改后重新运行该单元格，再检查一次。需要时可用`hint("{name}")`。',
        )
    later = NAMES[NAMES.index(name) + 1 :]
    after = (
        say(f" The next exercise is {later[0]}.", f"下一道练习是{later[0]}。")
        if later
        else say(" It was the last exercise.", "这是最后一道练习。")
    )
    return (
        say(
            f'Solved. `solution("{name}")` shows the reference and what an interviewer asks next.',
            f'通过。`solution("{name}")`会显示参考答案，以及面试官接下来会问什么。',
        )
        + after
    )
