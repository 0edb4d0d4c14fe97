"""Points ticked and cards answered in a real browser, by the keyboard alone, in each language."""

import pytest

from kd_solutions.support.language import LANGUAGES
from kd_study.memory.ticks import GRADES, MARKS
from tests.browser.test_lab import CELLS, browser, lab, opened, output_of, run

__all__ = ["browser", "lab"]
TICK = "what-is-kd-tick"


@pytest.fixture(params=LANGUAGES)
def page(request, lab, browser):
    """The page of all questions, its first code cell executed; and the language's place in a text."""
    page = opened(lab, browser, f"{request.param}/questions.ipynb")
    execute(page, "language")
    yield page, LANGUAGES.index(request.param)
    page.close()


def execute(page, cell: str):
    """Runs one cell; returns its output."""
    content = "window.jupyterapp.shell.currentWidget.content"
    page.evaluate(
        f"{content}.activeCellIndex = {content}.widgets.findIndex(each => each.model.id === '{cell}')"
    )
    run(page, "notebook:run-cell")
    return output_of(page, cell)


def test_points_are_ticked_by_buttons(page):
    page, language = page
    shown = execute(page, TICK)
    shown.locator(".widget-button").click()
    said = shown.get_by_role("button", name=MARKS["s"][language])
    said.nth(language).click()  # a point of its own: the answer that the other language began goes on here
    shown.get_by_text(("Recorded so far", "已记录")[language]).wait_for()
    assert shown.locator(".jp-RenderedMarkdown").count() >= 3


def test_cards_are_answered_by_keys_alone(page):
    page, language = page
    source = "from kd_study import review\\n\\nreview()"
    page.evaluate(f"{CELLS}.find(cell => cell.model.id === '{TICK}').model.sharedModel.setSource('{source}')")
    shown = execute(page, TICK)
    shown.locator(".widget-text input").click()
    for grade in (3, 1):
        shown.get_by_role("button", name=f"{grade} {GRADES[grade][language]}").wait_for(state="hidden")
        page.keyboard.press("Space")
        shown.get_by_role("button", name=f"{grade} {GRADES[grade][language]}").wait_for()
        page.keyboard.press(f"{grade}")
        shown.get_by_text((f"Recorded: {grade} (", f"已记录：{grade} (")[language]).wait_for()
