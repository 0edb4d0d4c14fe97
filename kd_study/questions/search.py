"""Finding questions by their words, in either language, and by what they are."""

from collections.abc import Iterable

from kd_study.questions.form import Question


def find(questions: Iterable[Question], words: str = "", **wanted: str) -> list[Question]:
    """The questions that hold every word, in any language, those first that ask with it.

    words: parted by spaces, in upper or lower case. wanted: fields and their values, such as kind="code".
    """
    asked = words.casefold().split()
    scored = [
        (rank, question)
        for question in questions
        if all(getattr(question, field) == value for field, value in wanted.items())
        and (rank := _rank(question, asked)) is not None
    ]
    return [question for _, question in sorted(scored, key=lambda pair: pair[0])]


def _rank(question: Question, words: list[str]) -> int | None:
    """How many of the words the question itself doesn't hold; None where one occurs nowhere."""
    asks = " ".join([question.id, *question.question]).casefold()
    answers = " ".join([*question.answer_short, *question.answer_deep, *question.traps]).casefold()
    if not all(word in asks or word in answers for word in words):
        return None
    return sum(word not in asks for word in words)
