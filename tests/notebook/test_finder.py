"""The page of all questions can be searched where widgets run."""

import pytest

from kd_solutions.support import language
from kd_study import find_questions, search_questions, tick
from kd_study.notebook.finder import MOST, lessons_of, links
from kd_study.questions import all_questions, find


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_current", "en")


def shown(finder) -> str:
    (output,) = finder._below.outputs
    return output["data"]["text/markdown"]


def test_words_are_found_in_either_language_and_the_asking_question_comes_first():
    bank = all_questions().values()
    for words in ("T²  temperature", "温度"):
        assert find(bank, words)
    found = find(bank, "BATCHMEAN")
    asks = ["batchmean" in " ".join([each.id, *each.question]).casefold() for each in found]
    assert asks == sorted(asks, reverse=True) and {*asks} == {True, False}
    assert find(bank, "no such word anywhere") == []
    assert len(find(bank)) == len(bank)
    assert {each.kind for each in find(bank, kind="design")} == {"design"}


def test_choices_and_words_narrow_what_is_linked():
    finder = find_questions()
    everything = len(finder.found())
    assert everything == len(all_questions())
    assert f"{everything} questions" in shown(finder) and "see the rest" in shown(finder)
    finder._choices["topic"].value = "temperature"
    finder._words.value = "why"
    assert 0 < len(finder.found()) < everything
    assert "(questions.ipynb#cell-id=why-t-squared) (Temperature, mid, concept)" in shown(finder)
    finder._choices["kind"].value = "design"
    assert shown(finder) == "0 questions"


def test_what_no_question_holds_is_taken_for_a_question_of_ones_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    finder = find_questions()
    asked = "Kann man die Temperatur auch beim Antworten benutzen?"
    assert find(all_questions().values(), asked) == []
    finder._words.value = asked
    assert 0 < len(finder.found()) <= 5 and finder.found()[0].topic == "temperature"
    assert "\n\n*Found by keywords alone; `python -m kd_study distill`" in shown(finder)
    search_questions(asked)
    assert capsys.readouterr().out.strip() == shown(finder).strip()
    finder._choices["topic"].value = "loop"
    assert {each.topic for each in finder.found()} <= {"loop"}
    finder._words.value = "zqxj"
    assert shown(finder) == "0 questions"


def test_a_lesson_shows_what_it_asks_and_what_it_backs():
    finder = find_questions()
    finder._lesson.value = "02_temperature"
    assert all("02_temperature" in lessons_of()[each.id] for each in finder.found())
    assert len(finder.found()) >= 5


def test_links_are_no_more_than_a_screen():
    assert links(list(all_questions().values())).count("](questions.ipynb") == MOST


def test_without_a_widget_it_says_what_it_is():
    assert find_questions()._repr_mimebundle_()["text/plain"].startswith("Choices of topic, level")
    language.use_language("zh")
    assert "搜索" in find_questions()._repr_mimebundle_()["text/plain"]


def test_a_state_shows_what_is_known_so_far(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    tick("why-t-squared", grade=1)
    finder = find_questions()
    finder._state.value = "weak"
    assert [each.id for each in finder.found()] == ["why-t-squared"]
    finder._state.value = "new"
    assert len(finder.found()) == len(all_questions()) - 1
