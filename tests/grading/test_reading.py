"""Notebooks and files as they come in, damaged in the ways in which people damage them."""

import ast
import json

import pytest

from benchmarks.classes import ANSWERS, DAMAGES, notebook, right
from kd_solutions.support.language import use_language
from kd_study.exercises.catalog import exercise
from kd_study.exercises.stubs import stub_source
from kd_study.grading.loading import Source
from kd_study.grading.reading import Cell, Unreadable, language_in, pieces, read, sides
from kd_study.grading.submissions import grade_file

RIGHT = """import torch.nn.functional as F
def soft_targets(logits, temperature=1.0):
    if not temperature > 0:
        raise ValueError(temperature)
    return F.softmax(logits / temperature, dim=-1)
"""
WRONG = "def soft_targets(logits, temperature=1.0):\n    return logits.softmax(-1)\n"


def book(*cells, **more):
    """A notebook's text; a cell is its code, or a dict."""
    cells = [cell if isinstance(cell, dict) else {"cell_type": "code", "source": cell} for cell in cells]
    return json.dumps({"cells": cells, **more})


def grades(path, text):
    path.write_text(text, "utf-8")
    graded = grade_file(path)
    assert graded.problems == []
    return {report.exercise: report.status for report in graded.reports}, " ".join(map(str, graded.remarks))


@pytest.mark.parametrize("damage", [name for name in DAMAGES if name not in ("half", "empty", "garbage")])
def test_a_damaged_lesson_still_holds_every_answer(tmp_path, damage):
    path = tmp_path / "01.ipynb"
    path.write_text(DAMAGES[damage](notebook({name: right(name) for name in ANSWERS})), "utf-8")
    source = Source(path)
    assert source.found == list(ANSWERS) and source.problems == []
    (definition,) = [one for one in source.statements if one.defines == {"kd_loss"}][-1:]
    text = ast.unparse(definition.node)
    assert "NotImplementedError" not in text and "0.7" not in text
    assert source.language == "en"


def test_a_notebook_saved_half_keeps_the_cells_that_are_whole(tmp_path):
    text = book(RIGHT, "x = 1", "def kd_loss(s):\n    return s")
    found, remark = grades(tmp_path / "half.ipynb", text[: text.index("def kd_loss") + 5])
    assert found == {"soft_targets": "passed"} and "2 cells that are whole" in remark


def test_a_notebook_with_a_hole_is_read_on_both_sides_of_it(tmp_path):
    text = book(RIGHT, "lost", "logits = 2")
    broken = text.replace('{"cell_type": "code", "source": "lost"}', '{"cell_type": "code", "sou\n rce": [,')
    path = tmp_path / "hole.ipynb"
    path.write_text(broken)
    assert [cell.code.strip() for cell in read(path).cells] == [RIGHT.strip(), "logits = 2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("[]", "no cells"),
        ('{"cells": 3}', "no cells"),
        ("[" * 100_000, "no notebook"),
        ('{"cells": [{"cell_type": "co', "no notebook"),
    ],
)
def test_what_is_no_notebook_is_said_in_both_languages(tmp_path, text, message):
    path = tmp_path / "none.ipynb"
    path.write_text(text)
    with pytest.raises(Unreadable, match=message) as caught:
        read(path)
    assert caught.value.text.zh != caught.value.text.en


def test_cells_of_every_age_and_editor_are_read(tmp_path):
    for cells in (
        {"worksheets": [{"cells": [{"cell_type": "code", "input": RIGHT}]}]},
        {"cells": [{"source": RIGHT.splitlines(keepends=True), "outputs": []}, 3, {"source": None}]},
        {"cells": [{"cell_type": "code", "source": RIGHT.splitlines()}]},
        {"cells": [{"cell_type": "raw", "source": RIGHT}], "metadata": 7},
        {"cells": [{"cell_type": "code", "source": RIGHT}], "metadata": {"kernelspec": {"name": "julia"}}},
    ):
        assert grades(tmp_path / "mine.ipynb", json.dumps(cells))[0] == {"soft_targets": "passed"}


def test_prose_with_code_in_it_stays_prose(tmp_path):
    prose = {"cell_type": "markdown", "source": f"So one might write\n\n```python\n{WRONG}```"}
    assert grades(tmp_path / "mine.ipynb", book(RIGHT, prose)) == ({"soft_targets": "passed"}, "")


@pytest.mark.parametrize("cut", ["\n    return", "\n    if", "\n        raise"])
def test_a_function_split_over_cells_is_one(tmp_path, cut):
    first, second = RIGHT.split(cut)
    found, remark = grades(tmp_path / "mine.ipynb", book(first, f"{cut[1:]}{second}", "x = 1"))
    assert found == {"soft_targets": "passed"} and "joined" in remark


def test_cells_that_stand_by_themselves_are_never_joined(tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text(book(WRONG, "    def soft_targets(x):\n        return x", "def kd_loss(:", "y = 2"))
    assert [cell.number for cell in read(path).cells] == [1, 2, 3, 4]


def test_a_stub_does_not_hide_an_answer_above_it(tmp_path):
    stub, chinese = (stub_source(exercise("soft_targets"), code) for code in ("en", "zh"))
    bare = "def soft_targets(logits, temperature=1.0):\n    raise NotImplementedError"
    for last in (stub, chinese, bare):
        assert grades(tmp_path / "mine.ipynb", book(RIGHT, last))[0] == {"soft_targets": "passed"}
    assert grades(tmp_path / "mine.ipynb", book(bare, stub))[0] == {"soft_targets": "todo"}
    assert grades(tmp_path / "mine.ipynb", book(RIGHT, WRONG))[0] == {"soft_targets": "failed"}
    mended = stub_source(exercise("debug_shrinking_loss"))
    path = tmp_path / "mine.py"
    path.write_text(f"{mended}\n\ndef debug_shrinking_loss(*a):\n    return 1\n\n{mended}")
    assert len([one for one in Source(path).statements if "debug_shrinking_loss" in one.defines]) == 1


def test_a_notebook_whose_imports_were_deleted_is_lent_the_usual_ones(tmp_path):
    lost = RIGHT.split("\n", 1)[1]
    found, remark = grades(tmp_path / "mine.ipynb", book(lost))
    assert found == {"soft_targets": "passed"} and "imports F" in remark
    assert grades(tmp_path / "mine.py", lost)[0] == {"soft_targets": "failed"}
    assert grades(tmp_path / "mine.ipynb", book("F = None", lost))[0] == {"soft_targets": "failed"}


MARKED = "a\n<<<<<<< HEAD\nours\n{base}=======\ntheirs\n>>>>>>> branch\nb\n=======\n"


@pytest.mark.parametrize("base", ["", "||||||| base\nold\n"])
def test_a_merges_sides_keep_every_line_in_its_place(base):
    lower, upper = sides(MARKED.format(base=base))
    gap = "\n\n" if base else ""
    assert lower == f"a\n\n\n{gap}\ntheirs\n\nb\n=======\n"
    assert upper == f"a\n\nours\n{gap}\n\n\nb\n=======\n"
    assert sides("a = '''\n=======\n'''") == ["a = '''\n=======\n'''"]


def test_a_merge_in_the_code_counts_by_its_upper_side(tmp_path):
    body = RIGHT.split("\n", 2)
    conflict = f"{body[0]}\n{body[1]}\n<<<<<<< HEAD\n{body[2]}=======\n    return logits\n>>>>>>> b\n"
    only_below = "<<<<<<< HEAD\nx = 1\n=======\ndef kd_loss(s):\n    raise NotImplementedError\n>>>>>>> b\n"
    for path, text in (
        (tmp_path / "mine.py", conflict + only_below),
        (tmp_path / "mine.ipynb", book(conflict, only_below)),
    ):
        found, remark = grades(path, text)
        assert found == {"soft_targets": "passed", "kd_loss": "failed"} and "markers of a merge" in remark


def test_one_broken_function_costs_the_others_nothing(tmp_path):
    broken = "def kd_loss(s:\n    return s\n"
    cut = "def csls(x):\n    return ("
    after = 'def helper():\n    """A text\nat the margin.\n    """\n    return 1\n\n@staticmethod\n'
    after += "def other(): pass\n"
    path = tmp_path / "mine.py"
    path.write_text(
        f"%matplotlib inline\n{broken}\n{RIGHT}\n{after}\nif True:\n    pass\nelse:\n    pass\n{cut}"
    )
    graded = grade_file(path)
    assert [(one.exercise, one.status) for one in graded.reports] == [("soft_targets", "passed")]
    assert [problem.names for problem in graded.problems] == [[], ["kd_loss"], ["csls"]]
    assert "line 2" in str(graded.problems[1]) and "not graded: kd_loss" in str(graded.problems[1])
    assert Source(path).statements[-1].place.en == "line 20"


def test_pieces_are_the_cell_line_by_line():
    cell = Cell("x = 1\n\ny = (\n1)\ndef f(:\n    pass\nz = 3", 4)
    found = pieces(cell)
    assert "\n".join(piece.code for piece in found) == cell.code
    assert found[-1].place(1).en == "line 7 of code cell 4" and found[-1].place(1).zh.startswith("第4个")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The teacher reads English only, and so it has to be told.", "en"),
        ("教师模型只懂英文，softmax之后再取log。", "zh"),
        ("x", ""),
        ("", ""),
    ],
)
def test_the_language_is_the_one_that_people_speak(text, language):
    assert language_in([text]) == language


def test_the_reports_language_is_the_files_own_where_it_is_asked_for(tmp_path):
    path = tmp_path / "mine.ipynb"
    for metadata, prose, language in (
        ({}, "这一节讲软标签：教师怎样把知识传给学生。", "zh"),
        ({"lang": "zh-CN"}, "This lesson is about soft labels and their teacher.", "zh"),
        ({"kd_study": {"language": "en"}}, "这一节讲软标签：教师怎样把知识传给学生。", "en"),
    ):
        path.write_text(book({"cell_type": "markdown", "source": prose}, WRONG, metadata=metadata), "utf-8")
        graded = grade_file(path, "")
        assert graded.language == language
        assert ("温度" in graded.reports[0].diagnosis.explanation) == (language == "zh")
    use_language("en")
    assert "temperature" in grade_file(path).reports[0].diagnosis.explanation


@pytest.mark.parametrize(
    "line",
    [
        "import kd_study.grading.guard as G",
        "import sys\nG = sys._getframe(0)",
        "from ctypes import c_int as G",
    ],
)
def test_a_file_that_looks_at_the_grader_is_told(tmp_path, line):
    path = tmp_path / "mine.py"
    path.write_text(f"{line}\n{RIGHT}\n    G\n".replace("    return", "    G\n    return"))
    assert Source(path).reaches_for_the_grader
    path.write_text(f"{line}\n{RIGHT}")
    assert not Source(path).reaches_for_the_grader


def test_an_answer_counts_though_its_name_means_something_else_in_the_end(tmp_path):
    path = tmp_path / "mine.ipynb"
    for after in (
        "from kd_solutions import soft_targets",
        "import torch\nsoft_targets = soft_targets(torch.zeros(2, 3))",
        "from kd_solutions import *\nsoft_targets = 3",
    ):
        assert grades(path, book(RIGHT, after))[0] == {"soft_targets": "passed"}
    path.write_text(book(RIGHT, "soft_targets = soft_targets(lost)"))
    graded = grade_file(path)
    assert [one.status for one in graded.reports] == ["passed"] and "'lost'" in str(graded.problems[0])
