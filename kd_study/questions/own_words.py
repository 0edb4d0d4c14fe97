"""Finding a question asked in one's own words: with a distilled student in its languages, else by keywords."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.questions.bank import all_questions
from kd_study.questions.form import Question
from kd_study.questions.ranking import Encode, Meanings, Pieces, Score, rank

MOST = 5


@dataclass(frozen=True)
class Found:
    """questions: the best first. how: one sentence on what searched."""

    questions: tuple[Question, ...]
    how: str


def search(text: str, most: int = MOST, reader: Callable[[], Encode] | None = None) -> Found:
    """The questions nearest to what is asked, in any language that the student reads.

    reader: gives the student's `encode`; by default that of the student distilled last. Where it raises a
    StudyError, since none was distilled or it is damaged, keywords alone are searched. No teacher is loaded.
    """
    bank = all_questions()
    try:
        scores: tuple[Score, ...] = (_pieces(), _meanings(reader or newest_student))
        how = say(
            "Found by your distilled student's vectors and by pieces of words together.",
            "由你蒸馏的学生模型的向量和词的片段共同找出。",
        )
    except StudyError:
        scores = (_pieces(),)
        how = say(
            "Found by keywords alone: `python -m kd_study distill` makes a student that reads other languages.",
            "只按关键词查找：先运行`python -m kd_study distill`，得到的学生模型读得懂其他语言。",
        )
    return Found(tuple(rank(bank.values(), text, *scores)[:most]), how)


@lru_cache(maxsize=1)
def newest_student() -> Encode:
    """`encode` of the student distilled last, read once a process; StudyError where there is none."""
    import torch

    from kd_solutions.flagship.store import load_student

    student, _ = load_student()
    return torch.no_grad()(student.encode)


@cache
def _pieces() -> Pieces:
    return Pieces(all_questions().values())


@lru_cache(maxsize=1)
def _meanings(reader: Callable[[], Encode]) -> Meanings:
    return Meanings(all_questions().values(), reader())
