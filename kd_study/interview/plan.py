"""Day by day to the interview: reviews, lessons, exercises and new questions, within the minutes given.

A plan is made anew from the records whenever it is looked at. So it follows what was done and what was not.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from kd_study.interview.pace import minutes_spent
from kd_study.interview.tasks import Task, tasks_left
from kd_study.memory.cards import Card, all_cards
from kd_study.memory.schedule import INTERVIEW, answer_seconds, comes_back, interview_day, moment, queue
from kd_study.records.store import Records, now
from kd_study.records.summary import summarise

DAYS, MINUTES = 14, 60
UNTIL, A_DAY = "until", "minutes"  # under these names they are kept among the learner's choices
REVIEWED = 0.5  # of a day's minutes at most, but on the last one
STARTED = 10  # minutes that are left on a day for a task that doesn't fit to be begun
EVENING = time(18)  # when the questions of a day are taken to be answered
SHORTEST = 5  # minutes of what is left of one for the next day
STEP = 5  # minutes a day, in what would be enough
LONGEST, MOST = 180, 24 * 60  # days, minutes a day


@dataclass(frozen=True)
class Day:
    """One day's tasks, in their order."""

    date: date
    tasks: tuple[Task, ...]

    @property
    def minutes(self) -> float:
        return sum(task.minutes for task in self.tasks)


@dataclass(frozen=True)
class Plan:
    """days: from today on, the last one the day before the interview, where there is one. minutes: a day.
    spent: today already. left_over: what doesn't fit. fits: whether with other minutes a day all would."""

    days: tuple[Day, ...]
    minutes: float
    interview: date | None
    spent: float
    left_over: tuple[Task, ...]
    fits: Callable[[int], bool] = field(compare=False, repr=False)

    def enough(self) -> int | None:
        """The least multiple of five minutes a day with which all fits; None where none does."""
        if not self.days:
            return None
        steps = range(STEP, MOST + 1, STEP)
        place = bisect_left(steps, True, key=self.fits)
        return steps[place] if place < len(steps) else None

    def next(self, count: int = 3) -> list[Task]:
        """The first tasks, of today and, where today is done, of the days to come."""
        return [task for day in self.days for task in day.tasks][:count]


def choose(records: Records, days: int | None, interview: date | None, minutes: int | None) -> None:
    """Keeps what was given, for later plans and reviews. Days alone take an interview's day back."""
    if interview is not None:
        records.choose(INTERVIEW, interview.isoformat())
    elif days is not None:
        records.choose(INTERVIEW, "")
        records.choose(UNTIL, (today() + timedelta(days=days)).isoformat())
    if minutes is not None:
        records.choose(A_DAY, str(minutes))


def make_plan(records: Records) -> Plan:
    """The plan from today on, by what was chosen last: to the interview, else for the days, else for 14."""
    interview = interview_day(records, now())
    minutes = _minutes(records.chosen(A_DAY))
    end = interview or _day(records.chosen(UNTIL))
    if end is None or (end <= today() and not interview):
        end = today() + timedelta(days=DAYS)
    dates = [today() + timedelta(days=number) for number in range(min((end - today()).days, LONGEST))]
    spent = minutes_spent(records, today())
    cards = all_cards(records)
    todo = tasks_left(records, summarise(records), cards)
    _, later = answer_seconds(records.answers())

    def laid_out(minutes: int) -> tuple[list[Day], list[Task]]:
        days, left, known = [], todo, dict(cards)
        for on in dates:
            budget = max(0.0, minutes - spent) if on == dates[0] else float(minutes)
            tasks, left = _one_day(on, left, known, interview, budget, later / 60)
            _answer(known, tasks, datetime.combine(on, EVENING).astimezone())
            days.append(Day(on, tuple(tasks)))
        return days, left

    days, left = laid_out(minutes)
    return Plan(tuple(days), minutes, interview, spent, tuple(left), lambda more: not laid_out(more)[1])


def _one_day(
    on: date, left: list[Task], cards: dict[str, Card], interview: date | None, budget: float, each: float
) -> tuple[list[Task], list[Task]]:
    """The tasks of a day, and what is left: reviews first; the day before an interview nothing else."""
    last = interview is not None and on == interview - timedelta(days=1)
    review = _review(cards, on, interview, budget * (1 if last else REVIEWED), each)
    if last:
        return ([review] if review else []), left
    tasks, left = _filled(left, budget - (review.minutes if review else 0))
    return ([review] if review else []) + tasks, left


def today() -> date:
    """The day by the machine's clock."""
    return now().astimezone().date()


def _review(
    cards: dict[str, Card], on: date, interview: date | None, budget: float, each: float
) -> Task | None:
    """The questions that come back on a day, as many as fit; on the last one those that it helps most."""
    evening = datetime.combine(on, EVENING).astimezone()
    if interview is not None and moment(interview) - evening < timedelta(days=1):
        back = [card for card in queue(cards.values(), evening, interview) if card.grades]
    else:
        tomorrow = datetime.combine(on + timedelta(days=1), time()).astimezone()
        back = [card for card in cards.values() if card.grades and comes_back(card, interview) < tomorrow]
        back.sort(key=lambda card: card.memory.due)
    some = tuple(card.question for card in back[: int(budget / each)])
    return Task("review", "", len(some) * each, some) if some else None


def _filled(left: list[Task], budget: float) -> tuple[list[Task], list[Task]]:
    """The tasks of a day, and what is left; one that doesn't fit is begun, and goes on the next day."""
    tasks, left = [], list(left)
    while left and left[0].minutes <= budget:
        budget -= left[0].minutes
        _add(tasks, left.pop(0))
    if left and (budget >= STARTED or (not tasks and budget >= 1)):
        part, left[0] = _cut(left[0], budget)
        if part:
            _add(tasks, part)
    return tasks, left


def _add(tasks: list[Task], task: Task) -> None:
    """Puts a task at the end; new questions go together with those before them."""
    if tasks and task.kind == tasks[-1].kind == "questions":
        last = tasks.pop()
        task = replace(task, minutes=last.minutes + task.minutes, questions=last.questions + task.questions)
    tasks.append(task)


def _cut(task: Task, minutes: float) -> tuple[Task | None, Task]:
    """A task's beginning of about so many minutes, and the rest; questions are never cut in two."""
    if not task.questions:
        minutes = max(1, min(minutes, task.minutes - SHORTEST))
        return replace(task, minutes=minutes), replace(task, minutes=task.minutes - minutes)
    each = task.minutes / len(task.questions)
    number = int(minutes / each)
    parts = [
        replace(task, questions=some, minutes=len(some) * each)
        for some in (task.questions[:number], task.questions[number:])
    ]
    return (parts[0] if number else None), parts[1]


def _answer(cards: dict[str, Card], tasks: Iterable[Task], when: datetime) -> None:
    """Goes on as if every question of a day were answered well: when it comes back then."""
    for task in tasks:
        for name in task.questions:
            memory = cards[name].memory
            cards[name] = cards[name].answered(3, max(when, memory.last_review) if memory else when)


def _minutes(text: str) -> int:
    return int(text) if text.isdecimal() and 0 < int(text) <= MOST else MINUTES


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
