"""The class as one CSV, for a spreadsheet: a row a student, two columns an exercise."""

import csv
from io import StringIO

from kd_solutions.support.language import say
from kd_study.classroom.marks import STATUSES, Marks
from kd_study.classroom.report import remarks
from kd_study.exercises.catalog import NAMES

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would calculate what begins so


def csv_table(marks: list[Marks]) -> bytes:
    """UTF-8 with a BOM: student, solved, each exercise and its mistakes, remarks."""
    names = [name for name in NAMES if any(name in one.answers for one in marks)]
    mistake = say("mistake", "误区")
    titles = [title for name in names for title in (name, f"{name} {mistake}")]
    rows = [[say("student", "学生"), say("solved", "通过"), *titles, say("remarks", "说明")]]
    rows += [_row(one, names) for one in marks]
    file = StringIO(newline="")
    csv.writer(file).writerows([[_harmless(cell) for cell in row] for row in rows])
    return file.getvalue().encode("utf-8-sig", "replace")


def _row(one: Marks, names: list[str]) -> list[str]:
    cells = [one.student, str(one.solved)]
    for name in names:
        answer = one.answers.get(name)
        mistakes = [wrong.name for wrong in answer.mistakes] if answer else []
        cells += [str(STATUSES[answer.status]) if answer else "", " + ".join(mistakes)]
    return [*cells, " | ".join(remarks(one))]


def _harmless(cell: str) -> str:
    cell = " ".join(cell.split())
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
