"""What a notebook calls about the interview's questions; each imports what it needs when it is called."""

from typing import TYPE_CHECKING

from kd_solutions.support.errors import StudyError
from kd_study.records.store import records

if TYPE_CHECKING:
    from kd_study.notebook.cards import Ticks


def tick(of: str, *marks: str | int, grade: int | None = None) -> "Ticks | None":
    """Shows an answer's points to be ticked; end a cell with it.

    marks: where no buttons can be shown, one a point: "said", "half", "missed", or 1, 2, 3. grade: instead of
    them, or against what follows from them, 1 (forgotten), 2 (hard), 3 (good) or 4 (easy).
    """
    from kd_study.questions.bank import question
    from kd_study.review.answering import Answering
    from kd_study.review.ticks import expect_grade, read_marks

    try:
        asked = question(of if isinstance(of, str) else repr(of))
        if not marks and grade is None:
            from kd_study.notebook.cards import Ticks

            return Ticks(asked)
        letters = read_marks(asked, marks) if marks else ""
        if grade is not None:
            expect_grade(grade)
    except StudyError as error:
        print(error)
        return None
    answering = Answering(asked, records()).untimed()
    if letters:
        answering.mark_all(letters)
    if grade is not None:
        answering.grade_as(grade)
    print(answering.told())
    return None
