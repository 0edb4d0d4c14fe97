"""Where a learner stands, read from the records: one row an exercise, one bar a topic."""

from dataclasses import dataclass

from kd_solutions.support.language import say
from kd_study.exercises.catalog import TOPIC_TITLES, TOPICS, exercise
from kd_study.records.store import Attempt, Records

_BAR = 20


@dataclass(frozen=True)
class Row:
    """One exercise's history. `first_try`: whether the first graded attempt passed, None before it."""

    exercise: str
    topic: str
    passed: bool
    attempts: int
    first_try: bool | None
    hints: int
    solution_seen: bool
    misconception: str

    @property
    def mark(self) -> str:
        """A sign that needs no colour: solved, tried, or untouched."""
        return "✓" if self.passed else "✗" if self.attempts else "·"


def summarise(records: Records) -> list[Row]:
    """A row for every exercise, in the order of study."""
    attempts = records.attempts()
    hints, solutions = records.hints(), records.solutions()
    rows = []
    for topic, names in TOPICS.items():
        for name in names:
            own = [attempt for attempt in attempts if attempt.exercise == name]
            rows.append(
                Row(
                    exercise=name,
                    topic=topic,
                    passed=any(attempt.status == "passed" for attempt in own),
                    attempts=len(own),
                    first_try=own[0].status == "passed" if own else None,
                    hints=hints.get(name, 0),
                    solution_seen=name in solutions,
                    misconception=_last_misconception(name, own),
                )
            )
    return rows


def _last_misconception(name: str, attempts: list[Attempt]) -> str:
    """What the last failed attempt looked like; "" once the exercise is solved."""
    if any(attempt.status == "passed" for attempt in attempts):
        return ""
    diagnosed = [attempt.diagnosis for attempt in attempts if attempt.diagnosis]
    if not diagnosed:
        return ""
    found = exercise(name).mistake(diagnosed[-1])
    return str(found.explanation) if found else ""


def bars(rows: list[Row]) -> list[str]:
    """One line a topic: its title, a bar of what is solved, the count."""
    lines = []
    for topic in dict.fromkeys(row.topic for row in rows):
        own = [row for row in rows if row.topic == topic]
        solved = sum(row.passed for row in own)
        filled = round(_BAR * solved / len(own))
        lines.append(f"{'█' * filled}{'░' * (_BAR - filled)} {solved}/{len(own)} {TOPIC_TITLES[topic]}")
    return lines


def headline(rows: list[Row]) -> str:
    """Solved of all, and the share of exercises that passed at the first try."""
    solved = sum(row.passed for row in rows)
    tried = [row.first_try for row in rows if row.first_try is not None]
    text = say(f"{solved} of {len(rows)} exercises solved", f"{len(rows)}道练习已完成{solved}道")
    if tried:
        share = round(100 * sum(tried) / len(tried))
        text += say(f", {share} % of those tried at the first attempt", f"，尝试过的练习中{share}%一次通过")
    return text


def columns() -> list[str]:
    """The titles of the table's columns."""
    return [
        "",
        say("exercise", "练习"),
        say("topic", "主题"),
        say("attempts", "尝试次数"),
        say("hints", "提示"),
        say("solution seen", "看过答案"),
        say("last misconception", "最近的误区"),
    ]


def cells(row: Row) -> list[str]:
    """The table's cells for one row."""
    return [
        row.mark,
        row.exercise,
        str(TOPIC_TITLES[row.topic]),
        str(row.attempts or ""),
        str(row.hints or ""),
        say("yes", "是") if row.solution_seen else "",
        row.misconception,
    ]
