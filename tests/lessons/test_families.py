"""The families of distillation: complete, sourced, and leading to lessons, exercises and questions."""

import re

import pytest
import yaml

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES
from kd_study.exercises.catalog import NAMES, sheet
from kd_study.lessons.editions import assemble
from kd_study.lessons.families import (
    GROUPS,
    INPUTS,
    PAGE,
    PASSES,
    TEACHERS,
    all_families,
    entries,
    find_family,
    links,
    load_families,
    short_links,
)
from kd_study.lessons.outline import LESSONS
from kd_study.lessons.source import NOTEBOOKS
from kd_study.questions import all_questions

ENTRY = {
    "id": "one-way",
    "name": {"en": "One way", "zh": "一种"},
    "passes": "logits",
    "inputs": "given",
    "teachers": "one",
    **{name: {"en": "words", "zh": "文字"} for name in ("does", "needs", "costs", "reported")},
    "source": "Somebody 2020, arXiv:2001.00001",
    "lessons": [],
    "exercises": [],
    "questions": ["what-is-kd"],
}
each = pytest.mark.parametrize("family", all_families().values(), ids=lambda family: family.id)


@each
def test_what_a_family_names_is_there(family):
    planned = {lesson.name for lesson in LESSONS} | {sheet(name).lesson for name in NAMES}
    assert set(family.lessons) <= planned
    assert set(family.exercises) <= set(NAMES)
    assert family.questions and set(family.questions) <= set(all_questions())


@each
def test_a_number_is_reported_with_its_source(family):
    assert all(re.search(r"\d", side) for side in family.reported)
    assert re.search(r"arXiv:\d{4}\.\d{5}|[\w-]+/[\w.-]+, README|\w+ 20\d\d, \w", family.source)
    numbers = [set(re.findall(r"\d+\.\d+", side)) for side in family.reported]
    assert numbers[0] == numbers[1]


@each
def test_both_languages_are_written(family):
    for text in (family.name, family.does, family.needs, family.costs, family.reported):
        assert not re.search("[\u4e00-\u9fff]", text.en)
        assert re.search("[\u4e00-\u9fff]", text.zh), text.zh
        assert not re.search("[\u4e00-\u9fff] [A-Za-z0-9]|[A-Za-z0-9] [\u4e00-\u9fff]", text.zh), text.zh


@each
def test_only_lessons_that_are_written_are_linked(family):
    written = {lesson.name for lesson in LESSONS}
    expected = len(written & set(family.lessons)) + len(family.exercises) + len(family.questions)
    assert len(links(family, "en")) == len(short_links(family)) == expected


def test_every_kind_of_family_is_there():
    found = all_families().values()
    assert {family.group for family in found} == set(GROUPS)
    assert {family.passes for family in found} == set(PASSES)
    assert {family.inputs for family in found} == set(INPUTS)
    assert {family.teachers for family in found} == set(TEACHERS)


def test_a_group_follows_from_the_place():
    groups = {name: family.group for name, family in all_families().items()}
    assert groups["soft-targets"] == groups["pseudo-labels"] == "response"
    assert groups["whole-sequences"] == groups["data-free"] == "data"
    assert (groups["hints"], groups["value-relations"], groups["drafts"]) == (
        "feature", "relation", "on_policy",
    )  # fmt: skip


def test_families_are_found_by_words_and_by_place():
    assert [family.id for family in find_family("minilm")] == ["value-relations"]
    assert find_family("公开输入 投票") == [all_families()["private-votes"]]
    assert {family.id for family in find_family(passes="texts", inputs="given")} == {
        "whole-sequences", "reasoning-traces",
    }  # fmt: skip
    assert len(find_family(teachers="")) == len(all_families())
    assert find_family("no such word") == []


@pytest.mark.parametrize(
    ("wanted", "told"), [({"passes": "love"}, "texts, labels"), ({"colour": "red"}, "group, passes")]
)
def test_what_can_not_be_asked_for_is_told(wanted, told):
    with pytest.raises(StudyError, match=told):
        find_family(**wanted)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"passes": "love"}, "one-way: passes is one of texts"),
        ({"needs": {"en": "words"}}, "one-way: needs needs a text in each of en, zh"),
        ({"source": ""}, "one-way: source is written"),
        ({"price": 1}, "one-way: unknown: price"),
    ],
)
def test_a_fault_is_named_with_its_family(tmp_path, change, told):
    path = tmp_path / "families.yaml"
    path.write_text(yaml.safe_dump([ENTRY | change], allow_unicode=True), "utf-8")
    with pytest.raises(StudyError, match=told):
        load_families(path)


def test_an_id_is_given_once(tmp_path):
    path = tmp_path / "families.yaml"
    path.write_text(yaml.safe_dump([ENTRY, ENTRY]), "utf-8")
    with pytest.raises(StudyError, match="one-way: the id is taken"):
        load_families(path)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_holds_every_entry(language):
    cells = {cell.id: cell.source for cell in assemble(NOTEBOOKS / "lessons" / f"{PAGE}.py", language).cells}
    for anchor, text in entries(language):
        assert cells[anchor] == text
    for family in all_families().values():
        assert getattr(family.reported, language) in cells[f"family-{family.id}"]
        assert family.source in cells[f"family-{family.id}"]


@pytest.mark.parametrize(("language", "quoted", "most"), [("en", '"(.+)"', 130), ("zh", "“(.+)”", 220)])
def test_the_page_opens_with_an_answer_of_a_minute(language, quoted, most):
    opening = assemble(NOTEBOOKS / "lessons" / f"{PAGE}.py", language).cells[0].source
    answer = re.search(quoted, opening.splitlines()[-1])[1]
    count = len(re.findall(r"[\u4e00-\u9fff]|[A-Za-z0-9'’_-]+", re.sub(r"\]\([^)]*\)", "]", answer)))
    assert most / 2 < count <= most
