"""The ladder of hints and the reference, as Markdown: what a notebook and a terminal show alike."""

import re

from kd_solutions.support.language import Text, say
from kd_study.exercises.catalog import exercise, sheet
from kd_study.records.store import Records

RUNGS = 3
_ADDED = {  # what the library's helpers do for a function that calls them
    "same_shape": Text("refuses shapes that don't pair", "拒绝配不上对的形状"),
    "check_temperature": Text("refuses a temperature that isn't positive", "拒绝非正的温度"),
    "widen": Text("computes in float32 at least", "至少用float32计算"),
    "double": Text("computes in float64", "用float64计算"),
    "mean_or_zero": Text("gives 0 for an empty batch", "对空批次返回0"),
    "log_sum": Text("takes classes masked by −inf", "容许类别被−inf屏蔽"),
    "unit": Text("keeps a zero vector's gradient finite", "让零向量的梯度保持有限"),
    "UNLABELLED": Text("leaves out rows labelled −100", "略过标签为−100的行"),
}


def hint_text(name: str, records: Records, rung: int | None = None) -> str:
    """The next hint below those seen before, one ladder for both languages; or the hint of that number.

    Above the next one stands the mistake of the last answer, where it has a name. Whoever asks for a hint by
    its number climbs to it, where they haven't been.
    """
    parts = []
    if rung is None:
        top = records.next_hint(name, RUNGS)
        shown = range(1, top + 1)
        parts += filter(None, [_on_the_last_answer(name, records)])
    else:
        top = records.hints().get(name, 0)
        while top < rung:
            top = records.next_hint(name, RUNGS)
        shown = range(rung, rung + 1)
    for number in shown:
        title = say(f"**Hint {number} of {RUNGS}** for `{name}`", f"**提示{number}/{RUNGS}**：`{name}`")
        parts += [title, str(sheet(name).hints[number - 1]).strip()]
    return "\n\n".join(parts)


def _on_the_last_answer(name: str, records: Records) -> str:
    """What to mend first: the known mistake of the last answer; "" where it has none."""
    last = next((one for one in reversed(records.attempts()) if one.exercise == name), None)
    if last is None or last.status != "failed" or not last.diagnosis:
        return ""
    found = exercise(name).mistake(last.diagnosis)
    if found is None:
        return ""
    return say(
        f"**Your last answer** looks like this: {found.explanation} Mend that alone and check again, before "
        "you read on.",
        f"**你上一次的答案**很像：{found.explanation}请先只改这一处，再检查一次，然后再往下读。",
    )


def solution_text(name: str) -> str:
    """The answer at a whiteboard where there is one, the reference with its discussion, and sources."""
    from kd_study.exercises.stubs import solved_source, whiteboard_source

    page = sheet(name)
    reference, short = solved_source(exercise(name)), whiteboard_source(exercise(name))
    parts = []
    if short:
        parts += [
            say("**At the whiteboard**", "**写在白板上**"),
            _code(short),
            _in_the_library(reference, short),
        ]
    parts += [_code(reference), str(page.discussion)]
    if page.sources:
        parts.append(say("Sources: ", "出处：") + say("; ", "；").join(page.sources))
    return "\n\n".join(parts)


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _in_the_library(reference: str, short: str) -> str:
    """What stands above the reference: what it does beyond the whiteboard."""
    from kd_study.exercises.stubs import names_used

    called = names_used(reference)
    added = [
        str(text)
        for name, text in _ADDED.items()
        if name in called and not re.search(rf"\b{name}\b", short)  # as in `logits.double()`
    ]
    if not added:
        return say("**In the library**", "**库里的写法**")
    return say(
        f"**In the library**, which also {_listed(added)}:", f"**库里的写法**，它还会{'、'.join(added)}："
    )


def _listed(parts: list[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))
