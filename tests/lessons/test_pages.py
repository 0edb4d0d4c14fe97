"""The map of the lessons says what the sources say."""

import re

import pytest

from kd_solutions.support.language import LANGUAGES
from kd_study.exercises.catalog import NAMES, sheet
from kd_study.lessons.editions import assemble
from kd_study.lessons.outline import LESSONS
from kd_study.lessons.source import NOTEBOOKS, lesson_sources
from kd_study.questions.bank import all_questions


def sources() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in lesson_sources() if path.stem[:2].isdigit()}


def test_the_outline_says_what_the_sources_say():
    assert [lesson.name for lesson in LESSONS] == list(sources())
    for lesson in LESSONS:
        source = sources()[lesson.name]
        for language, title, minutes in (
            ("en", lesson.title.en, r"About (\d+) minutes"),
            ("zh", lesson.title.zh, r"约(\d+)分钟"),
        ):
            opening = source.split(f'# %% [markdown] lang="{language}"')[1]
            assert opening.startswith(f"\n# # {title}\n#\n# *{getattr(lesson.question, language)}*")
            assert int(re.search(minutes, opening)[1]) == lesson.minutes
        assert lesson.exercises == tuple(re.findall(r'^# %% exercise="(\w+)"', source, re.MULTILINE))


def test_names_of_lessons_fit_into_a_list_of_files():
    assert all(re.fullmatch(r"\d\d_\w+", lesson.name) and len(lesson.name) <= 20 for lesson in LESSONS)


def test_an_exercise_names_the_lesson_that_it_is_set_in():
    written = {lesson.name for lesson in LESSONS}
    for name in NAMES:
        lesson = sheet(name).lesson
        set_in = [each.name for each in LESSONS if name in each.exercises]
        assert set_in == [lesson] if lesson in written else set_in == []


def test_the_page_of_exercises_holds_every_one_in_order():
    cells = assemble(NOTEBOOKS / "lessons" / "exercises.py", "en").cells
    assert [cell.id.removesuffix("-stub") for cell in cells if cell.id.endswith("-stub")] == list(NAMES)


def test_the_page_of_questions_holds_every_one():
    cells = assemble(NOTEBOOKS / "lessons" / "questions.py", "zh").cells
    assert {cell.id for cell in cells if "<details>" in cell.source} == set(all_questions())
    topics = {q.topic for q in all_questions().values()}
    assert {cell.id for cell in cells if cell.id.startswith("clock")} == {
        f"clock-{topic}" for topic in topics
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_errata_holds_every_sighting_with_what_is_right(language):
    cells = {cell.id: cell.source for cell in assemble(NOTEBOOKS / "lessons" / "errata.py", language).cells}
    seen = [
        (f"{question.id}-seen-{number}", each)
        for question in all_questions().values()
        for number, each in enumerate(question.seen_in, 1)
    ]
    assert len(seen) >= 5 and sum("-seen-" in name for name in cells) == len(seen)
    for name, each in seen:
        assert each.address in cells[name] and str(each.date) in cells[name] and each.source in cells[name]
        assert getattr(each.right, language) in cells[name]
