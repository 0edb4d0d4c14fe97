"""The map of the lessons says what the sources say."""

import re

from kd_study import exercise_table, lesson_map
from kd_study.editions import NOTEBOOKS
from kd_study.exercises import NAMES
from kd_study.lessons import lessons
from kd_study.records import Records


def test_every_lesson_has_a_title_and_a_question_in_both_languages():
    english, chinese = lessons("en"), lessons("zh")
    assert [lesson.name for lesson in english] == [lesson.name for lesson in chinese]
    for one, other in zip(english, chinese, strict=True):
        assert one.title and other.title and one.title != other.title
        assert one.question and other.question
        assert one.exercises == other.exercises and set(one.exercises) <= set(NAMES)


def test_what_was_passed_once_counts_as_solved(tmp_path):
    records = Records(tmp_path / "records.sqlite")
    lesson = next(lesson for lesson in lessons("en") if len(lesson.exercises) > 1)
    records.add_attempt(lesson.exercises[0], "passed", None, "en")
    records.add_attempt(lesson.exercises[0], "failed", None, "en")
    records.add_attempt(lesson.exercises[1], "failed", None, "en")
    assert lesson.solved(records) == 1


def test_the_page_of_exercises_holds_every_one_in_order():
    source = (NOTEBOOKS / "lessons" / "exercises.py").read_text("utf-8")
    assert re.findall(r'^# %% exercise="(\w+)"', source, re.MULTILINE) == list(NAMES)


def test_the_map_and_the_table_are_shown(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    lesson_map()
    exercise_table()
    shown = capsys.readouterr().out
    assert all(f"({lesson.name}.ipynb)" in shown for lesson in lessons()) and "`kd_loss`" in shown
