"""What an interviewer asks next: a question that goes on from what was missed."""

import re
from collections import Counter
from collections.abc import Collection
from functools import cache

from kd_study.exercises.catalog import LEVELS
from kd_study.questions import Question, all_questions
from kd_study.questions import question as question_of

_WORD = re.compile(r"[a-z]{3,}")


def follow_up(asked: Question, marks: str, without: Collection[str] = ()) -> Question | None:
    """The follow-up that has most to do with the missed points; after a full answer the hardest.

    marks: a letter a point of the short answer. without: ids that aren't asked again. None where no other
    is left; a design, which takes minutes, is none.
    """
    free = [
        each for name in asked.follow_ups if name not in without and not (each := question_of(name)).rubric
    ]
    if not free:
        return None
    missed = [point.en for point, mark in zip(asked.points, marks, strict=True) if mark != "s"]
    if not missed:
        return max(free, key=lambda each: list(LEVELS).index(each.level))
    words = _words(" ".join(missed))
    return max(free, key=lambda each: sum(_rarity(word) for word in words & _words(_text(each))))


def _text(asked: Question) -> str:
    return f"{asked.question.en} {asked.answer_short.en}"


def _words(text: str) -> set[str]:
    """Its English words, which stand for their Chinese twins too."""
    return set(_WORD.findall(text.lower()))


def _rarity(word: str) -> float:
    """Rare words say more about what a text is about."""
    return 1 / _questions_with()[word]


@cache
def _questions_with() -> Counter[str]:
    return Counter(word for each in all_questions().values() for word in _words(_text(each)))
