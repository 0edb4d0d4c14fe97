"""A number in an answer lives with the run that printed it, or names its source."""

import re
from functools import cache

import nbformat
import pytest

from kd_study.lessons.editions import assemble
from kd_study.lessons.source import NOTEBOOKS, lesson_sources
from kd_study.questions import all_questions

RECORD = NOTEBOOKS.parent / "benchmarks" / "flagship.md"
LESSON = re.compile(r"[Ll]esson (\d\d)|第(\d\d)课")
NUMBER = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:\.\d+)?")
GAIN = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|points\b|个百分点)")
ELSEWHERE = re.compile(
    r"[Rr]eport|et al|arXiv|#\d|\b(?:19|20)\d\d\b|\b\d{4}\.\d{5}|Hinton|报告|等人|[“”\"]|[Rr]ecord|记录"
)


def test_evidence_is_a_cell_of_its_lesson():
    cells = {
        source.stem: {cell.id for cell in assemble(source, "en").cells if cell.cell_type == "code"}
        for source in lesson_sources()
    }
    for entry in all_questions().values():
        for evidence in entry.evidence:
            lesson, cell = evidence.split("#")
            assert lesson not in cells or cell in cells[lesson], f"{entry.id}: no code cell {evidence}"


@cache
def outputs(evidence: str) -> list:
    """What the evidence's cell of the committed English edition printed and drew."""
    lesson, cell = evidence.split("#")
    notebook = nbformat.read(NOTEBOOKS / "en" / f"{lesson}.ipynb", as_version=4)
    (found,) = (each for each in notebook.cells if each.id == cell)
    return found.outputs


def printed(evidence: str) -> str:
    """What the evidence's cell prints, in words."""
    shown = [each.get("text") or each.get("data", {}).get("text/plain", "") for each in outputs(evidence)]
    return without_commas("\n".join(shown))


def test_evidence_is_something_that_can_be_seen():
    for entry in all_questions().values():
        assert all(map(outputs, entry.evidence)), entry.id


def without_commas(text: str) -> str:
    """3,000 as 3000, which is how Chinese writes it."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", text)


def occurs(number: str, text: str) -> bool:
    return bool(re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.]*\d)", text))


def sentences(text: str) -> list[str]:
    """The sentences of an answer in either language, without formulas, code and years."""
    prose = re.sub(r"\$[^$]*\$|```.*?```|`[^`]*`", "", without_commas(text), flags=re.DOTALL)
    return re.split(r"(?<=[.?!。？！])\s*(?!\d)", prose)


def claims():
    """(question, sentence) for every sentence of every answer, in both languages."""
    for entry in all_questions().values():
        for text in (entry.answer_short, entry.answer_deep, entry.traps):
            for side in text:
                yield from ((entry, sentence) for sentence in sentences(side))


def unprinted_numbers(sentence: str, evidence: tuple[str, ...]) -> list[str]:
    """The numbers of a sentence about lessons that no cell of the evidence in those lessons prints."""
    lessons = {en or zh for en, zh in LESSON.findall(sentence)}
    shown = " ".join(printed(each) for each in evidence if each[:2] in lessons)
    said = NUMBER.findall(re.sub(rf"{LESSON.pattern}|(?<!\d)(?:19|20)\d\d(?!\d)", "", sentence))
    return [number for number in said if not occurs(number, shown)]


def test_a_number_from_a_lesson_is_printed_by_a_cell_of_the_evidence():
    for entry, sentence in claims():
        if LESSON.search(sentence):
            assert not (missing := unprinted_numbers(sentence, entry.evidence)), (entry.id, missing, sentence)


@pytest.mark.parametrize("sentence", ["In lesson 02 it lost 987 points.", "第02课里丢了987个百分点。"])
def test_a_number_that_no_cell_prints_is_found(sentence):
    assert unprinted_numbers(sentence, ("02_temperature#t-squared",)) == ["987"]


def test_a_gain_beside_evidence_is_printed_there_or_names_its_source():
    for entry, sentence in claims():
        if entry.evidence and not LESSON.search(sentence) and not ELSEWHERE.search(sentence):
            shown = " ".join(map(printed, entry.evidence))
            missing = [number for number in GAIN.findall(sentence) if not occurs(number, shown)]
            assert not missing, (entry.id, missing, sentence)


def test_a_number_from_the_projects_record_stands_there():
    record = without_commas(RECORD.read_text("utf-8"))
    for entry, sentence in claims():
        if re.search(r"this project's record|本项目的记录", sentence):
            for number in GAIN.findall(sentence):
                assert occurs(number, record), (entry.id, number)


def test_both_languages_quote_the_same_percentages():
    for entry in all_questions().values():
        for text in (entry.answer_short, entry.answer_deep, entry.traps):
            english, chinese = (
                sorted(re.findall(r"(\d+(?:\.\d+)?) ?%", re.sub(r"\$[^$]*\$", "", side))) for side in text
            )
            assert english == chinese, entry.id
