"""grade(fn) -> Report: runs an exercise's checks on a learner's function and names the misconception."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES, exercise, nearest
from kd_study.grading import sandbox

SECONDS = 8.0  # for everything that one grading does
_SEED = 20_261_124_907  # unlike any seed that somebody would choose, so that choosing one shows


@dataclass(frozen=True)
class Result:
    """One check: its name, what it looks at, whether it passed, and the feedback where it did not."""

    name: str
    passed: bool
    message: str
    title: str = ""


@dataclass(frozen=True)
class Diagnosis:
    """The known mistake that the function behaves like; `reference` is the thread or paper behind it."""

    name: str
    explanation: str
    reference: str | None


@dataclass
class Report:
    """What grading found. `status` is "passed", "failed" or "todo" (the stub is still to be filled)."""

    exercise: str
    status: str
    results: list[Result] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    calls_reference: bool = False
    untouched: bool = False  # whether it is the faulty code that the learner was given to mend

    def __str__(self) -> str:
        lines = [f"{self.exercise}: {self.status}"]
        lines += [
            f"{'✓' if result.passed else '✗'} {result.title or result.name}"
            + (f": {message}" if message else "")
            for result, message in zip(self.results, self.messages(), strict=True)
        ]
        if self.diagnosis:
            lines.append(say("What this looks like: ", "这很像：") + self.diagnosis.explanation)
            if self.diagnosis.reference:
                lines.append(say("Seen in: ", "出处：") + self.diagnosis.reference)
        if self.calls_reference:
            lines.append(say("The function calls the reference solution.", "该函数调用了参考答案。"))
        return "\n".join(lines)

    def messages(self) -> list[str]:
        """What each result says; an error that several checks run into is told once."""
        told: set[str] = set()
        messages = []
        for result in self.results:
            error = re.split(r" \[called with|［调用参数", result.message)[0]
            messages.append(say("the same", "同上") if error in told else result.message)
            told |= {error} - {""}
        return messages


def grade(fn: Callable, name: str | None = None) -> Report:
    """Grades a solution of the exercise `name` (by default the function's own name).

    Never raises for what the function does: errors, endless loops, wrong types and side effects are failed
    results whose messages say what to look at. Nothing the function does reaches the caller's process.
    """
    name = str(name or getattr(fn, "__name__", None) or "?")
    if not callable(fn) or inspect.isclass(fn):
        message = say(
            f"pass the function itself, such as grade(kd_loss), not {_article(fn)}",
            f"请传入函数本身，例如grade(kd_loss)，而不是{_article(fn)}",
        )
        return Report(name, "failed", [Result("is_a_function", False, message)])
    if name not in NAMES:
        near = ", ".join(nearest(name))
        message = say(
            f"no exercise is called {name!r}; pass its name, as in grade(fn, 'kd_loss'); the nearest: {near}",
            f"没有名为{name!r}的练习；请给出名称，如grade(fn, 'kd_loss')；相近的有：{near}",
        )
        return Report(name, "failed", [Result("is_an_exercise", False, message)])
    return _grade(fn, name)


def _grade(fn: Callable, name: str) -> Report:
    from kd_study.exercises.stubs import is_untouched

    task = exercise(name)
    _ = task.reference  # imported here, once, and not anew in every forked copy
    titles = {check: str(method.title) for check, method in task.checks().items()}
    report = Report(name, "failed", untouched=is_untouched(fn, task))
    for event in sandbox.run(lambda: _events(fn, task), SECONDS, (str, Result, Diagnosis)):
        match event:
            case "todo":
                return Report(name, "todo")
            case "reference":
                report.calls_reference = True
            case Result(name=check) if check in titles and all(check != seen.name for seen in report.results):
                report.results.append(event)
            case Diagnosis():
                report.diagnosis = event
            case sandbox.Ended():
                report.results += _unfinished(event, titles, {result.name for result in report.results})
    if all(result.passed for result in report.results):
        report.status = "passed"
    return report


def _events(fn: Callable, task) -> Iterator:
    """In the sandbox: a Result a check, and what else was found out on the way."""
    import torch

    from kd_study.grading.diagnosis import diagnose
    from kd_study.grading.guard import Guarded

    passed = True
    for check, method in task.checks().items():
        guarded = Guarded(fn, task)
        torch.manual_seed(_SEED)
        try:
            message = _feedback(method, guarded)
        except _Unfilled:
            yield "todo"
            return
        if check == next(iter(task.checks())) and guarded.calls_reference:
            yield "reference"
        passed &= not message
        yield Result(check, not message, message, str(method.title))
    if not passed and (wrong := diagnose(fn, task)):
        yield Diagnosis(wrong.name, str(wrong.explanation), wrong.reference)


def _feedback(method: Callable, guarded) -> str:
    """Empty where the check passes, else what to look at."""
    import torch

    from kd_study.exercises.expectations import Unmet
    from kd_study.grading.guard import describe_error
    from kd_study.grading.sandbox import PRINTED_CHARACTERS, PrintFlood

    state = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    try:
        method(guarded)
        return ""
    except Unmet as unmet:
        message = str(unmet)
    except PrintFlood:
        message = say(
            f"your function prints more than {PRINTED_CHARACTERS} characters; take the print out of the loop",
            f"函数打印了超过{PRINTED_CHARACTERS}个字符；请把print移出循环",
        )
    except MemoryError:
        message = _too_much_memory()
    except BaseException as error:
        if isinstance(error, NotImplementedError) and not _from_torch(error):
            raise _Unfilled from error
        message = describe_error(error, guarded.function)
        if "can't allocate memory" in message:
            message = _too_much_memory()
    finally:
        torch.set_default_dtype(state[0])
        torch.set_grad_enabled(state[1])
        torch.set_num_threads(state[2])
    called = guarded.last_call
    return message + (say(f" [called with {called}]", f"［调用参数：{called}］") if called else "")


class _Unfilled(Exception):
    """The function is a stub still."""


def _from_torch(error: NotImplementedError) -> bool:
    """Whether torch raised it, which has some operations for some dtypes or devices only."""
    text = str(error)
    return "not implemented for" in text or text.startswith("Could not run")


def _too_much_memory() -> str:
    bound = sandbox.MEMORY_BYTES // 1024**3
    return say(
        f"your function asks for more than {bound} GiB of memory; which tensor grows too large?",
        f"函数申请的内存超过{bound} GiB；想一想哪个张量变得太大？",
    )


def _unfinished(ended: sandbox.Ended, titles: dict[str, str], seen: set[str]) -> list[Result]:
    """Failed results for the checks that a hang or a crash kept from being run."""
    missing = [check for check in titles if check not in seen]
    if not missing:
        return []
    if ended.how == "time":
        first = say(
            f"did not finish within {SECONDS:.0f} s; look for a loop that never ends or far too much work",
            f"{SECONDS:.0f}秒内没有结束；检查是否有死循环，或计算量过大",
        )
    else:
        first = say(
            f"the Python process ended ({ended.detail or 'exit'}); a solution must return, not leave",
            f"Python进程结束了（{ended.detail or 'exit'}）；答案应当返回结果，而不是退出进程",
        )
    rest = say("not run, because an earlier check did not come to an end", "未运行：前面的检查没有结束")
    return [Result(check, False, first if check == missing[0] else rest, titles[check]) for check in missing]


def _article(value) -> str:
    return (
        say("a class", "一个类")
        if inspect.isclass(value)
        else say(f"a {type(value).__name__}", f"{type(value).__name__}")
    )
