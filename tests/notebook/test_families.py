"""The map, the table and the finder of the families lead to their entries, in either language and theme."""

import re
from itertools import combinations
from unicodedata import east_asian_width

import pytest

from kd_solutions.support import language
from kd_study import family_map, family_table, find_families
from kd_study.lessons.families import address, all_families
from kd_study.notebook import families
from kd_study.notebook.families import HIGH, WIDE, place


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setattr(language, "_current", "en")


@pytest.fixture
def drawn(monkeypatch):
    """Draws the map → (plain text, HTML)."""
    seen = []
    monkeypatch.setattr(families, "show", lambda plain, html: seen.append((plain, html)))

    def draw():
        family_map()
        return seen.pop()

    return draw


def test_every_family_is_a_link_on_the_map(drawn):
    plain, html = drawn()
    for family in all_families().values():
        assert f'href="{address(family)}"' in html
        assert str(family.name) in plain
    assert html.count("<a ") == len(all_families())


def test_no_two_boxes_touch_and_each_lies_in_its_region():
    boxes = place(all_families().values())
    for (x, y), (u, v) in combinations(boxes.values(), 2):
        assert abs(x - u) >= WIDE or abs(y - v) >= HIGH
    for family in all_families().values():
        x, y = boxes[family.id]
        path = families._regions()[family.group]
        points = [tuple(map(int, point)) for point in re.findall(r"M(\d+) (\d+)", path)]
        right, low = max(map(int, re.findall(r"H(\d+)", path))), max(map(int, re.findall(r"V(\d+)", path)))
        assert points[0][0] <= x and x + WIDE - 6 <= right
        assert points[0][1] <= y and y + HIGH <= low


def test_every_name_fits_into_its_box():
    for family in all_families().values():
        room = 20 - 2 * (family.teachers == "several")  # signs of 7 pixels, a Chinese one taking two
        for name in family.name:
            wide = sum(1 + (east_asian_width(sign) in "WF") for sign in name)
            assert wide <= room - 2, name


def test_the_map_has_no_colour_of_its_own(drawn):
    _, html = drawn()
    assert not re.search(r"#[0-9a-f]{3,6}\b|rgb\(|color:|fill=\"(?!none|currentColor)", html)
    assert 'stroke="currentColor"' in html
    dashes = list(families.DASHES.values())
    assert len(set(dashes)) == len(dashes)  # so that groups can be told apart in grey


def test_the_map_is_described_in_the_pages_language(drawn):
    assert 'role="img" aria-label="A map of the families.' in drawn()[1]
    language.use_language("zh")
    plain, html = drawn()
    assert 'aria-label="各类蒸馏的地图' in html and "软标签" in html and "● 一个教师" in plain
    assert not re.search(r"Soft targets|given inputs", html)


def test_the_table_is_filtered_by_a_plain_call(capsys):
    family_table(passes="relations")
    lines = capsys.readouterr().out.splitlines()
    assert [re.search(r"family-([\w-]+)\)", line)[1] for line in lines[2:]] == [
        "distances", "value-relations", "contrast",
    ]  # fmt: skip
    assert "arXiv:1910.10699" in lines[-1] and "[`contrastive_kd`]" in lines[-1]
    family_table("no such word")
    assert capsys.readouterr().out == "No family is like that.\n"


def test_a_row_has_as_many_cells_as_the_table(capsys):
    for code in language.LANGUAGES:
        language.use_language(code)
        family_table()
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) == len(all_families()) + 2
        assert {line.count(" | ") for line in lines} == {4}


def test_choices_and_words_narrow_the_table():
    finder = find_families()
    assert len(finder.found()) == len(all_families())
    finder._choices["inputs"].value = "own"
    finder._choices["teachers"].value = "itself"
    assert [family.id for family in finder.found()] == ["context-into-weights", "earlier-self"]
    (output,) = finder._below.outputs
    assert "family-context-into-weights" in output["data"]["text/markdown"]
    finder._words.value = "dragon"
    assert finder.found() == []
    assert finder._repr_mimebundle_()["text/plain"].startswith("Choices of group")
