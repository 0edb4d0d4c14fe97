"""docs/workshop.md: its plans add up, its minutes are the lessons' own, and both languages say the same."""

import re
from pathlib import Path

import pytest

import kd_study
from kd_solutions.support.language import LANGUAGES
from kd_study.exercises.catalog import NAMES, sheet
from kd_study.lessons.outline import LESSONS

DOCS = Path(kd_study.__file__).parents[1] / "docs"
GUIDES = {
    code: (DOCS / name).read_text("utf-8")
    for code, name in zip(LANGUAGES, ("workshop.md", "workshop.zh.md"), strict=True)
}
MINUTES = {lesson.name[:2]: lesson.minutes for lesson in LESSONS}
IS_IN = {name: lesson.name[:2] for lesson in LESSONS for name in lesson.exercises}
PLANS = {"90 minutes": 90, "Half a day": 210, "A day": 440, "90分钟": 90, "半天": 210, "一天": 440}
ROW = re.compile(r"^\| (\d+):(\d\d) \| (\d+) \| (.*?) \|", re.MULTILINE)


def plans(language: str) -> dict[str, list[tuple[int, int, str]]]:
    """Title → its rows: when it begins, how long it takes, what it is."""
    found = {}
    for section in GUIDES[language].split("\n## ")[1:]:
        rows = [
            (60 * int(hour) + int(minute), int(long), what)
            for hour, minute, long, what in ROW.findall(section)
        ]
        if rows:
            found[section.partition("\n")[0]] = rows
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_plan_adds_up(language):
    assert len(plans(language)) == 3
    for title, rows in plans(language).items():
        assert [start for start, _, _ in rows] == [
            sum(each for _, each, _ in rows[:place]) for place in range(len(rows))
        ]
        assert sum(long for _, long, _ in rows) == PLANS[title]


@pytest.mark.parametrize("language", LANGUAGES)
def test_lessons_and_exercises_take_the_minutes_that_they_state(language):
    told = 0
    for rows in plans(language).values():
        for _, long, what in rows:
            exercises = re.findall(r"`(\w+)`", what)
            lesson = re.search(r"(?:[Ll]esson |第)(\d\d)", what)
            if exercises:
                assert set(exercises) <= set(NAMES) and long == sum(sheet(name).minutes for name in exercises)
            if lesson:
                assert long == MINUTES[lesson[1]], what
            told += bool(exercises or lesson)
    assert told > 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_exercise_follows_the_lesson_that_sets_it(language):
    for title, rows in plans(language).items():
        current = "01" if "90" not in title else ""
        for _, _, what in rows:
            if lesson := re.search(r"(?:[Ll]esson |第)(\d\d)", what):
                current = lesson[1]
            for name in re.findall(r"`(\w+)`", what):
                assert IS_IN[name] == current, (title, name)


def test_both_languages_have_the_same_plans_tables_and_code():
    english, chinese = (list(plans(language).values()) for language in LANGUAGES)
    assert [[row[:2] for row in rows] for rows in english] == [[row[:2] for row in rows] for rows in chinese]
    rows = [len(re.findall(r"^\|", guide, re.MULTILINE)) for guide in GUIDES.values()]
    headings = [len(re.findall(r"^## ", guide, re.MULTILINE)) for guide in GUIDES.values()]
    asked = [len(re.findall(r"^- \*\*", guide, re.MULTILINE)) for guide in GUIDES.values()]
    of_a_language = re.compile(r"KD_STUDY_LANGUAGE=zh |\b(?:en|zh)\b")
    code = [
        {of_a_language.sub("", found) for found in re.findall(r"`([^`\n]+)`", guide)}
        for guide in GUIDES.values()
    ]
    assert rows[0] == rows[1] and headings[0] == headings[1] and asked[0] == asked[1] > 5
    assert code[0] == code[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_leads_somewhere(language):
    for target in re.findall(r"\]\(([^)#]+)\)", GUIDES[language]):
        assert (DOCS / target).exists(), target
