"""The editions for a class: nothing given away, nbgrader's marks, slides, handouts without a network."""

import ast
import json
import re
from functools import cache

import nbformat
import pytest

from kd_solutions.support.language import LANGUAGES
from kd_study.exercises.catalog import NAMES, exercise
from kd_study.exercises.stubs import solved_source, stub_source, whiteboard_source
from kd_study.grading.grade import grade
from kd_study.lessons import for_a_class, handouts, workshop
from kd_study.lessons.comments import comments, unwrapped
from kd_study.lessons.for_a_class import instructor, read_page, student, workshop_sources
from kd_study.lessons.outline import LESSON_OF, LESSONS
from kd_study.lessons.parts import parts
from kd_study.lessons.plain_calls import plain_call
from kd_study.lessons.slides import _beginning, slides
from kd_study.questions import all_questions

SOURCES = {path.stem: path for path in workshop_sources()}
OF = {lesson.name: lesson for lesson in LESSONS}
SHORT = 12  # signs: a line of code or a phrase that is shorter says nothing
every_page = pytest.mark.parametrize(
    ("name", "language"), [(name, language) for name in SOURCES for language in LANGUAGES]
)
every_lesson = pytest.mark.parametrize(
    ("name", "language"), [(name, language) for name in OF for language in LANGUAGES]
)
page = cache(lambda name, language: read_page(SOURCES[name], language))
for_students = cache(lambda *which: student(page(*which)))
for_instructors = cache(lambda *which: instructor(page(*which)))
shown_as_slides = cache(lambda name, language: slides(page(name, language), OF[name]))
handed_home = cache(lambda *which: handouts.html(page(*which), set(OF)))


def words_in(content) -> str:
    """Every text of a notebook, wherever it stands: cells, outputs, metadata, attachments."""
    if isinstance(content, dict):
        return "\n".join(words_in(each) for pair in content.items() for each in pair)
    if isinstance(content, list | tuple):
        return "\n".join(map(words_in, content))
    return content if isinstance(content, str) else ""


def code_lines(text: str) -> set[str]:
    """Lines that do something, without docstrings; each also as Python itself would write it."""
    tree, described = ast.parse(text), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            removed = node.body.pop(0)
            described |= set(range(removed.lineno, removed.end_lineno + 1))
    written = [line for number, line in enumerate(text.splitlines(), 1) if number not in described]
    lines = {line.strip() for line in [*written, *ast.unparse(tree).splitlines()]}
    kept = {line for line in lines if len(line) >= SHORT and re.search(r"[(\[=*/+]| - ", line)}
    return {line for line in kept if not re.match("import |from |def |class ", line)}


@cache
def handed_out() -> str:
    """What everybody may read: each stub, and the code that questions ask about."""
    stubs = [stub_source(exercise(name), language) for name in NAMES for language in LANGUAGES]
    asked = [getattr(each.question, language) for each in all_questions().values() for language in LANGUAGES]
    return "\n".join([*stubs, *asked])


@cache
def answers_in_code() -> frozenset[str]:
    """The lines of every exercise's reference and of its answer at a whiteboard."""
    texts = [text(exercise(name)) for name in NAMES for text in (solved_source, whiteboard_source)]
    lines = set().union(*(code_lines(text) for text in texts if text))
    return frozenset(line for line in lines if line not in handed_out() and line != "raise ValueError(")


@cache
def answers_in_words() -> frozenset[str]:
    """Every hint, known mistake and discussion, and every answer of the bank, line by line."""
    texts = []
    for task in map(exercise, NAMES):
        texts += [
            *task.sheet.hints,
            task.sheet.discussion,
            *(each.explanation for each in task.wrong_answers),
        ]
    for asked in all_questions().values():
        texts += [*asked.points, asked.answer_deep, asked.traps]
    lines = {
        line.strip(" -") for text in texts for code in LANGUAGES for line in getattr(text, code).splitlines()
    }
    return frozenset(line for line in lines if len(line) >= SHORT and line not in handed_out())


def given_away(text: str) -> list[str]:
    """The answers, in code or words, that stand in a text."""
    return [answer for answer in (*answers_in_code(), *answers_in_words()) if answer in text]


def released(cell):
    """A cell of the instructor edition as nbgrader's `generate_assignment` documents to hand it out."""
    text = re.sub(r"\n### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", "", cell.source, flags=re.DOTALL)
    stub = "raise NotImplementedError" if cell.cell_type == "code" else "YOUR ANSWER HERE"
    region = r"(?m)^( *)\S*? ?### BEGIN SOLUTION.*?### END SOLUTION(?: -->)?$"
    return cell.id, re.sub(region, rf"\1{stub}", text, flags=re.DOTALL)


@every_page
def test_a_student_edition_gives_nothing_away_and_is_what_nbgrader_would_hand_out(name, language):
    edition = for_students(name, language)
    nbformat.validate(edition)
    assert given_away(words_in(edition)) == []
    assert not any(cell.get("outputs") for cell in edition.cells)
    assert [(cell.id, cell.source) for cell in edition.cells] == list(
        map(released, for_instructors(name, language).cells)
    )


@every_lesson
def test_slides_and_handout_give_no_exercise_away(name, language):
    shown = shown_as_slides(name, language)
    nbformat.validate(shown)
    told = [answer for answer in answers_in_code() if answer in words_in(shown)]
    assert told == []
    assert given_away(handed_home(name, language)) == []


def test_the_search_finds_what_an_instructor_edition_holds():
    held = words_in(for_instructors("01_soft_labels", "en"))
    for name in OF["01_soft_labels"].exercises:
        written = {line.strip() for line in solved_source(exercise(name)).splitlines()}
        found = written & answers_in_code()
        assert found and all(line in held for line in found)
    assert any(line in held for line in answers_in_words())


@every_page
def test_every_mark_is_of_nbgraders_third_schema(name, language):
    for edition in (for_students(name, language), for_instructors(name, language)):
        ids = [cell.metadata.nbgrader.grade_id for cell in edition.cells if "nbgrader" in cell.metadata]
        assert len(ids) == len(set(ids))
        for cell in edition.cells:
            if "nbgrader" in cell.metadata:
                valid(cell)


def valid(cell) -> None:
    """What nbgrader's nbgraderformat/v3.json and v3.py ask of a cell."""
    mark = cell.metadata["nbgrader"]
    assert mark["schema_version"] == 3 and re.fullmatch(r"[a-zA-Z0-9_-]+", mark["grade_id"])
    assert mark.keys() <= {"schema_version", "grade_id", "grade", "solution", "locked", "task", "points"}
    assert all(type(mark[flag]) is bool for flag in ("grade", "solution", "locked", "task"))
    assert ("points" in mark) == mark["grade"] and mark.get("points", 0) >= 0
    assert not mark["task"] and (cell.cell_type == "code" or mark["grade"] == mark["solution"])


@pytest.mark.parametrize("name", LESSON_OF)
def test_an_exercise_is_a_solution_a_check_that_earns_points_and_what_goes_on(name):
    edition = for_instructors(LESSON_OF[name].name, "en")
    cells = {cell.id: cell for cell in edition.cells}
    stub, checked, used = (cells[f"{name}-{part}"] for part in ("stub", "check", "use"))
    assert checked.metadata.nbgrader.grade and checked.metadata.nbgrader.locked
    assert f"earned({name}, points={checked.metadata.nbgrader.points})" in checked.source
    assert used.metadata.nbgrader.locked
    if exercise(name).stub:
        assert stub.source == stub_source(exercise(name)) and "nbgrader" not in stub.metadata
        return
    assert stub.metadata.nbgrader.solution
    space: dict = {}
    exec(stub.source, space)
    assert grade(space[name]).status == "passed"


def test_an_instructor_finds_what_goes_wrong_and_the_reference_of_what_is_to_be_mended():
    cells = {cell.id: cell.source for cell in for_instructors("03_the_loop", "zh").cells}
    task = exercise("repair_the_loop")
    notes = cells["repair_the_loop-check"]
    assert (
        notes.index("会错在哪里") < notes.index("提示1") < notes.index("做完之后") < notes.index("参考答案")
    )
    assert all(wrong.name in notes for wrong in task.wrong_answers)
    assert not [line for line in notes.splitlines() if len(line) > 110]


@every_lesson
def test_slides_step_by_one_key_and_lose_no_code(name, language):
    shown = shown_as_slides(name, language)
    kinds = [cell.metadata["slideshow"]["slide_type"] for cell in shown.cells]
    assert set(kinds) <= {"slide", "fragment", "-", "notes", "skip"} and kinds[0] == "slide"
    assert shown.metadata.rise["scroll"] and len({cell.id for cell in shown.cells}) == len(shown.cells)
    ids = {cell.id for cell in shown.cells}
    for cell, part in parts(page(name, language).built):
        if part.kind in ("stub", "use", "check", "language"):
            assert cell.id in ids
        if part.kind == "code":
            assert {cell.id, f"{cell.id[:50]}-plain"} & ids
    for cell, kind in zip(shown.cells, kinds, strict=True):
        if cell.cell_type == "code":
            assert plain_call(cell.source) is None, "a widget, which these slides can't show"
            if any("image/png" in output.get("data", {}) for output in cell.outputs):
                assert kind == "slide" and "jupyter" not in cell.metadata  # to be run from the slide
        assert not re.search(r"\]\(\w+\.ipynb", cell.source) or cell.cell_type == "code"


@every_lesson
def test_a_handout_asks_no_network_for_anything(name, language):
    text = handed_home(name, language)
    assert not re.search(r"<script|<link|<iframe|@import|url\(|\bsrc=\"(?!data:)", text)
    assert "FORMULA" not in text and not re.search(
        r"\$\$|\$[A-Za-z\\]", re.sub(r"<pre.*?</pre>", "", text, flags=re.S)
    )
    assert set(re.findall(r'href="(\w+)\.html"', text)) <= set(OF) and ".ipynb" not in text
    assert all("alt=" in found for found in re.findall(r"<img[^>]*>", text))
    assert f'<html lang="{language}">' in text and "NotImplementedError" in text or not OF[name].exercises


def test_all_of_a_lesson_is_written_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.setattr(handouts, "browser", lambda: None)
    said = workshop.build_with_progress(["00"], tmp_path)
    assert len(said) == 1 and "Chromium" in said[0]
    for language in LANGUAGES:
        for edition, suffix in (
            ("student", "ipynb"),
            ("instructor", "ipynb"),
            ("slides", "ipynb"),
            ("handouts", "html"),
        ):
            assert (tmp_path / edition / language / f"00_start.{suffix}").is_file()
        assert "img" in (tmp_path / "slides" / language / "rise.css").read_text()
    kept = json.loads((tmp_path / "slides" / "en" / "00_start.ipynb").read_text("utf-8"))
    assert kept["metadata"]["rise"]["scroll"] is True


def test_a_browser_prints_each_handout_or_is_named(tmp_path, monkeypatch):
    printer = tmp_path / "chromium"
    printer.write_text(
        '#!/bin/sh\nfor each; do case $each in --print-to-pdf=*) echo pdf > "${each#*=}";; esac; done\n'
    )
    printer.chmod(0o755)
    monkeypatch.setattr(handouts, "browser", lambda: str(printer))
    assert workshop.build_with_progress(["15"], tmp_path / "out") == []
    assert (tmp_path / "out/handouts/zh/15_mock_interview.pdf").read_text() == "pdf\n"
    printer.write_text("#!/bin/sh\nexit 1\n")
    (said,) = workshop.build_with_progress(["15"], tmp_path / "again")
    assert "en/15_mock_interview.html" in said and "zh/15_mock_interview.html" in said


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "mine = guess(low=30, high=90)\nmine",
            ("mine = guess(low=30, high=90)", "room(mine, {30: 0, 45: 0, 60: 0, 75: 0, 90: 0})"),
        ),
        (
            "a = 1\nDial(lambda x: draw(x), 'x', (0, 1), start=0)",
            ("a = 1", "_ = (lambda x: draw(x))(0)  # 0, 1"),
        ),
        ("try_commands(answer, 'a', examples=['a', 'b'])", ("", "show_answers(answer, ['a', 'b'])")),
        ("mine = guess()\nother", None),
        ("print(1)", None),
        ("%matplotlib inline", None),
    ],
)
def test_a_widget_has_a_plain_call(source, expected):
    assert plain_call(source) == expected


def test_a_slide_holds_the_beginning_of_prose_its_list_and_whole_quotations():
    text = "Four rivals:\n- one\n- two\n\n" + "Many words stand here. " * 20
    assert (
        _beginning(text, "en", 12)
        == "Four rivals:\n\n- one\n- two\n\nMany words stand here. Many words stand here."
    )
    said = '"A label is a label. What else?" says a colleague. And goes on.'
    assert _beginning(said, "en", 4) == '"A label is a label. What else?" says a colleague.'
    assert (
        _beginning("同事说：“标签就是标签。别的呢？”他走了。又说：好。", "zh", 3)
        == "同事说：“标签就是标签。别的呢？”他走了。"
    )
    assert _beginning("第一行，\n第二行。", "zh", 50) == "第一行，第二行。"


def test_comments_are_no_wider_than_a_screen_and_leave_code_alone():
    code = "```python\n" + "x = 1  # " + "long " * 40 + "\n```"
    assert comments(code).splitlines()[1] == ("# " + code.splitlines()[1]).rstrip()
    assert comments("word " * 60).count("\n") == 2
    assert comments("中文，" * 60).count("\n") == 3 and "\n# ，" not in comments("中文，" * 60)
    assert unwrapped("one\ntwo\n\n- a\n- b\n\n蒸馏\n学生") == "one two\n\n- a\n- b\n\n蒸馏学生"


def test_prose_that_shows_an_answer_is_withheld():
    prose = "Replace it by\n\n```python\nreturn 1\n```\n\nand run it."
    assert for_a_class.withheld(prose, ["def f():\n    return 1"], "en").count("instructor") == 1
    assert for_a_class.withheld(prose, ["def f():\n    return 2"], "en") == prose
