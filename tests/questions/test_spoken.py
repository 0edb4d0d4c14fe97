"""A short answer can be said in a minute, formulas included."""

import re

import pytest

from kd_study.cli.markdown import readable_math
from kd_study.questions import all_questions

FORMULA = r"\$[^$]*\$"
LONGEST = 14  # signs of a formula that one can still say


@pytest.mark.parametrize(("language", "most"), [("en", 130), ("zh", 220)])
def test_a_short_answer_can_be_said_in_a_minute(language, most):
    for entry in all_questions().values():
        text = getattr(entry.answer_short, language)
        formulas = re.findall(r"\$[^$]*\$", text)
        words = re.sub(r"\$[^$]*\$", " ", text)
        count = len(re.findall(r"[\u4e00-\u9fff]|[A-Za-z0-9'’_-]+", words))
        spoken = count + sum(len(re.findall(r"\\?[A-Za-z]+|\d+", formula)) for formula in formulas)
        assert spoken <= most, (entry.id, spoken)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_formula_of_a_short_answer_is_too_long_to_be_said(language):
    for entry in all_questions().values():
        for formula in re.findall(FORMULA, getattr(entry.answer_short, language)):
            assert len(re.sub(r"\s", "", readable_math(formula))) <= LONGEST, (entry.id, formula)
