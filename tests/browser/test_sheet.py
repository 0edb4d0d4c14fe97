"""The cheat sheet, printed by Chromium: two pages of A4, and nothing beyond them."""

import re
import shutil

import pytest
from playwright.sync_api import sync_playwright

from kd_solutions.support import language
from kd_study.cli.sheet import sheet

BEYOND = """
    () => [...document.querySelectorAll(".page")].map(page => {
        const edge = page.getBoundingClientRect()
        return [...page.querySelectorAll("h1, h2, p, li, dt, dd, pre, svg")]
            .map(part => part.getBoundingClientRect())
            .filter(box => box.right > edge.right + 1 || box.bottom > edge.bottom + 1).length
    })
"""


@pytest.mark.parametrize("code", language.LANGUAGES)
def test_it_prints_on_two_pages(code, tmp_path, monkeypatch):
    monkeypatch.setattr(language, "_current", code)
    sheet(str(tmp_path))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto((tmp_path / f"cheat-sheet.{code}.html").as_uri())
        page.emulate_media(media="print")
        assert page.evaluate(BEYOND) == [0, 0]
        printed = page.pdf(prefer_css_page_size=True)
        browser.close()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
