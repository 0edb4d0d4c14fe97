"""Draws the README's picture from the flagship's record: `python -m benchmarks.flagship_picture`."""

from pathlib import Path
from statistics import mean

from kd_solutions.flagship.record import recorded_flagship
from kd_study.lessons.kit.pictures import axes, draw_two_by_language


def main() -> None:
    record = recorded_flagship()
    teacher = {language: row.teacher for language, row in record.languages.items()}
    student = {language: mean(row.student) for language, row in record.languages.items()}
    ax = axes("A 9 MB student reads ten languages that its teacher can't", height=3.8)
    draw_two_by_language(ax, teacher, student, ["teacher: English-only MiniLM, 90 MB", "student, 9 MB"])
    ax.figure.savefig(Path(__file__).parent.parent / "docs" / "flagship.png", dpi=110)


if __name__ == "__main__":
    main()
