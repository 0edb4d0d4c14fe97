"""What a notebook calls."""

from kd_solutions.support.language import use_language
from kd_study.notebook.asking import mock_interview, plan, review, tick
from kd_study.notebook.desk import check, hint, solution, yours_or_reference
from kd_study.notebook.field import family_map, family_table, find_families
from kd_study.notebook.finder import find_questions, search_questions
from kd_study.notebook.kernel import equip
from kd_study.notebook.pages import exercise_table, lesson_map, progress
from kd_study.notebook.teaching import earned, projector, room
from kd_study.notebook.widgets import clock, guess, my_guesses, show_answers, try_commands

equip()

__all__ = [
    "check",
    "clock",
    "earned",
    "exercise_table",
    "family_map",
    "family_table",
    "find_families",
    "find_questions",
    "guess",
    "hint",
    "lesson_map",
    "mock_interview",
    "my_guesses",
    "plan",
    "progress",
    "projector",
    "review",
    "room",
    "search_questions",
    "show_answers",
    "solution",
    "tick",
    "try_commands",
    "use_language",
    "yours_or_reference",
]
