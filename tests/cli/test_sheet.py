"""The cheat sheet: one file in the reader's language with its formulas in it, saying what the bank says."""

import re

import pytest
import torch
import torch.nn.functional as F

import kd_solutions
from kd_solutions.support import language
from kd_solutions.support.errors import StudyError
from kd_study.cli.sheet import content, html, sheet
from kd_study.questions import question


@pytest.fixture(params=language.LANGUAGES)
def code(request, monkeypatch):
    monkeypatch.setattr(language, "_current", request.param)
    return request.param


def test_it_is_written_to_the_folder_in_the_readers_language(code, tmp_path, capsys):
    sheet(str(tmp_path))
    (path,) = tmp_path.iterdir()
    assert path.name == f"cheat-sheet.{code}.html" and str(path) in capsys.readouterr().out
    with pytest.raises(StudyError, match="nowhere"):
        sheet(str(tmp_path / "nowhere"))


def test_it_needs_no_network_and_no_font(code):
    text = html()
    assert not re.search(r"<script|<link|<img|\ssrc=|@import|url\((?!#)", text)
    assert not re.search(r'href="(?!#)', text) and "font-family" not in text
    assert (
        text.count("<svg") == text.count("</svg>") == len(content()["formulas"])
        and text.count('class="page"') == 2
    )


def test_no_formula_is_left_in_tex(code):
    labels = re.findall(r'aria-label="([^"]*)"', html())
    prose = re.sub(r"<svg.*?</svg>|<style>.*?</style>|<pre>.*?</pre>", "", html(), flags=re.DOTALL)
    assert len(labels) == len(content()["formulas"])
    for text in (*labels, prose):
        assert "\\" not in text and "$" not in text and "**" not in text


def test_it_says_what_the_bank_says(code):
    text = html()
    for name in content()["say_first"]:
        assert re.split(r"[`*$<&\n]", str(question(name).points[0]))[0].strip() in text, name
    assert text.count("✗ ") == len(content()["never_say"])


def test_it_stands_in_both_languages():
    texts = [content()["key"], *content()["reported"]]
    texts += [each[part] for each in content()["formulas"] for part in ("name", "note")]
    texts += [each[part] for each in content()["symptoms"] for part in ("seen", "cause")]
    assert all(text.keys() == set(language.LANGUAGES) for text in texts)


def test_the_code_is_the_loss():
    defined: dict = {"F": F}
    exec(content()["code"].partition("\n\n")[0], defined)
    student, teacher = torch.randn(5, 7), torch.randn(5, 7)
    labels = torch.randint(7, (5,))
    torch.testing.assert_close(
        defined["kd_loss"](student, teacher, labels),
        kd_solutions.kd_loss(student, teacher, labels, temperature=4.0, alpha=0.9),
    )
