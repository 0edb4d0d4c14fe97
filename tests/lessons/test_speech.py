"""Code that speaks to a person speaks the page's language alone."""

import io
from functools import partial

import pytest

from kd_solutions.support.errors import StudyError
from kd_study.lessons.speech import in_language

CELL = """x = 3
print(
    say(
        f"{x} points; "  # a comment
        f"{x + 1} more",
        f"{x}个百分点，"
        f"再加{x + 1}个",
    )
)
label = say("teacher", "教师模型") + say("!", "！")
"""


def test_each_edition_says_its_own_sentence():
    english, chinese = (in_language([CELL], language)[0] for language in ("en", "zh"))
    assert "points" in english and "百分" not in english and "say" not in english
    assert "个百分点，" in chinese and "points" not in chinese and "say" not in chinese
    assert 'label = "教师模型" + "！"' in chinese


def test_what_is_left_does_what_it_did():
    for language, expected in (("en", "3 points; 4 more\n"), ("zh", "3个百分点，再加4个\n")):
        said = io.StringIO()
        exec(in_language([CELL], language)[0], {"print": partial(print, file=said)})
        assert said.getvalue() == expected


def test_several_lines_outside_a_call_stay_one_value():
    (cell,) = in_language(['text = say(\n    "a"\n    "b",\n    "甲"\n    "乙",\n)'], "zh")
    space = {}
    exec(cell, space)
    assert space["text"] == "甲乙"


def test_code_that_says_nothing_is_left_as_it_is():
    assert in_language(["x=1 # odd", CELL, "y  =  2"], "en")[::2] == ["x=1 # odd", "y  =  2"]


@pytest.mark.parametrize("cell", ['say("one")', 'say("a", zh="b")', 'f\'{say("a", "b")}\''])
def test_a_say_that_cannot_be_resolved_is_refused(cell):
    with pytest.raises(StudyError, match="say"):
        in_language([cell], "en")
