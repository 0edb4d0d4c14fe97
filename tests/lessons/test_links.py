"""Every link between the pages leads somewhere, also into the middle of a page."""

import re

import pytest
from nbconvert import HTMLExporter
from nbformat.v4 import new_notebook

from kd_solutions.support.language import LANGUAGES
from kd_study import exercise_table, lesson_map, use_language
from kd_study.lessons.editions import assemble
from kd_study.lessons.source import lesson_sources

LINK = re.compile(r"\]\(([\w./]*?)(\w+)\.ipynb(?:#([^)]+))?\)")
CELLS = {
    (language, source.stem): assemble(source, language).cells
    for language in LANGUAGES
    for source in lesson_sources()
}
ANCHORS = {page: {f"cell-id={cell.id}" for cell in cells} for page, cells in CELLS.items()}


def dead_links(text: str, language: str) -> list[str]:
    return [
        link[0]
        for link in LINK.finditer(text)
        if (page := (link[1].strip("./") or language, link[2])) not in CELLS
        or link[3]
        and link[3] not in ANCHORS[page]
    ]


@pytest.mark.parametrize("page", CELLS, ids="/".join)
def test_every_link_leads_somewhere(page):
    prose = (cell.source for cell in CELLS[page] if cell.cell_type == "markdown")
    assert dead_links("\n".join(prose), page[0]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_map_and_the_table_lead_somewhere(language, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    monkeypatch.setattr("kd_solutions.support.language._current", None)
    use_language(language)
    lesson_map()
    exercise_table()
    assert dead_links(capsys.readouterr().out, language) == []


@pytest.mark.parametrize("page", [("en", "glossary"), ("zh", "03_the_loop")], ids="/".join)
def test_what_a_link_names_is_there_in_html_too(page):
    html, _ = HTMLExporter().from_notebook_node(new_notebook(cells=CELLS[page]))
    assert set(re.findall(r'id="(cell-id=[^"]+)"', html)) == ANCHORS[page]


def test_an_anchor_is_of_signs_that_no_browser_rewrites():
    assert all(
        re.fullmatch(r"cell-id=[A-Za-z0-9_-]+", anchor) for anchors in ANCHORS.values() for anchor in anchors
    )
    assert all(ANCHORS["en", name] == ANCHORS["zh", name] for _, name in ANCHORS)
