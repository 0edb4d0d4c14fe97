"""What a mock interview asks: drawn by level, topic and weak spots, the same again for the same seed."""

import random
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kd_study.exercises.catalog import NAMES, sheet
from kd_study.memory.cards import Card, all_cards
from kd_study.questions import Question, all_questions
from kd_study.records.store import Records, now
from kd_study.records.summary import Row, summarise

LEVELS = {  # how much questions and exercises of each level weigh in the draw
    "junior": {"basic": 12.0, "mid": 2.0, "hard": 0.0},
    "senior": {"basic": 0.0, "mid": 1.0, "hard": 1.5},
    "staff": {"basic": 0.0, "mid": 0.2, "hard": 5.0},
}
OWN = (  # the project's own beginning: two questions and four design notes
    "what-is-kd",
    "advantages-across-languages",
    "same-structure",
    "mse-or-cross-entropy",
    "sgd-or-adam",
    "what-is-wrong-with-this-loop",
)
TOPICS = {"foundations": 3.0, "crosslingual": 3.0, "multilingual": 2.0, "embeddings": 2.0}  # the others: 1
FREE = 3  # questions beside the own one, the debugging and the design
EXERCISES = 2
LONGEST_EXERCISE = 20  # minutes, as stated; what takes longer is left for study
WEAK, KNOWN = 3.0, 0.4  # how much more, or less, what was hard or is known is drawn
SEEDS = 10_000  # one of so many where none is given


@dataclass(frozen=True)
class Drawn:
    """questions: ids in the order in which they are asked, the design last. exercises: names."""

    seed: int
    questions: tuple[str, ...]
    exercises: tuple[str, ...]


def draw(level: str, seed: int) -> Drawn:
    """The interview with that seed, the same on every desk."""
    return _drawn(level, seed, {}, {})


def draw_for(records: Records, level: str) -> Drawn:
    """An interview with a new seed, in which this learner's weak spots weigh more and what is known less."""
    cards = {name: _need_of_card(card) for name, card in all_cards(records).items()}
    rows = {row.exercise: _need_of_exercise(row) for row in summarise(records)}
    return _drawn(level, secrets.randbelow(SEEDS), cards, rows)


def _drawn(level: str, seed: int, cards: dict[str, float], rows: dict[str, float]) -> Drawn:
    chance = random.Random(f"{level} {seed}")
    bank = all_questions()
    in_topic = Counter(each.topic for each in bank.values())

    def question(among: Iterable[Question], taken: Sequence[Question]) -> Question:
        free = [each for each in among if each not in taken]
        new = [each for each in free if each.topic not in {other.topic for other in taken}] or free
        return _one(chance, new, [weight(each) * cards.get(each.id, 1.0) for each in new])

    def weight(asked: Question) -> float:  # a topic's is shared by its questions
        return LEVELS[level][asked.level] * TOPICS.get(asked.topic, 1.0) / in_topic[asked.topic]

    own = question([bank[name] for name in OWN], [])
    code = question([each for each in bank.values() if each.kind == "code"], [own])
    design = question([each for each in bank.values() if each.kind == "design"], [own, code])
    taken = [own, code, design]
    for _ in range(FREE):
        taken.append(
            question([each for each in bank.values() if each.kind in ("concept", "estimate")], taken)
        )
    exercises: list[str] = []
    for _ in range(EXERCISES):
        topics = {sheet(name).topic for name in exercises}
        free = [name for name in NAMES if sheet(name).minutes <= LONGEST_EXERCISE]
        free = [name for name in free if sheet(name).topic not in topics]
        weights = [LEVELS[level][sheet(name).level] * rows.get(name, 1.0) for name in free]
        exercises.append(_one(chance, free, weights))
    order = [own, *taken[3:], code, design]
    return Drawn(seed, tuple(each.id for each in order), tuple(exercises))


def _one(chance: random.Random, among: Sequence, weights: Sequence[float]):
    """One of them by weight; where all weigh nothing, any."""
    return chance.choices(among, weights if any(weights) else None)[0]


def _need_of_card(card: Card) -> float:
    when = now()
    return WEAK if card.is_in("weak", when) else KNOWN if card.is_in("known", when) else 1.0


def _need_of_exercise(row: Row) -> float:
    return KNOWN if row.passed else WEAK if row.attempts else 1.0
