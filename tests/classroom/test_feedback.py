"""A student's page: what is right, the misconception, a fitting hint, where to read on; nothing foul."""

import re
from dataclasses import replace
from html import unescape

import pytest

from kd_study.classroom.feedback import feedback_page
from kd_study.classroom.marks import mark_class
from kd_study.exercises.catalog import NAMES, exercise, sheet
from kd_study.exercises.stubs import solved_source, whiteboard_source
from kd_study.grading.grade import Diagnosis
from tests.classroom.made import FOUL, report, submission

SHORTEST = 25  # signs of a reference's line that says something


def page(*reports, language="en", **more):
    (marks,) = mark_class([submission("ann/1.py", *reports, language=language, **more)])
    return feedback_page(marks)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["What is right", "What to mend", "looks like", "are swapped", "Hint 2 of 3", "Read on"]),
        ("zh", ["做对的", "要改的", "这很像", "互换了", "提示2/3", "接着读", "01 · 什么是蒸馏"]),
    ],
)  # fmt: skip
def test_it_names_the_misconception_a_hint_and_where_to_read_on(language, words):
    shown = page(report("kd_loss", mistake="swaps_the_weights", message="got 3"), language=language)
    assert f'<html lang="{language}">' in shown
    for word in words:
        assert word in shown, word
    assert "got 3" in shown and "forged" not in shown  # titles and explanations are ours


def test_it_speaks_the_students_language_whatever_the_teachers(monkeypatch):
    solved, failed = report("soft_targets", "passed"), report("kd_loss")
    assert "1 of 2 solved" in page(solved, failed) and "2题中通过1题" in page(solved, failed, language="zh")


@pytest.mark.parametrize(
    ("made", "hint"),
    [
        (report("kd_loss", "todo"), "Hint 1 of 3"),
        (report("kd_loss"), "Hint 2 of 3"),
        (report("kd_loss", "passed"), ""),
        (report("kd_loss", "passed", calls_reference=True), ""),
    ],
)
def test_the_hint_fits(made, hint):
    shown = page(made)
    assert re.findall(r"Hint \d of 3", shown) == ([hint] if hint else [])
    assert ("not counted as solved" in shown) == made.calls_reference


def test_a_named_mistake_in_one_check_needs_no_hint():
    made = report("kd_loss", mistake="takes_zero_for_not_given")
    for number, result in enumerate(made.results):
        made.results[number] = replace(result, passed=number > 0)
    assert "of 3" not in page(made) and "looks like" in page(made)


def test_what_could_not_be_read_is_said_above_and_below():
    shown = page(problems=[("line 3 is not valid Python", ["csls"])], remarks=["put right"], language="zh")
    assert "line 3 is not valid Python（中文）" in shown and "put right（中文）" in shown
    assert 'id="csls"' in shown and "无法批改" in shown


def test_an_empty_submission_gets_a_page_too():
    assert "No answer was found" in page()


def test_nothing_of_the_students_is_more_than_text():
    foul = report("kd_loss", message=f"`{FOUL}`\x1b[31m\u202e" + "x" * 9_000, printed=FOUL, remark=FOUL)
    (marks,) = mark_class(
        [submission(f"{FOUL.replace('/', '')}/1.py", foul, problems=[(FOUL, ["csls"])], remarks=[FOUL])]
    )
    shown = feedback_page(marks)
    assert (
        not re.search(r"<(script|img|iframe|object)", shown) and "\x1b" not in shown and "\u202e" not in shown
    )
    assert "default-src &#x27;none&#x27;" in shown or "default-src 'none'" in shown
    assert "x" * 2_000 not in shown


def test_it_needs_no_network():
    shown = page(*(report(name) for name in NAMES[:10]))
    assert not re.search(r"(?:src|href)=[\"'](?!#|https?:)|url\(|@import|<link|<script", shown)
    assert "Noto Sans CJK" in shown and "prefers-color-scheme: dark" in shown


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_line_of_a_reference_stands_on_any_page(language):
    for name in NAMES:
        task = exercise(name)
        handed_out = _squeezed(str(sheet(name).statement) + (task.reference.__doc__ or ""))
        lines = {
            line
            for source in (solved_source(task), whiteboard_source(task))
            for line in map(_squeezed, source.splitlines())
            if len(line) >= SHORTEST
            and line not in handed_out
            and not line.startswith(("import", "from", "def"))
        }
        every = [Diagnosis(wrong.name, "", None) for wrong in task.wrong_answers]
        shown = page(report(name, also=every, mistake=every[0].name), language=language)
        shown = _squeezed(shown + page(report(name, "todo"), language=language))
        for line in lines:
            assert line not in shown, (name, line)


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", unescape(text)).split("  #")[0])
