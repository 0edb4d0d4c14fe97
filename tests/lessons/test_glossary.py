"""The glossary: complete in both languages, in order, and linked from where a term first occurs."""

import re

import pytest
from markdown_it import MarkdownIt

from kd_solutions.support.language import LANGUAGES
from kd_study.lessons.editions import assemble
from kd_study.lessons.glossary import entries, link_terms, terms
from kd_study.lessons.source import NOTEBOOKS, lesson_sources


def test_every_term_stands_in_both_languages_once_and_in_order():
    names = [term.name.en for term in terms()]
    assert names == sorted(names, key=str.casefold)
    assert len({term.anchor for term in terms()}) == len(names)
    for term in terms():
        assert all(term.name) and all(term.means), term.name.en
        assert re.search(r"[\u4e00-\u9fff]", term.means.zh) and not re.search(
            r"[\u4e00-\u9fff]", term.means.en
        )
    for language in LANGUAGES:
        forms = [form.lower() for term in terms() for form in getattr(term.forms, language)]
        assert len(set(forms)) == len(forms)


def test_a_term_is_linked_where_it_first_occurs():
    texts = [
        "# A teacher\n\nSoft labels of *teachers*, at `temperature`",
        "A teacher's temperature and $logits$.",
    ]
    linked, found = link_terms(texts, "en")
    assert linked == [
        "# A teacher\n\n[Soft labels](glossary.ipynb#cell-id=soft-labels-soft-targets) of "
        "[*teachers*](glossary.ipynb#cell-id=teacher), at `temperature`",
        "A teacher's [temperature](glossary.ipynb#cell-id=temperature) and $logits$.",
    ]
    assert [term.anchor for term in found] == ["soft-labels-soft-targets", "teacher", "temperature"]


def test_the_longer_term_wins_and_links_stay_as_they_are():
    linked, _ = link_terms(["[the teacher](x.ipynb), label smoothing", "教师强制与教师"], "zh")
    assert (
        linked[1]
        == "[教师强制](glossary.ipynb#cell-id=teacher-forcing)与[教师](glossary.ipynb#cell-id=teacher)"
    )
    assert link_terms(["[the teacher](x.ipynb)"], "en")[0] == ["[the teacher](x.ipynb)"]


def test_a_term_that_begins_or_ends_an_emphasis_waits_for_its_next_occurrence():
    linked, found = link_terms(["是*教师的*答案", "教师"], "zh")
    assert linked == ["是*教师的*答案", "[教师](glossary.ipynb#cell-id=teacher)"] and len(found) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("source", lesson_sources(), ids=lambda source: source.stem)
def test_no_star_of_an_emphasis_is_left_over(source, language):
    markdown = MarkdownIt("commonmark").enable("table")
    for cell in assemble(source, language).cells:
        if cell.cell_type == "markdown":
            for block in markdown.parse(re.sub(r"\$\$.*?\$\$|\$[^$\n]*\$", "", cell.source, flags=re.DOTALL)):
                texts = [part.content for part in block.children or [] if part.type == "text"]
                assert not [text for text in texts if "*" in text], cell.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_lessons_link_their_terms_and_the_glossary_links_back(language):
    found = dict(entries(language, {terms()[0]: ["00_start"]}))
    assert list(found) == [term.anchor for term in terms()]
    assert [anchor for anchor, text in found.items() if "[00](00_start.ipynb)" in text] == [terms()[0].anchor]
    glossary = next(source for source in lesson_sources() if source.stem == "glossary")
    back = "\n".join(cell.source for cell in assemble(glossary, language).cells[1:-1])
    for source in lesson_sources():
        if source.stem[:2].isdigit():
            prose = "\n".join(
                cell.source for cell in assemble(source, language).cells if cell.cell_type == "markdown"
            )
            links = re.findall(r"glossary\.ipynb#cell-id=([\w-]+)", prose)
            few = source.stem == "15_mock_interview"  # a rehearsal explains no new thing
            assert len(links) >= (1 if few else 5) and len(set(links)) == len(links)
            assert back.count(f"({source.stem}.ipynb)") == len(links)


WRITTEN = [
    path
    for folder, pattern in (("kd_study", "**/*.md"), ("kd_study", "**/*.yaml"), ("kd_study", "**/*.py"))
    for path in (NOTEBOOKS.parent / folder).glob(pattern)
] + sorted((NOTEBOOKS / "lessons").glob("*.py"))
OTHER_WORDS = ("正向KL", "忠实度", "缩放系数", "翻译训练集", "翻译测试集")
OTHER_SIGNS = re.compile(  # a space before %, a Chinese stop inside a formula
    r"[\u4e00-\u9fff]\d+(?:\.\d+)? %|\d %[\u4e00-\u9fff，。；、）]|[，。]\$\$"
)
STRAIGHT_QUOTES = re.compile(r'"[\u4e00-\u9fff]+"')  # in prose; code has its own


def test_chinese_has_one_word_a_thing_and_its_own_signs():
    for path in WRITTEN:
        text = path.read_text("utf-8")
        assert not [word for word in OTHER_WORDS if word in text], path
        assert not OTHER_SIGNS.findall(text), path
        assert path.suffix != ".md" or not STRAIGHT_QUOTES.findall(text), path
