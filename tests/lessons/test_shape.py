"""The shape of a lesson, as far as its source shows it: guesses, results between exercises, a control, one
thing to touch, a closing table, an open task, few questions, and what comes next."""

import re
from itertools import groupby, pairwise

import pytest

from kd_solutions.support.language import LANGUAGES
from kd_study.lessons.source import lesson_sources, read_cells

REWRITTEN_NEXT = "08_many_languages"  # by the issue after this one
LESSONS = {path.stem: list(read_cells(path)) for path in lesson_sources() if path.stem[:2].isdigit()}
QUESTIONS = 5
NEVER_SAID = {
    "en": r"\b(?:simply|obviously|as we all know|in this notebook we will)\b",
    "zh": "显然|众所周知|不言而喻|在这个notebook里我们将",
}


def kind(cell, twin) -> str:
    for name in ("exercise", "question"):
        if name in cell.metadata:
            return name
    if twin:
        return "caption" if cell.metadata.get("caption") else "prose"
    return "code"


def code_of(name: str) -> list[str]:
    return [cell.source for cell, twin in LESSONS[name] if kind(cell, twin) == "code"]


def prose_of(name: str, language: str) -> list[str]:
    return [
        (cell, twin)[LANGUAGES.index(language)].source
        for cell, twin in LESSONS[name]
        if kind(cell, twin) in ("prose", "caption")
    ]


def first(texts: list[str], pattern: str) -> int:
    return next(index for index, text in enumerate(texts) if re.search(pattern, text))


def last(texts: list[str], pattern: str) -> int:
    return len(texts) - 1 - first(texts[::-1], pattern)


REHEARSAL = "15_mock_interview"  # holds an interview in the place of experiments, questions and exercises
MAP = "16_map"  # is there to look things up
by_lesson = pytest.mark.parametrize("name", [name for name in LESSONS if name != REWRITTEN_NEXT])
by_experiment = pytest.mark.parametrize(
    "name", [name for name in LESSONS if name not in (REWRITTEN_NEXT, REHEARSAL, MAP)]
)
in_both = pytest.mark.parametrize("language", LANGUAGES)


@by_lesson
def test_a_result_stands_between_two_exercises(name):
    kinds = [kind(*pair) for pair in LESSONS[name]]
    places = [place for place, found in enumerate(kinds) if found == "exercise"]
    for one, other in pairwise(places):
        assert "code" in kinds[one:other], LESSONS[name][other][0].metadata


@by_lesson
def test_the_first_result_comes_in_the_first_third(name):
    sources = [cell.source if kind(cell, twin) == "code" else "" for cell, twin in LESSONS[name]]
    assert first(sources, r"\bprint\(|\bdraw_|\bshow_table\(|\bfamily_map\(") < len(sources) / 3


@by_experiment
def test_every_guess_is_compared_with_what_came_out_and_drawn_where_there_is_a_picture(name):
    code = "\n".join(code_of(name))
    guesses = re.findall(r"^(\w+) = guess\(", code, re.MULTILINE)
    assert guesses
    for guessed in guesses:
        assert code.index(f"{guessed} = guess(") < code.index(f"{guessed}.compare(")
    assert any(f"{guessed}.draw(" in code for guessed in guesses)
    assert len(guesses) == 1 or "my_guesses()" in code


@by_experiment
def test_few_questions_and_not_all_of_them_at_the_end(name):
    runs = [
        len(list(run)) for found, run in groupby(kind(*pair) for pair in LESSONS[name]) if found == "question"
    ]
    assert 1 <= sum(runs) <= QUESTIONS
    assert sum(runs) == 1 or len(runs) > 1


@by_experiment
def test_there_is_one_thing_to_touch(name):
    assert any(re.search(r"\bDial\(|\btry_commands\(", text) for text in code_of(name))


@by_experiment
def test_a_table_closes_it(name):
    texts = code_of(name)
    assert last(texts, r"\bshow_table\(") > last(texts, r"\baxes\(|\bdraw_\w+\(|\bDial\(")


@by_lesson
@in_both
def test_the_control_the_open_task_and_the_next_lesson_are_named(name, language):
    texts = prose_of(name, language)
    control, task, following = {
        "en": ("What would change our mind", r"\*\*An open task|## Your turn", r"## Next|\*\*Next:"),
        "zh": ("什么会让我们改变看法", r"\*\*一道开放题|## 轮到你了", r"## 下一课|\*\*下一课"),
    }[language]
    assert any(control in text for text in texts)
    assert any(re.search(task, text) for text in texts)
    assert re.search(following, texts[-1]) and ".ipynb)" in texts[-1]


@by_lesson
@in_both
def test_prose_never_tells_the_reader_how_easy_it_is(name, language):
    for text in prose_of(name, language):
        assert not (found := re.search(NEVER_SAID[language], text, re.IGNORECASE)), found


def test_the_lesson_that_is_left_out_still_breaks_a_rule():
    with pytest.raises(AssertionError):
        test_the_control_the_open_task_and_the_next_lesson_are_named(REWRITTEN_NEXT, "en")
