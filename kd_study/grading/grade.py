"""grade(fn) -> Report: runs an exercise's checks on a learner's function and names the misconception."""

import inspect
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kd_solutions.support.language import say
from kd_study.exercises.catalog import NAMES, exercise, nearest
from kd_study.grading import sandbox

SECONDS = 8.0  # for everything that one grading does, where nothing else keeps the machine busy
MOST_PATIENCE = 5.0


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


@dataclass(frozen=True)
class Note:
    """A text found on the way: what the function "printed", or a "remark" on one that passes."""

    kind: str
    text: str


@dataclass
class Report:
    """What grading found. `status` is "passed", "failed" or "todo" (the stub is still to be filled).

    also: further mistakes beside the diagnosis. remark: what could be better in a function that passes.
    printed: the first lines that the function printed in the first check that failed.
    """

    exercise: str
    status: str
    results: list[Result] = field(default_factory=list)
    diagnosis: Diagnosis | None = None
    calls_reference: bool = False
    untouched: bool = False  # whether it is the faulty code that the learner was given to mend
    also: list[Diagnosis] = field(default_factory=list)
    remark: str = ""
    printed: str = ""

    @property
    def solved(self) -> bool:
        """Whether it passes, and is the learner's own."""
        return self.status == "passed" and not self.calls_reference

    def __str__(self) -> str:
        lines = [f"{self.exercise}: {self.status}"]
        lines += [
            f"{'✓' if result.passed else '✗'} {result.title or result.name}"
            + (f": {message}" if message else "")
            for result, message in zip(self.results, self.messages(), strict=True)
        ]
        for intro, found in self.diagnoses():
            lines.append(intro + found.explanation)
            if found.reference:
                lines.append(say("Seen in: ", "出处：") + found.reference)
        if self.printed:
            lines += [say("Your function printed:", "你的函数打印了："), self.printed]
        if self.remark:
            lines.append(say("A remark: ", "附注：") + self.remark)
        if self.calls_reference:
            lines.append(self.on_the_reference())
        return "\n".join(lines)

    def diagnoses(self) -> list[tuple[str, Diagnosis]]:
        """Each mistake that was recognised, with the words that introduce it."""
        if not self.diagnosis:
            return []
        first = say("What this looks like: ", "这很像："), self.diagnosis
        return [first, *((say("And also: ", "另外："), found) for found in self.also)]

    @staticmethod
    def on_the_reference() -> str:
        """What to say of a function that calls the reference solution."""
        return say(
            "Your function calls the reference solution: that is not counted as solved.",
            "你的函数调用了参考答案：不计为完成。",
        )

    def messages(self) -> list[str]:
        """What each result says; an error that several checks run into is told once, whatever its numbers."""
        told: set[str] = set()
        messages = []
        for result in self.results:
            error = re.split(r" \[called with|［调用参数", result.message)[0]
            if error.startswith(raised := say("your function raised", "你的函数抛出了")):
                error = raised + re.sub(r"\d+", "0", error.removeprefix(raised))
            messages.append(say("the same", "同上") if error in told else result.message)
            told |= {error} - {""}
        return messages


def grade(fn: Callable, name: str | None = None, seconds: float | None = None) -> Report:
    """Grades a solution of the exercise `name` (by default the function's own name).

    seconds: for all of it; by default what is enough on a machine as busy as this one.

    Never raises for what the function does: errors, endless loops, wrong types and side effects are failed
    results whose messages say what to look at. Nothing the function does reaches the caller's process.
    """
    name = str(name or getattr(fn, "__name__", None) or "?")
    if not callable(fn) or inspect.isclass(fn):
        return Report(str(name), "failed", [Result("is_a_function", False, _no_function(fn))])
    if name not in NAMES:
        return Report(str(name), "failed", [Result("is_an_exercise", False, _no_exercise(name))])
    return _grade(fn, name, SECONDS * patience() if seconds is None else seconds)


def _no_function(value) -> str:
    if not inspect.isclass(value):
        kind = type(value).__name__
        return say(
            f"pass the function itself, such as kd_loss without quotes and brackets, not a {kind}",
            f"请传入函数本身，例如kd_loss（不带引号和括号），而不是{kind}",
        )
    return say(
        "pass the function itself, such as kd_loss, not a class; what its constructor takes, such as the temperature, "
        "is an argument of the function",
        "请传入函数本身，例如kd_loss，而不是一个类；构造函数里的参数（例如温度系数）应是函数的参数",
    )


def _no_exercise(name) -> str:
    near = nearest(str(name))
    return say(
        f"I know no exercise {str(name)[:60]!r}; is it {near[0]}? Then give your function that name, or say so: "
        f'check(fn, "{near[0]}"). The nearest: {", ".join(near)}',
        f"没有名为{str(name)[:60]!r}的练习；是{near[0]}吗？请把函数改成这个名字，"
        f'或写成check(fn, "{near[0]}")。相近的有：{"、".join(near)}',
    )


def _grade(fn: Callable, name: str, seconds: float) -> Report:
    from kd_study.exercises.stubs import is_untouched
    from kd_study.grading.guard import CONDUCT

    task = exercise(name)
    _ = task.reference  # imported here, once, and not anew in every forked copy
    titles = {check: str(method.title) for check, method in task.checks().items()}
    known = {*titles, *CONDUCT}
    report = Report(name, "failed", untouched=is_untouched(fn, task))
    started = time.monotonic()
    for event in sandbox.run(lambda: _events(fn, task), seconds, (str, Result, Note)):
        match event:
            case "todo":
                return Report(name, "todo")
            case "reference":
                report.calls_reference = True
            case Note(kind="printed"):
                report.printed = event.text
            case Note(kind="remark"):
                report.remark = event.text
            case Result(name=check) if check in known - {seen.name for seen in report.results}:
                report.results.append(event)
            case sandbox.Ended():
                report.results += _unfinished(
                    event, titles, {result.name for result in report.results}, seconds
                )
    report.results.sort(
        key=lambda result: result.name in titles
    )  # what is amiss beside the checks comes first
    if all(result.passed for result in report.results):
        report.status = "passed"
    elif event.how == "finished" and not report.untouched:
        report.diagnosis, report.also = _diagnosed(fn, task, seconds - (time.monotonic() - started))
    return report


def passes(fn: Callable, name: str) -> bool:
    """Whether a function meets every check of the exercise `name`; stops at the first that it doesn't."""
    task = exercise(name)
    for event in sandbox.run(lambda: _events(fn, task), SECONDS * patience(), (str, Result, Note)):
        match event:
            case "todo" | Result(passed=False):
                return False
            case sandbox.Ended(how=how):
                return how == "finished"
    return False


def patience() -> float:
    """How many times longer work takes here now than on an idle machine: processes that wait for a core."""
    if not hasattr(os, "getloadavg"):
        return 1.0
    return min(max(os.getloadavg()[0] / (os.cpu_count() or 1), 1.0), MOST_PATIENCE)


def _events(fn: Callable, task) -> Iterator:
    """In the sandbox: a Result a check, and what else was found out on the way."""
    from kd_study.grading.state import usual_world

    with usual_world():
        yield from _judged(fn, task)


def _judged(fn: Callable, task) -> Iterator:
    from kd_study.grading.guard import CONDUCT, FORM, Guarded
    from kd_study.grading.signature import calling
    from kd_study.grading.state import reseed

    guarded = Guarded(calling(fn, task.reference, task.name), task)
    passed, told = True, set()
    for check, method in task.checks().items():
        guarded.begin()
        reseed()
        try:
            message = _feedback(method, guarded)
        except _Unfilled:
            yield "todo"
            return
        for name in [name for name in guarded.conduct if name not in told | {FORM}]:
            told.add(name)
            yield Result(name, False, guarded.conduct[name], str(CONDUCT[name]))
        if guarded.calls_reference and "reference" not in told:
            told.add("reference")
            yield "reference"
        if message and guarded.printed and passed:
            yield Note("printed", guarded.printed)
        passed &= not message
        yield Result(check, not message, message, str(method.title))
    if FORM in guarded.conduct:  # told last: a later call may show that it isn't the form
        yield Result(FORM, False, guarded.conduct[FORM], str(CONDUCT[FORM]))
    if passed and not guarded.conduct and (text := _remark(guarded.unguarded(), task)):
        yield Note("remark", str(text))


def _diagnosed(fn: Callable, task, seconds: float) -> tuple[Diagnosis | None, list[Diagnosis]]:
    """The mistakes that a function behaves like, told in a copy once more: the chief one, the others."""
    from kd_study.grading.diagnosis import diagnose, known_mistakes
    from kd_study.grading.guard import Guarded
    from kd_study.grading.signature import calling
    from kd_study.grading.state import usual_world

    known_mistakes(task)  # computed here, once, and not anew in every forked copy

    def events() -> Iterator:
        with usual_world():
            guarded = Guarded(calling(fn, task.reference, task.name), task)
            for wrong in diagnose(guarded, task):
                yield Diagnosis(wrong.name, str(wrong.explanation), wrong.reference)

    events_seen = sandbox.run(events, max(seconds, 1.0), (Diagnosis,))
    found = [event for event in events_seen if isinstance(event, Diagnosis)]
    return (found[0], found[1:]) if found else (None, [])


def _remark(function: Callable, task):
    """What could be better in a function that passes; None where looking for it fails."""
    try:
        return task.remark(function)
    except Exception:
        return None


def _feedback(method: Callable, guarded) -> str:
    """Empty where the check passes, else what to look at."""
    from kd_study.exercises.expectations import Unmet
    from kd_study.grading.guard import describe_error
    from kd_study.grading.sandbox import PRINTED_CHARACTERS, PrintFlood

    try:
        method(guarded)
        return ""
    except Unmet as unmet:
        message = str(unmet)
        if message == guarded.conduct.get("takes_its_arguments"):
            return message
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


def _unfinished(ended: sandbox.Ended, titles: dict[str, str], seen: set[str], seconds: float) -> list[Result]:
    """Failed results for the checks that a hang or a crash kept from being run."""
    missing = [check for check in titles if check not in seen]
    if not missing:
        return []
    if ended.how == "time":
        first = say(
            f"did not finish within {seconds:.0f} s; look for a loop that never ends or far too much work",
            f"{seconds:.0f}秒内没有结束；检查是否有死循环，或计算量过大",
        )
    else:
        first = say(
            f"the Python process ended ({ended.detail or 'exit'}); a solution must return, not leave",
            f"Python进程结束了（{ended.detail or 'exit'}）；答案应当返回结果，而不是退出进程",
        )
    rest = say("not run, because an earlier check did not come to an end", "未运行：前面的检查没有结束")
    return [Result(check, False, first if check == missing[0] else rest, titles[check]) for check in missing]
