"""A lesson that was copied before the rooms were built still runs, or says in one sentence what to type."""

import subprocess
import sys
from importlib import import_module
from inspect import signature

import pytest

from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_solutions.support.moved import MOVED

import_module("kd_study")  # whose modules moved, too

# What the lessons of 24 November 2026 imported from modules that moved, and how they called it.
CALLS = {
    "kd_solutions.evaluate": [
        ("paired_t_interval", 2, ()),
        ("t_interval", 1, ()),
        ("worst_language", 1, ()),
    ],
    "kd_solutions.subwords": [("Subwords", 1, ())],
    "kd_study.assistant": [
        ("common_mistakes", 2, ()),
        ("logits_of", 2, ()),
        ("percent_by_language", 2, ()),
        ("recorded_flagship", 0, ()),
        ("side_by_side", 2, ()),
        ("some_commands", 1, ()),
        ("some_commands", 2, ()),
    ],
    "kd_study.experiments": [
        ("ManyStudents", 4, ()),
        ("attempt", 1, ()),
        ("bags", 2, ()),
        ("few_commands", 2, ("seed",)),
        ("few_commands", 3, ()),
        ("gather_cohort", 0, ()),
        ("kept_for_backward", 2, ()),
        ("score_by_intent", 2, ()),
        ("train_head", 3, ()),
        ("train_many", 3, ("rate", "steps")),
    ],
    "kd_study.language": [("say", 2, ())],
    "kd_study.pictures": [
        ("axes", 1, ()),
        ("axes", 1, ("columns", "height")),
        ("axes", 1, ("height", "width")),
        ("draw_intervals", 2, ("baseline", "unit")),
        ("draw_intervals", 3, ("baseline",)),
        ("draw_probabilities", 2, ("right",)),
        ("draw_two_by_language", 4, ()),
    ],
}
USES = [pytest.param(module, *call, id=f"{module}.{call[0]}") for module in CALLS for call in CALLS[module]]


@pytest.mark.parametrize(("module", "name", "count", "keywords"), USES)
def test_what_old_lessons_call_is_there_or_the_sentence_comes(module, name, count, keywords):
    try:
        found = getattr(import_module(module), name)
    except StudyError as error:
        assert "kd_study reset LESSON" in str(error)
        return
    signature(found).bind(*range(count), **dict.fromkeys(keywords))


@pytest.mark.parametrize("first", ["kd_study.assistant", "kd_study.experiments"])
def test_a_lesson_whose_tools_changed_says_so_at_its_first_import(first):
    with pytest.raises(StudyError, match="reset LESSON"):
        getattr(import_module(first), CALLS[first][0][0])


@pytest.mark.parametrize("old", MOVED)
def test_every_new_place_exists(old):
    for place in MOVED[old]:
        import_module(place)


@pytest.mark.parametrize(
    ("code", "said"),
    [("en", "in a terminal, type `python -m kd_study reset LESSON`"), ("zh", "请在终端运行")],
)
def test_a_name_that_is_gone_says_what_to_type(monkeypatch, code, said):
    monkeypatch.setattr(language, "_current", code)
    with pytest.raises(StudyError, match=said) as caught:
        from kd_study.experiments import never_was  # noqa: F401
    assert "kd_study.experiments.never_was" in str(caught.value) and "\n" not in str(caught.value)


def test_a_module_that_never_was_is_missing_as_ever():
    with pytest.raises(ModuleNotFoundError):
        import_module("kd_study.never_was")


@pytest.mark.parametrize("first", ["kd_study.language", "kd_solutions.language"])
def test_the_first_import_of_a_process_may_be_an_old_name(first):
    code = (
        f"from {first} import say; import {first} as old; assert old.say is say; print(say('hello', '你好'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "hello\n", done.stderr
