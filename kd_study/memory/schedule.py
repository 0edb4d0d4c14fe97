"""Which cards come next: without a date as fsrs has it; with one, first those that add most to that day."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from statistics import median

from kd_study.memory.cards import Card
from kd_study.records.store import Answer, Records

NINE = time(9)  # when an interview is taken to begin
LEAST_GAIN = 0.02  # of recall on the day; what adds less is left alone
FIRST_SECONDS, LATER_SECONDS = (
    144,
    75,
)  # as lessons count; of a question's first answer, of a later one, until it is measured
MEASURED_FROM = 5  # answers
# How people grade before this learner's own grades say more: the defaults of the FSRS project's simulator.
FIRST_GRADES = {1: 0.24, 2: 0.094, 3: 0.495, 4: 0.171}
GRADES_WHEN_RECALLED = {2: 0.224, 3: 0.631, 4: 0.145}
PRIOR = 20  # answers that they count for


INTERVIEW = "interview"  # under this name the day is kept among the learner's choices


def interview_day(records: Records, when: datetime) -> date | None:
    """The day of the interview that the learner once gave; None where there is none, or it is over."""
    try:
        day = date.fromisoformat(records.chosen(INTERVIEW))
    except ValueError:
        return None
    return day if when < moment(day) else None


def moment(interview: date) -> datetime:
    """The morning of the interview, by the machine's clock."""
    return datetime.combine(interview, NINE).astimezone()


def comes_back(card: Card, interview: date | None = None) -> datetime | None:
    """When a card is due: no later than the day before the interview, or, if answered then, that day itself.

    None for a card without an answer.
    """
    if card.memory is None:
        return None
    if interview is None:
        return card.memory.due
    eve = datetime.combine(interview - timedelta(days=1), time()).astimezone()
    return min(card.memory.due, eve if card.memory.last_review < eve else moment(interview))


def queue(cards: Iterable[Card], when: datetime, interview: date | None = None) -> list[Card]:
    """The cards to answer now, the first one first."""
    cards = list(cards)
    if interview is None or moment(interview) <= when:  # over: as without one
        return _plain(cards, when)
    return _for_the_day(cards, when, moment(interview))


def _plain(cards: list[Card], when: datetime) -> list[Card]:
    """What is due, the longest due first; then what is new."""
    due = [card for card in cards if card.memory and card.memory.due <= when]
    due.sort(key=lambda card: card.memory.due)
    return [*due, *(card for card in cards if not card.memory)]


def _for_the_day(cards: list[Card], when: datetime, day: datetime) -> list[Card]:
    first = first_grades(cards)
    gains = [(gain(card, when, day, first), card) for card in cards]
    worth = [(_seconds(card), added, card) for added, card in gains if added >= LEAST_GAIN]
    worth.sort(key=lambda each: -each[1] / each[0])
    return [card for _, _, card in worth]


def gain(card: Card, when: datetime, day: datetime, first: dict[int, float]) -> float:
    """What answering a card now adds to the probability that it is known on the day.

    first: how probable each grade is at a first answer.
    """
    grades = first
    if card.memory:
        known = card.recall(when)
        grades = {1: 1 - known} | {grade: known * share for grade, share in GRADES_WHEN_RECALLED.items()}
    after = sum(share * card.answered(grade, when).recall(day) for grade, share in grades.items())
    return after - card.recall(day)


def first_grades(cards: Iterable[Card]) -> dict[int, float]:
    """How probable each grade is at a first answer: as of everybody, and ever more of this learner."""
    own = Counter(card.grades[0] for card in cards if card.grades)
    return {
        grade: (PRIOR * share + own[grade]) / (PRIOR + own.total()) for grade, share in FIRST_GRADES.items()
    }


def _seconds(card: Card) -> int:
    return LATER_SECONDS if card.grades else FIRST_SECONDS


def answer_seconds(answers: Iterable[Answer]) -> tuple[float, float]:
    """Seconds of a question's first answer and of a later one: the learner's medians once there are some."""
    seen: set[str] = set()
    taken: dict[bool, list[int]] = {True: [], False: []}
    for answer in answers:
        if answer.grade is None:
            continue
        if answer.seconds:
            taken[answer.question not in seen].append(answer.seconds)
        seen.add(answer.question)
    return tuple(
        median(taken[first]) if len(taken[first]) >= MEASURED_FROM else usual
        for first, usual in ((True, FIRST_SECONDS), (False, LATER_SECONDS))
    )
