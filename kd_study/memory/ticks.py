"""The points of an answer, ticked one by one: said, half, missed; and the grade that follows from them."""

from collections.abc import Iterable

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import Text, say
from kd_study.questions import Question

MARKS = {"s": Text("said", "说到"), "h": Text("half", "一半"), "m": Text("missed", "漏掉")}
OPEN = "."  # a point that isn't ticked yet
WORTH = {"s": 1.0, "h": 0.5, "m": 0.0}
GRADES = {
    1: Text("forgotten", "忘了"),
    2: Text("hard", "吃力"),
    3: Text("good", "不错"),
    4: Text("easy", "轻松"),
}


def read_marks(asked: Question, given: Iterable[str | int]) -> str:
    """A letter a point, from words (said, half, missed), their first letters, or the numbers 1, 2, 3.

    Raises: StudyError where there are more or fewer than the answer has points, or one is none of these.
    """
    return read_letters(given, len(asked.points), asked.id)


def read_letters(given: Iterable[str | int], number: int, of: str = "") -> str:
    """The same for so many points, such as those of a rubric. of: the id of the question, for the error."""
    marks = "".join(_mark(str(each)) for each in given)
    if len(marks) != number:
        answer = say(f"The answer to {of}", f"{of}的答案") if of else say("The answer", "答案")
        raise StudyError(
            say(
                f"{answer} has {number} points, each said, half or missed; {len(marks)} were given.",
                f"{answer}有{number}个要点，每个要么说到、要么一半、要么漏掉；这里给出了{len(marks)}个。",
            )
        )
    return marks


def _mark(given: str) -> str:
    wanted = given.strip().lower()
    for number, (letter, words) in enumerate(MARKS.items(), 1):
        if wanted in (letter, str(number), *words):
            return letter
    raise StudyError(
        say(
            f"A point is said, half or missed (or 1, 2, 3), not {given[:60]!r}.",
            f"一个要点只能是说到、一半或漏掉（或写1、2、3），不能是{given[:60]!r}。",
        )
    )


def expect_grade(grade: int) -> None:
    """Raises: StudyError where it is none."""
    if type(grade) is not int or grade not in GRADES:
        raise StudyError(
            say(
                f"A grade is 1 (forgotten), 2 (hard), 3 (good) or 4 (easy), not {grade!r}.",
                f"评分只能是1（忘了）、2（吃力）、3（不错）、4（轻松），不能是{grade!r}。",
            )
        )


def is_complete(marks: str) -> bool:
    """Whether every point is ticked."""
    return bool(marks) and OPEN not in marks


def grade_of(marks: str) -> int:
    """The grade for the share of points that were said, half ones counted half."""
    return grade_at(sum(WORTH[mark] for mark in marks) / len(marks))


def grade_at(share: float) -> int:
    """1 below half of the points, 2 below five sixths, else 3; that it was easy only the learner can say."""
    return 1 if share < 1 / 2 else 2 if share < 5 / 6 else 3


def counted(marks: str) -> str:
    """`2 said, 1 half, 1 missed`."""
    parts = [(marks.count(letter), words) for letter, words in MARKS.items() if letter in marks]
    return say(
        ", ".join(f"{number} {words.en}" for number, words in parts),
        "，".join(f"{words.zh}{number}点" for number, words in parts),
    )
