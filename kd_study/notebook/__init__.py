"""What a notebook calls."""

from kd_solutions.support.language import use_language
from kd_study.notebook.desk import check, hint, solution, yours_or_reference
from kd_study.notebook.pages import exercise_table, lesson_map, progress
from kd_study.notebook.widgets import guess, show_answers, try_commands

__all__ = [
    "check",
    "exercise_table",
    "guess",
    "hint",
    "lesson_map",
    "progress",
    "show_answers",
    "solution",
    "try_commands",
    "use_language",
    "yours_or_reference",
]
