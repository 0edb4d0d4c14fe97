"""The ladder of hints and the reference, as Markdown: what a notebook and a terminal show alike."""

from kd_solutions.support.language import say
from kd_study.exercises.catalog import exercise, sheet
from kd_study.records.store import Records

RUNGS = 3


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
    found = next((wrong for wrong in exercise(name).wrong_answers if wrong.name == last.diagnosis), None)
    if found is None:  # the name is of another version
        return ""
    return say(
        f"**Your last answer** looks like this: {found.explanation} Mend that alone and check again, before "
        "you read on.",
        f"**你上一次的答案**很像：{found.explanation}请先只改这一处，再检查一次，然后再往下读。",
    )


def solution_text(name: str) -> str:
    """The reference solution with its discussion and sources."""
    from kd_study.exercises.stubs import solved_source

    page = sheet(name)
    parts = [f"```python\n{solved_source(exercise(name))}\n```", str(page.discussion)]
    if page.sources:
        parts.append(say("Sources: ", "出处：") + say("; ", "；").join(page.sources))
    return "\n\n".join(parts)
