"""JupyterLab in a real browser, as `make study` sets it up: run all cells, type, click, slide, follow links.

Needs Debian's chromium and fonts-noto-cjk; run with `make browser-test`. Screenshots go to build/browser/.
"""

import secrets
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from kd_solutions.support.language import LANGUAGES
from kd_solutions.support.paths import cache_folder
from kd_study.exercises.catalog import NAMES
from kd_study.lessons.execute import build
from kd_study.lessons.links import cell_address, exercise_address
from kd_study.lessons.source import NOTEBOOKS, lesson_sources
from kd_study.setup.launch import SETTINGS, lab_command

SCREENSHOTS = NOTEBOOKS.parent / "build" / "browser"
TOKEN = secrets.token_hex(16)
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PAGE = "00_start"
CELLS = "window.jupyterapp.shell.currentWidget.content.widgets"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
PICTURE = f'{{output_type: "display_data", metadata: {{}}, data: {{"image/png": "{PIXEL}"}}}}'
READY = """
    () => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle"
"""
COUNTS = """
    () => window.jupyterapp.shell.currentWidget.content.widgets
        .filter(cell => cell.model.type === "code" && cell.model.sharedModel.source)
        .map(cell => cell.model.executionCount)
"""
OUTPUTS = """
    () => window.jupyterapp.shell.currentWidget.content.widgets
        .filter(cell => cell.model.type === "code")
        .flatMap(cell => cell.model.outputs.toJSON())
"""
IN_VIEW = """
    ([path, id]) => {
        const shown = window.jupyterapp.shell.currentWidget
        if (shown?.context?.path !== path) return false
        const cell = shown.content.widgets.find(cell => cell.model.id === id)
        if (!cell?.node.isConnected) return false
        const top = cell.node.getBoundingClientRect().top
        const pane = shown.content.node.getBoundingClientRect()
        return pane.top - 1 <= top && top < pane.bottom
    }
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with the course's settings, over notebooks that nobody ran yet."""
    home = tmp_path_factory.mktemp("lab")
    list(build(lesson_sources(), home / "workspace", run=False))
    port = free_port()
    options = [
        "--no-browser",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True",
    ]
    environment = {
        "JUPYTER_CONFIG_PATH": str(SETTINGS),
        "JUPYTER_PATH": str(SETTINGS),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "KD_STUDY_HOME": str(home),
        "KD_STUDY_CACHE": str(cache_folder()),
    }
    with pytest.MonkeyPatch.context() as patch, open(home / "log", "w") as log:
        for name, value in environment.items():
            patch.setenv(name, value)
        server = subprocess.Popen(lab_command(options), stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_for(f"http://127.0.0.1:{port}/api", server, home / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        yield running
        running.close()


@pytest.fixture(scope="module", params=LANGUAGES)
def page(request, lab, browser):
    """The start page in one language, with every cell executed."""
    page = opened(lab, browser, f"{request.param}/{PAGE}.ipynb")
    run(page, "notebook:run-all-cells")
    page.wait_for_function(f"({COUNTS})().every(Boolean)", timeout=600_000)
    yield page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"00_start-{request.param}.png")
    page.close()


def opened(lab: str, browser, path: str, view: str = "doc"):
    """A new browser page with that notebook, its kernel waiting; view: "lab" with the file list and tabs."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    page.goto(f"{lab}/{view}/tree/{path}?token={TOKEN}&reset")
    page.wait_for_function(READY)
    return page


def run(page, command: str) -> None:
    page.evaluate(f"void window.jupyterapp.commands.execute('{command}')")


def output_of(page, cell: str):
    """The output of a cell, brought into view."""
    page.evaluate(f"window.jupyterapp.shell.currentWidget.content.setFragment('#cell-id={cell}')")
    return page.locator(".jp-Cell.jp-mod-selected .jp-OutputArea")


def test_runs_without_an_error(page):
    counts = page.evaluate(COUNTS)
    assert counts == list(range(1, len(counts) + 1))
    for output in page.evaluate(OUTPUTS):
        assert output["output_type"] != "error" and output.get("name") != "stderr", output


def test_a_typed_command_is_answered(page):
    shown = output_of(page, "try-it")
    answers = shown.locator(".widget-html-content")
    before = answers.inner_text()
    shown.locator(".widget-text input").fill("kapcsold le a lámpát a konyhában")
    wait_for_change(answers, before)
    assert "Error" not in answers.inner_text()


def test_an_example_is_answered_at_a_click(page):
    shown = output_of(page, "try-it")
    answers = shown.locator(".widget-html-content")
    before = answers.inner_text()
    shown.locator(".widget-button").nth(1).click()
    wait_for_change(answers, before)
    assert shown.locator(".widget-text input").input_value() == "取消计时器"


def test_a_moved_slider_is_read(page):
    shown = output_of(page, "guess")
    label = shown.locator(".widget-hbox .widget-label").last
    before = label.inner_text()
    shown.locator(".noUi-handle").press("ArrowRight")
    wait_for_change(label, before)
    assert any(character.isdigit() for character in label.inner_text())


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_term_leads_to_its_place_in_the_glossary(lab, browser, language):
    page = opened(lab, browser, f"{language}/{PAGE}.ipynb")
    click(page, cell_address("glossary", "teacher"))
    page.wait_for_function(IN_VIEW, arg=[f"{language}/glossary.ipynb", "teacher"])
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_row_of_the_table_leads_to_its_exercise_near_or_far_or_in_its_lesson(lab, browser, language):
    for name, place in (("kd_loss", "exercises"), (NAMES[-1], "exercises"), ("kd_gradient", None)):
        address = exercise_address(name, place)
        page = opened(lab, browser, f"{language}/exercises.ipynb")
        for _ in range(3):  # the opening, the choice of the language, the table
            run(page, "notebook:run-cell-and-select-next")
        click(page, address)
        target, _ = address.split("#")
        page.wait_for_function(IN_VIEW, arg=[f"{language}/{target}", f"{name}-statement"])
        page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_is_found_by_its_words_and_reached_by_a_click(lab, browser, language):
    page = opened(lab, browser, f"{language}/questions.ipynb")
    for _ in range(3):  # the opening, the choice of the language, the box
        run(page, "notebook:run-cell-and-select-next")
    page.locator(".widget-text input").fill("batchmean")
    link = page.locator('.jp-OutputArea a[href$="#cell-id=mean-or-batchmean"]')
    page.locator(".jp-OutputArea li", has_text="batchmean").first.wait_for()
    link.first.click()
    page.wait_for_function(IN_VIEW, arg=[f"{language}/questions.ipynb", "mean-or-batchmean"])
    page.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_box_of_the_map_lies_on_its_place_and_leads_to_its_family(lab, browser, language):
    page = opened(lab, browser, f"{language}/16_map.ipynb")
    for _ in range(4):  # the opening, the choice of the language, what is to be seen, the map
        run(page, "notebook:run-cell-and-select-next")
    drawing = page.locator(".jp-OutputArea svg[role=img]")
    drawing.wait_for()
    box = page.locator('.jp-OutputArea a[href$="#cell-id=family-drafts"]').first
    frame, place = drawing.bounding_box(), box.bounding_box()
    assert frame["x"] < place["x"] < place["x"] + place["width"] < frame["x"] + frame["width"]
    assert frame["y"] < place["y"] < place["y"] + place["height"] < frame["y"] + frame["height"]
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"16_map-{language}.png")
    box.click()
    page.wait_for_function(IN_VIEW, arg=[f"{language}/16_map.ipynb", "family-drafts"])
    page.close()


def test_the_other_edition_opens_in_a_tab_that_names_its_language(lab, browser):
    page = opened(lab, browser, f"en/{PAGE}.ipynb", view="lab")
    page.locator(".jp-RenderedMarkdown a", has_text="中文").first.click()
    labels = page.locator('.lm-TabBar-tab[title*=".ipynb"] .lm-TabBar-tabLabel')
    labels.nth(1).wait_for()
    shown = labels.evaluate_all("found => found.map(label => getComputedStyle(label, '::after').content)")
    assert shown == ['" · en"', '" · zh"']
    page.locator(".jp-BreadCrumbs", has_text="zh").first.wait_for()
    page.close()


def test_a_picture_is_dark_in_a_dark_theme(lab, browser):
    page = opened(lab, browser, f"en/{PAGE}.ipynb")
    page.evaluate(
        "void window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
    )
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    page.evaluate(f"{CELLS}.find(cell => cell.model.type === 'code').model.outputs.add({PICTURE})")
    picture = page.locator(".jp-OutputArea img").first
    assert "invert(1)" in picture.evaluate("shown => getComputedStyle(shown).filter")
    page.evaluate(
        "void window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})"
    )
    page.wait_for_function("document.body.dataset.jpThemeLight === 'true'")
    assert picture.evaluate("shown => getComputedStyle(shown).filter") == "none"
    page.close()


def click(page, address: str) -> None:
    """Follow the first link to a page and cell; JupyterLab puts a query between the two."""
    target, cell = address.split("#")
    page.locator(f'a[href*="/{target}"][href$="#{cell}"]').first.click()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()}")


def wait_for_change(locator, before: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if locator.inner_text() != before:
            return
        time.sleep(0.1)
    pytest.fail(f"still reads {before!r}")
