"""Hints and solutions are read in a terminal: formulas in plain signs, Markdown rendered, lines wrapped."""

import os
import re
import subprocess
import sys

import pytest

from kd_study.cli.markdown import readable_math
from kd_study.exercises.catalog import NAMES, sheet
from kd_study.questions.bank import all_questions


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        (r"$T^2 \, \mathrm{KL}(p^{(T)} \,\|\, q^{(T)})$", "T² KL(p⁽ᵀ⁾ ‖ q⁽ᵀ⁾)"),
        (r"$$\frac{1}{N} \sum_n p_{ni}$$", "1/N Σ_n p_ni"),
        (r"$\frac{\partial L}{2C}$", "(∂ L)/(2C)"),
        (r"$\tfrac12 \bar x$", "1/2 x̄"),
        (r"$A^\top \in \mathbb{R}^{N \times N}$", "Aᵀ ∈ R^(N × N)"),
        (r"$q_{(k)}, p_{n,\text{tail}}$", "q_(k), p_(n,tail)"),
        ("`$KD_STUDY_HOME` and `$x`", "`$KD_STUDY_HOME` and `$x`"),
        ("```\n$T^2$\n```", "```\n$T^2$\n```"),
        ("5 $ is no formula", "5 $ is no formula"),
    ],
)
def test_formulas_become_plain_signs(markdown, plain):
    assert readable_math(markdown) == plain


def every_text():
    for name in NAMES:
        page = sheet(name)
        for text in (page.statement, *page.hints, page.discussion):
            yield from text
    for question in all_questions().values():
        for text in (question.question, question.answer_short, question.answer_deep, question.traps):
            yield from text


def test_no_formula_of_ours_keeps_its_tex():
    code = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
    for text in every_text():
        prose = code.sub("", readable_math(text))
        assert "\\" not in prose and "$" not in prose, text


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "kd_study", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    ).stdout


def test_a_terminal_shows_it_rendered_and_wrapped(tmp_path):
    home = {"KD_STUDY_HOME": str(tmp_path), "KD_STUDY_LANGUAGE": "zh"}
    shown = run("hint", "kd_loss", "2", FORCE_COLOR="1", COLUMNS="60", **home)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "`" not in plain and "**" not in plain and "F.cross_entropy" in plain
    wide = sum(1 for line in plain.splitlines() if len(line) > 60)
    assert not wide and len(plain.splitlines()) > 4
    solution = re.sub(
        r"\x1b\[[0-9;]*m", "", run("solution", "kd_loss", FORCE_COLOR="1", COLUMNS="90", **home)
    )
    assert "```" not in solution and "def kd_loss(" in solution
    assert not re.search("[\u4e00-\u9fff，。] +[\u4e00-\u9fff]", solution)


def test_a_pipe_gets_the_markdown_as_it_is(tmp_path):
    shown = run("solution", "kd_loss", KD_STUDY_HOME=str(tmp_path))
    assert shown.startswith("**At the whiteboard**\n\n```python\n") and "\x1b" not in shown


def test_an_exercise_is_a_file_without_tex():
    for name in ("kd_loss", "dist_loss", "debug_woken_teacher"):
        shown = run("exercise", name)
        compile(shown, name, "exec")
        assert "\\" not in shown.split("\n\n")[0]
