"""The start page in a real browser: run all cells, type a command, click an example, move a slider.

Needs Debian's chromium and fonts-noto-cjk; run with `make browser-test`. Screenshots go to build/browser/.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import sync_playwright

from kd_solutions.support.language import LANGUAGES
from kd_solutions.support.paths import cache_folder
from kd_study.lessons.editions import NOTEBOOKS

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
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"
PAGE = "00_start.ipynb"
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false"},  # its pop-up would cover the page
    "notebook-extension/tracker": {"windowingMode": "none"},  # every cell is in the page, seen or not
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab that serves a copy of the notebooks, with settings of its own."""
    home = tmp_path_factory.mktemp("lab")
    for language in LANGUAGES:
        copy_without_outputs(NOTEBOOKS / language / PAGE, home / "workspace" / language / PAGE)
    for name, values in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    port = free_port()
    options = [
        "--no-browser",
        f"--port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}",
        "--LabApp.expose_app_in_browser=True",
    ]
    if os.geteuid() == 0:
        options.append("--allow-root")
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "KD_STUDY_HOME": str(home / "study"),
        "KD_STUDY_CACHE": str(cache_folder()),
    }
    with open(home / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *options],
            cwd=home / "workspace",
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
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
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    page.set_default_timeout(60_000)
    page.goto(f"{lab}/doc/tree/{request.param}/{PAGE}?token={TOKEN}&reset")
    page.wait_for_function(f"{KERNEL}?.status === 'idle'")
    page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
    last = page.locator(".jp-CodeCell .jp-InputPrompt").last
    last.filter(has_text=re.compile(r"\[\d+\]")).wait_for(timeout=180_000)
    yield page
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"00_start-{request.param}.png")
    page.close()


def test_runs_without_an_error(page):
    prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
    assert prompts == [f"[{number}]:" for number in range(1, len(prompts) + 1)]
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').count() == 0
    assert page.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0


def test_a_typed_command_is_answered(page):
    box = page.locator(".jp-OutputArea .widget-text input").first
    answers = page.locator(".jp-OutputArea .widget-html-content").first
    box.scroll_into_view_if_needed()
    before = answers.inner_text()
    box.fill("kapcsold le a lámpát a konyhában")
    wait_for_change(answers, before)
    assert "Error" not in answers.inner_text()


def test_an_example_is_answered_at_a_click(page):
    answers = page.locator(".jp-OutputArea .widget-html-content").first
    box = page.locator(".jp-OutputArea .widget-text input").first
    box.scroll_into_view_if_needed()
    before = answers.inner_text()
    page.locator(".jp-OutputArea .widget-button").nth(1).click()
    wait_for_change(answers, before)
    assert box.input_value() == "取消计时器"


def test_a_moved_slider_is_read(page):
    handle = page.locator(".jp-OutputArea .noUi-handle").first
    label = page.locator(".jp-OutputArea .widget-hbox .widget-label").last
    handle.scroll_into_view_if_needed()
    before = label.inner_text()
    handle.press("ArrowRight")
    wait_for_change(label, before)
    assert any(character.isdigit() for character in label.inner_text())


def copy_without_outputs(source: Path, target: Path) -> None:
    notebook = nbformat.read(source, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)


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
