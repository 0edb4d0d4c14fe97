"""The minutes that a lesson states are those of the one rule, within a fifth."""

import re

import pytest

from kd_solutions.support.language import LANGUAGES
from kd_study.lessons.outline import LESSONS
from kd_study.lessons.source import NOTEBOOKS, lesson_sources
from kd_study.lessons.timing import LOOKED_AT, SKIMMED, SPOKEN, STUDIED, minutes

LESSON = """
# %% [markdown] lang="en"
# one two three, *four* five
# %% [markdown] lang="zh"
# 一二三，四五KL

# %% exercise="soft_targets"

# %% [markdown] question="what-is-kd"

# %%
print(
    say("one", "一")
)

# %% study=true
x = 1

y = 2
"""


def test_words_code_and_questions_take_their_time(tmp_path):
    path = tmp_path / "01_lesson.py"
    path.write_text(LESSON, encoding="utf-8")
    code = (
        SKIMMED + 2 * STUDIED + 2 * LOOKED_AT
    ) / 60  # the print fits on one line once it speaks one language
    assert minutes(path, "en") == pytest.approx(5 / 200 + SPOKEN + code)
    assert minutes(path, "zh") == pytest.approx(6 / 300 + SPOKEN + code)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_a_lesson_states_the_minutes_that_it_takes(lesson, language):
    (source,) = lesson_sources([lesson.name])
    counted = minutes(source, language)
    assert abs(lesson.minutes - counted) <= 0.2 * counted, f"{counted:.0f} minutes by the rule"
    opening = source.read_text("utf-8").split(f'# %% [markdown] lang="{language}"')[1]
    stated = re.search({"en": r"About (\d+) minutes", "zh": r"约(\d+)分钟"}[language], opening)
    assert int(stated[1]) == lesson.minutes


def test_every_lesson_is_timed():
    assert {lesson.name for lesson in LESSONS} == {
        path.stem for path in (NOTEBOOKS / "lessons").glob("[0-9]*.py")
    }
