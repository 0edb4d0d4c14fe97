"""The ladder of hints and the reference, as Markdown: what a notebook and a terminal show alike."""

from kd_solutions.support.language import say
from kd_study.exercises.catalog import exercise, sheet
from kd_study.records.store import Records

RUNGS = 3


def hint_text(name: str, records: Records, rung: int | None = None) -> str:
    """The next hint below those seen before, one ladder for both languages; or the hint of that number.

    Whoever asks for one by its number climbs to it, where they haven't been.
    """
    if rung is None:
        top = records.next_hint(name, RUNGS)
        shown = range(1, top + 1)
    else:
        top = records.hints().get(name, 0)
        while top < rung:
            top = records.next_hint(name, RUNGS)
        shown = range(rung, rung + 1)
    parts = []
    for number in shown:
        title = say(f"**Hint {number} of {RUNGS}** for `{name}`", f"**提示{number}/{RUNGS}**：`{name}`")
        parts += [title, str(sheet(name).hints[number - 1]).strip()]
    return "\n\n".join(parts)


def solution_text(name: str) -> str:
    """The reference solution with its discussion and sources."""
    from kd_study.exercises.stubs import solved_source

    page = sheet(name)
    parts = [f"```python\n{solved_source(exercise(name))}\n```", str(page.discussion)]
    if page.sources:
        parts.append(say("Sources: ", "出处：") + say("; ", "；").join(page.sources))
    return "\n\n".join(parts)
