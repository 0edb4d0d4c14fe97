"""Finding a question that is asked in one's own words: by keywords, and by a distilled student's vectors."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.questions.bank import all_questions
from kd_study.questions.form import Question
from kd_study.questions.ranking import Meanings, Pieces, Score, rank

MOST = 5


@dataclass(frozen=True)
class Found:
    """questions: the best first. how: one sentence on what searched."""

    questions: tuple[Question, ...]
    how: str


def search(text: str, meanings: Callable[[], Score] | None = None) -> Found:
    """The questions that have something in common with what is asked, in any language the student reads.

    In Chinese, which the bank itself is written in, pieces of words find more than the student adds (see
    benchmarks/search.md). No teacher is loaded.

    meanings: gives the student's score, by default that of the student distilled last. Where it raises a
    StudyError, keywords alone are searched.
    """
    scores: tuple[Score, ...] = (_pieces(),)
    if is_chinese(text):
        how = say("Found by keywords, which in Chinese find the most.", "按关键词找出：中文提问时这样最准。")
    else:
        try:
            scores = (_pieces(), (meanings or newest_meanings)())
            how = say(
                "Found by keywords and by your student's vectors together.",
                "由关键词和你的学生模型的向量共同找出。",
            )
        except StudyError:
            how = say(
                "Found by keywords alone; `python -m kd_study distill` makes a student for other languages.",
                "只按关键词找出；运行`python -m kd_study distill`可得到能读更多语言的学生模型。",
            )
    return Found(tuple(rank(all_questions().values(), text, *scores)), how)


def is_chinese(text: str) -> bool:
    """Whether it holds Chinese characters, and no kana as Japanese does."""
    return bool(re.search("[\u4e00-\u9fff]", text)) and not re.search("[\u3040-\u30ff]", text)


def newest_meanings() -> Score:
    """By the vectors of the student distilled last; StudyError where there is none, or a damaged one."""
    from kd_solutions.flagship.store import students_folder

    folder = students_folder()
    return _meanings(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0)


@lru_cache(maxsize=1)
def _meanings(folder: Path, changed: int) -> Score:
    """Read anew once the folder has changed."""
    import torch

    from kd_solutions.flagship.store import load_student

    student, _ = load_student(folder)
    return Meanings(all_questions().values(), torch.no_grad()(student.encode))


@cache
def _pieces() -> Pieces:
    return Pieces(all_questions().values())
