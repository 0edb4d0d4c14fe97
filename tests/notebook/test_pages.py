"""The map and the tables lead to what they name."""

import re

import pytest

from kd_solutions.support import language
from kd_study import exercise_table, lesson_map
from kd_study.exercises.catalog import NAMES, TOPICS, sheet
from kd_study.lessons.editions import assemble
from kd_study.lessons.links import exercise_address
from kd_study.lessons.outline import LESSON_OF, LESSONS, Lesson
from kd_study.lessons.source import lesson_sources
from kd_study.notebook import pages


@pytest.fixture(autouse=True)
def fresh(tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    monkeypatch.setattr(language, "_current", "en")


def test_the_table_holds_every_exercise_with_the_minutes_of_its_topic(capsys):
    exercise_table()
    lines = [line.split("|") for line in capsys.readouterr().out.splitlines()[2:]]
    rows = {found[1]: cells for cells in lines if (found := re.match(r" \[`(\w+)`\]", cells[2]))}
    assert list(rows) == list(NAMES)
    for name, (_, _, exercise, _, minutes, lesson, _) in rows.items():
        assert f"(exercises.ipynb#cell-id={name}-statement)" in exercise
        assert int(minutes) == sheet(name).minutes
        set_in = LESSON_OF.get(name)
        address = f"{set_in.name}.ipynb#cell-id={name}-statement" if set_in else ""
        assert lesson.strip() == (f"[{set_in.title}]({address})" if set_in else "")
    sums = [cells[4].strip(" *") for cells in lines if "**" in cells[2]]
    assert sums == [f"{sum(sheet(name).minutes for name in names)}" for names in TOPICS.values()]


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_an_address_names_a_cell_that_is_there(code):
    pages = {source.stem: assemble(source, code) for source in lesson_sources()}
    cells = {page: {cell.id: cell.source for cell in notebook.cells} for page, notebook in pages.items()}
    for name in NAMES:
        for page in ("exercises", None):
            stem, cell = exercise_address(name, page).split(".ipynb#cell-id=")
            assert f"`{name}`" in cells[stem][cell].splitlines()[0], name


def test_the_map_sums_up_the_hours(capsys):
    lesson_map()
    shown = capsys.readouterr().out
    hours = sum(sheet(name).minutes for name in NAMES) / 60
    assert f"all {len(NAMES)} exercises take {hours:.0f} hours" in shown
    for lesson in LESSONS:
        minutes = sum(sheet(name).minutes for name in lesson.exercises)
        assert f"| {lesson.minutes} | + {minutes} min |" in shown


def test_the_map_says_which_numbers_are_still_to_come(capsys, monkeypatch):
    lesson_map()
    shown = capsys.readouterr().out
    for lesson in LESSONS:
        assert f"({lesson.name}.ipynb)" in shown
    numbers = {int(lesson.name[:2]) for lesson in LESSONS}
    assert ("still being written" in shown) == (len(numbers) <= max(numbers))
    monkeypatch.setattr(pages, "LESSONS", LESSONS[:1])
    lesson_map()
    assert "still being written" not in capsys.readouterr().out
    seven = Lesson("03_x", LESSONS[0].title, LESSONS[0].question, 1, ())
    monkeypatch.setattr(pages, "LESSONS", (LESSONS[0], seven))
    lesson_map()
    assert "01–02 are still being written" in capsys.readouterr().out
    six = Lesson("06_x", LESSONS[0].title, LESSONS[0].question, 1, ())
    eight = Lesson("08_x", LESSONS[0].title, LESSONS[0].question, 1, ())
    monkeypatch.setattr(pages, "LESSONS", (LESSONS[0], seven, six, eight))
    lesson_map()
    assert "\n01–02, 04–05, 07 are still being written" in capsys.readouterr().out
