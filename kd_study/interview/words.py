"""What a plan and a learner's standing say, in a notebook and in a terminal alike."""

from collections.abc import Callable
from datetime import date, timedelta

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import Text, say
from kd_study.interview.pace import exercise_pace
from kd_study.interview.plan import LONGEST, MOST, Plan, today
from kd_study.interview.tasks import Task, minutes_of, name_of, rounded, shown, tasks_left
from kd_study.memory.cards import Card, all_cards
from kd_study.records.agenda import weak_spots, why
from kd_study.records.store import Records, now
from kd_study.records.summary import Row

WEEKDAYS = (
    Text("Mon", "周一"),
    Text("Tue", "周二"),
    Text("Wed", "周三"),
    Text("Thu", "周四"),
    Text("Fri", "周五"),
    Text("Sat", "周六"),
    Text("Sun", "周日"),
)
Link = Callable[[Task], str]


def expect_whole(given: object, name: str, most: int) -> int:
    """A whole number of days or minutes. StudyError for anything else."""
    if type(given) is int and 0 < given <= most:
        return given
    raise StudyError(
        say(
            f"{name} is a whole number from 1 to {most}, not {str(given)[:60]!r}.",
            f"{name}是1到{most}之间的整数，不能是{str(given)[:60]!r}。",
        )
    )


def expect_days(given: object) -> int:
    """A number of days to plan for."""
    return expect_whole(given, "days", LONGEST)


def expect_minutes(given: object) -> int:
    """A number of minutes a day."""
    return expect_whole(given, "minutes", MOST)


def titles() -> list[str]:
    """Of the plan's columns."""
    return [say("day", "日期"), say("what", "做什么"), say("minutes", "分钟")]


def rows(plan: Plan, link: Link = name_of) -> list[list[str]]:
    """A row a task; the day stands in the first of each."""
    table = []
    for day in plan.days:
        for number, task in enumerate(day.tasks):
            table.append(
                [_named(day.date) if not number else "", shown(task, link), f"{rounded(task.minutes)}"]
            )
        if not day.tasks:
            table.append([_named(day.date), _nothing(plan, day.date), ""])
    if plan.interview:
        table.append([_named(plan.interview), say("the interview", "面试"), ""])
    return table


def _nothing(plan: Plan, on: date) -> str:
    done = on == today() and plan.spent
    return say("done for today", "今天已完成") if done else say("nothing is left", "没有剩下的了")


def _named(on: date) -> str:
    if on == today():
        return say("today", "今天")
    return f"{on} {WEEKDAYS[on.weekday()]}"


def summary(plan: Plan) -> str:
    """What the plan is for, what it leaves out, and how many minutes a day would do."""
    if not plan.days:
        return say("Today is the interview: no more plans.", "面试就在今天：不再安排学习。")
    until = plan.interview or today() + timedelta(days=len(plan.days))
    goal = say("your interview on", "面试日") if plan.interview else say("until", "截至")
    head = say(f"{plan.minutes} minutes a day, {goal} {until}.", f"每天{plan.minutes}分钟，{goal}{until}。")
    if plan.spent:
        head += say(f" Done today: {rounded(plan.spent)}.", f"今天已做{rounded(plan.spent)}分钟。")
    if not plan.left_over:
        return head
    counts = _counted(plan.left_over)
    head += say(f" What doesn't fit: {counts}", f"排不下的有：{counts}")
    if (enough := plan.enough()) is None:
        return head + say(".", "。")
    return head + say(f"; with {enough} minutes a day it would.", f"；每天{enough}分钟就够了。")


def _counted(tasks: tuple[Task, ...]) -> str:
    lessons, exercises = (sum(task.kind == kind for task in tasks) for kind in ("lesson", "exercise"))
    questions = sum(len(task.questions) for task in tasks)
    parts = [
        (lessons, Text("lesson", "节课")),
        (exercises, Text("exercise", "道练习")),
        (questions, Text("new question", "道新题")),
    ]
    return say(
        ", ".join(f"{number} {words.en}{'s' * (number > 1)}" for number, words in parts if number),
        "，".join(f"{number}{words.zh}" for number, words in parts if number),
    )


def next_lines(plan: Plan, link: Link = name_of) -> list[str]:
    """The next three things, each with its minutes."""
    return [f"{shown(task, link)}{say(', ', '，')}{minutes_of(task)}" for task in plan.next()]


def standing(
    records: Records, plan: Plan, rows: list[Row], link: Link = name_of
) -> list[tuple[str, list[str]]]:
    """(title, lines): what comes next, what was hard, what is left. rows: the exercises as they are now."""
    cards = all_cards(records)
    found = []
    if coming := next_lines(plan, link):
        found.append((say("Next for you", "接下来"), coming))
    weak = [why(row, lambda name: link(Task("exercise", name, 0))) for row in weak_spots(rows)]
    weak += [_weak(card) for card in _weakest(cards)]
    if weak:
        found.append((say("Weak spots", "薄弱之处"), weak))
    if left := tasks_left(records, rows, cards):
        found.append((say("Left", "还剩"), [_left(left, exercise_pace(records))]))
    return found


def _weakest(cards: dict[str, Card], count: int = 3) -> list[Card]:
    weak = [card for card in cards.values() if card.is_in("weak", now())]
    return sorted(weak, key=lambda card: (card.grades[-1], -len(card.grades)))[:count]


def _weak(card: Card) -> str:
    forgotten = sum(grade == 1 for grade in card.grades)
    if forgotten:
        times = say(
            f"forgotten {forgotten} of {len(card.grades)} times", f"{len(card.grades)}次里忘了{forgotten}次"
        )
    else:
        times = say("hard", "吃力")
    return f"✗ {card.question}{say(': ', '：')}{times}"


def _left(tasks: list[Task], pace: float) -> str:
    minutes = sum(task.minutes for task in tasks)
    time = say(f"{minutes:.0f} minutes", f"{minutes:.0f}分钟")
    if minutes >= 90:
        time = say(f"{minutes / 60:.0f} hours", f"{minutes / 60:.0f}小时")
    measured = "" if pace == 1 else say(", at your pace", "（按你的速度）")
    return say(
        f"{_counted(tuple(tasks))}: about {time}{measured}", f"{_counted(tuple(tasks))}：约{time}{measured}"
    )
