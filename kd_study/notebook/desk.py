"""What a lesson calls: check, hint, solution, yours_or_reference.

Nothing here raises at a learner: a mistyped name is answered with one sentence.
"""

from collections.abc import Callable
from functools import cache

from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES, exercise, nearest, no_such_exercise
from kd_study.grading.grade import Report, grade
from kd_study.grading.sandbox import held
from kd_study.lessons.links import exercise_link
from kd_study.notebook.hints import RUNGS, hint_text, solution_text
from kd_study.notebook.kernel import newer_cell
from kd_study.notebook.views import report_html, show, show_markdown
from kd_study.records.agenda import next_exercises
from kd_study.records.store import record, records
from kd_study.records.summary import summarise

_graded: dict[str, tuple[Callable, Report]] = {}  # the latest function of each name, in this kernel


def check(fn: Callable, name: str | None = None) -> None:
    """Grades a solution, shows what was found and records the attempt."""
    if sentence := _not_to_be_checked(fn, name):
        print(sentence)
        return
    _tell_where_nothing_is_held()
    report = grade(fn, name)
    if fn is exercise(report.exercise).reference:
        print(
            say(
                f"This is the reference {report.exercise}. To check your own, run its cell again first.",
                f"这是{report.exercise}的参考答案。要检查自己的实现，请先重新运行它所在的单元格。",
            )
        )
        return
    before = _graded.get(report.exercise, (None, None))[0]
    _graded[report.exercise] = fn, report
    if fn is not before or report.status != "failed":
        record(report, records())
    notes = [newer_cell(fn, report.exercise), _same_again(report) if fn is before else ""]
    show(
        "\n".join([str(report), *filter(None, notes), _what_next(report, str)]),
        report_html(report, " ".join([*filter(None, notes), _what_next(report, exercise_link)])),
    )


@cache
def _tell_where_nothing_is_held() -> None:
    """Says, once, where a function that never ends would stop the kernel."""
    if not held().time:
        print(held())


def _not_to_be_checked(fn: Callable, name: str | None) -> str:
    """Why this can't be graded, in a sentence that names `check`; "" where it can."""
    if not callable(fn):
        such_as = fn if isinstance(fn, str) and fn in NAMES else name if name in NAMES else "kd_loss"
        kind = type(fn).__name__
        return say(
            f"Pass the function itself, as in `check({such_as})`; this is of type {kind}.",
            f"请传入函数本身，例如`check({such_as})`；这里传入的类型是{kind}。",
        )
    own = getattr(fn, "__name__", None) or "?"
    name = name or own
    if name in NAMES:
        return ""
    near, shown = nearest(name), own if own.isidentifier() else "fn"
    return say(
        f"No exercise is called {name!r}. Is it {' or '.join(near)}? Name your function so, or say which: "
        f'`check({shown}, "{near[0]}")`.',
        f"没有名为{name!r}的练习。是{'或'.join(near)}吗？请把函数改成这个名字，或者写明是哪一道："
        f'`check({shown}, "{near[0]}")`。',
    )


def hint(of: str | Callable, rung: int | None = None) -> None:
    """Shows the next of an exercise's three hints below those before it: an idea, a formula, a skeleton.

    rung: 1, 2 or 3, to see that one (again).
    """
    if not (name := _known_name(of)):
        return
    if rung not in (None, *range(1, RUNGS + 1)):
        print(
            say(
                f'There are {RUNGS} hints: `hint("{name}", 1)` shows the first.',
                f'一共{RUNGS}条提示：`hint("{name}", 1)`显示第一条。',
            )
        )
        return
    text = hint_text(name, records(), rung)
    if records().hints().get(name) == RUNGS:
        after = say(
            f'These are all. `solution("{name}")` shows the reference.',
            f'提示就这些。`solution("{name}")`会显示参考答案。',
        )
        text += f"\n\n{after}"
    show_markdown(text)


def solution(of: str | Callable) -> None:
    """Shows the reference solution with its discussion, and records that it was seen."""
    if not (name := _known_name(of)):
        return
    records().add_solution(name)
    show_markdown(solution_text(name))


def yours_or_reference(fn: Callable) -> Callable:
    """The learner's function if it passes its exercise, else the reference; says which in one line."""
    name = getattr(fn, "__name__", "?")
    if name not in NAMES:
        print(no_such_exercise(name))
        return fn
    reference, report = exercise(name).reference, latest_report(fn)
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


def latest_report(fn: Callable) -> Report | None:
    """What grading found for this very function, graded now unless it was; None where it is no exercise's."""
    name = getattr(fn, "__name__", "?")
    if name not in NAMES:
        return None
    latest, report = _graded.get(name, (None, None))
    if latest is not fn:
        report = grade(fn)
        _graded[name] = fn, report
    return report


def _known_name(of: str | Callable) -> str | None:
    """The exercise's name, or None after saying that there is none."""
    name = of if isinstance(of, str) else getattr(of, "__name__", repr(of))
    if name in NAMES:
        return name
    print(no_such_exercise(name))
    return None


def _same_again(report: Report) -> str:
    if report.status != "failed":
        return ""
    return say(
        "This is the function of the last check: has its cell run since?",
        "函数与上次检查时相同：修改后运行它的单元格了吗？",
    )


def _what_next(report: Report, link: Callable[[str], str]) -> str:
    """What to do now; link: how the name of the next exercise is shown."""
    name = report.exercise
    if report.status == "todo":
        return say(
            f'Fill in the cell above, run it and check again. `hint("{name}")` helps.',
            f'请补全上面的单元格，运行后再检查。需要时可用`hint("{name}")`。',
        )
    if report.status == "failed":
        return say(
            f'Mend it, run its cell and check again. `hint("{name}")` helps. Sure that it is right? In a '
            f"terminal, `python -m kd_study dispute NOTEBOOK {name}` writes down what to report.",
            f'请修改后重新运行该单元格，再检查一次。需要时可用`hint("{name}")`。确信自己写对了？在终端运行'
            f"`python -m kd_study dispute 笔记本 {name}`，会写好可供反馈的文件。",
        )
    if not report.solved:
        return say(
            "Write it without the reference, and check again.", "请不借助参考答案自己写出来，再检查一次。"
        )
    solved = say(
        f'Solved. `solution("{name}")` shows the reference and what an interviewer asks next.',
        f'通过。`solution("{name}")`会显示参考答案，以及面试官接下来会问什么。',
    )
    following = next_exercises(summarise(records()), after=name, count=1)
    if not following:
        return solved + say(" Every exercise is solved.", "所有练习都完成了。")
    return solved + say(f" Next: {link(following[0])}.", f"下一道：{link(following[0])}。")
