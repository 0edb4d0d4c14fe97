"""One sitting with the cards: the next question, its answer, a grade; until minutes or cards are over."""

from datetime import date, timedelta

from kd_study.memory.answering import Answering
from kd_study.memory.cards import all_cards
from kd_study.memory.schedule import INTERVIEW, interview_day, moment, queue
from kd_study.questions import Question, question
from kd_study.records.store import Records, now

MINUTES = 20


class Session:
    """What is asked now, and what follows. asked: None once it is over. given: answers graded in it.

    The queue is computed anew for each question, so that what another notebook has answered meanwhile isn't
    asked again. A question whose answer was only revealed counts as not answered: it comes again.

    Args:
        interview: the day to be ready for, kept for later sessions; without one the day kept before, if any.
    """

    def __init__(self, records: Records, interview: date | None = None, minutes: float = MINUTES):
        if interview is not None:
            records.choose(INTERVIEW, interview.isoformat())
        self._records = records
        self._until = now() + timedelta(minutes=minutes)
        self.interview = interview_day(records, now())
        self.given: list[Answering] = []
        self.answering: Answering | None = None
        self.revealed = False
        self.go_on()

    @property
    def asked(self) -> Question | None:
        return self.answering.asked if self.answering else None

    @property
    def minutes_are_over(self) -> bool:
        return now() >= self._until

    def waiting(self) -> int:
        """How many cards are to be answered now, the one that is asked among them."""
        return len(self._queue())

    def go_on(self) -> None:
        """Asks the next question, if there is one and time for it."""
        waiting = [] if self.minutes_are_over else self._queue()
        self.answering = Answering(question(waiting[0]), self._records) if waiting else None
        self.revealed = False

    def reveal(self) -> None:
        """The answer is shown from here on."""
        self.revealed = self.answering is not None

    def grade(self, grade: int) -> str:
        """Grades what is asked, goes on, and returns what was recorded."""
        self.answering.grade_as(grade)
        return self.close()

    def close(self) -> str:
        """Goes on after an answer that has its grade; returns what was recorded."""
        self.given.append(self.answering)
        told = self.answering.told()
        self.go_on()
        return told

    def recall_on_the_day(self) -> tuple[float, int] | None:
        """The questions expected to be known on the day of the interview, and how many there are."""
        if self.interview is None:
            return None
        cards = all_cards(self._records)
        return sum(card.recall(moment(self.interview)) for card in cards.values()), len(cards)

    def _queue(self) -> list[str]:
        when = now()
        cards = all_cards(self._records, when).values()
        return [card.question for card in queue(cards, when, self.interview)]
