"""The command line as a person meets it, and the way to JupyterLab."""

import json
import os
import subprocess
import sys
import threading
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from kd_solutions.support.errors import StudyError
from kd_study.setup import launch, style, workspace


def run(*arguments, **environment):
    command = [sys.executable, "-m", "kd_study", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment)


def test_help_lists_the_commands():
    shown = run("--help")
    assert shown.returncode == 0
    for command in ("study", "reset", "doctor", "assets", "build", "progress"):
        assert command in shown.stdout


def test_help_speaks_the_readers_language():
    shown = run("--help", KD_STUDY_LANGUAGE="zh")
    assert "批改" in shown.stdout and "Grade" not in shown.stdout
    assert "例如kd_loss" in run("hint", "--help", KD_STUDY_LANGUAGE="zh").stdout
    assert "Grade" in run("--help", KD_STUDY_LANGUAGE="en").stdout


def test_what_a_person_can_mend_is_one_sentence_and_exit_code_2(tmp_path):
    failed = run("reset", "no-such-lesson", KD_STUDY_HOME=str(tmp_path))
    assert failed.returncode == 2 and failed.stdout == ""
    assert "no-such-lesson" in failed.stderr and failed.stderr.count("\n") == 1


def test_a_terminal_that_knows_ascii_only_stops_nothing(tmp_path):
    shown = run("progress", KD_STUDY_HOME=str(tmp_path), PYTHONIOENCODING="ascii")
    assert shown.returncode == 0 and "agreement" in shown.stdout


def test_assets_are_named_on_standard_output():
    shown = run("assets")
    assert shown.returncode == 0 and shown.stderr == ""
    assert [line.split(":")[0] for line in shown.stdout.splitlines()] == [
        "teacher",
        "translations",
        "frontend",
    ]


def test_doctor_ends_with_1_where_something_is_wrong(tmp_path):
    failed = run("doctor", KD_STUDY_CACHE=str(tmp_path / "empty"))
    assert failed.returncode == 1 and "✗ teacher" in failed.stdout and "→" in failed.stdout


def test_importing_the_desk_is_quick():
    code = """
import sys, time
start = time.process_time()
import kd_study, kd_solutions, kd_study.notebook
assert time.process_time() - start < 0.3
heavy = {"torch", "transformers", "matplotlib", "ipywidgets", "numpy", "jupytext"} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture
def command(monkeypatch, tmp_path):
    """The command line that JupyterLab would be started with."""
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":0")
    started = []
    monkeypatch.setattr(os, "execv", lambda _, command: started.append(command))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")

    def start(*arguments):
        launch.open_lab(list(arguments))
        return started.pop()

    return start


def test_study_lays_the_lessons_down_and_opens_the_start_page(command, tmp_path):
    options = command("--port=8899", "--no-browser")
    assert options[-2:] == ["--port=8899", "--no-browser"]
    assert f"--ServerApp.root_dir={tmp_path / 'workspace'}" in options
    assert "--LabApp.default_url=/lab/tree/en/00_start.ipynb" in options
    assert "--allow-root" not in options and options.count("--no-browser") == 1
    published = {path.name for path in (workspace.NOTEBOOKS / "en").glob("*.ipynb")}
    assert {path.name for path in (tmp_path / "workspace/en").glob("*.ipynb")} == published


def test_jupyters_question_about_news_does_not_cover_the_page(command, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "own")
    monkeypatch.setenv("JUPYTER_PATH", "")
    command()
    first, own = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    (overrides,) = Path(first).glob("labconfig/*.json")
    assert own == "own"
    settings = json.loads(overrides.read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert settings["@jupyterlab/filebrowser-extension:browser"]["navigateToCurrentDirectory"] is True
    assert (Path(os.environ["JUPYTER_PATH"]) / "kernels/python3/kernel.json").is_file()


def test_the_lessons_have_a_style_sheet_that_stands_behind_the_learners_own(command):
    assert "--LabApp.custom_css=True" in command()
    (enabled,) = launch.SETTINGS.glob("jupyter_server_config.d/*.json")
    assert json.loads(enabled.read_text())["ServerApp"]["jpserver_extensions"] == {style.__name__: True}
    server = SimpleNamespace(web_app=SimpleNamespace(settings={"static_custom_path": ["own"]}))
    style._load_jupyter_server_extension(server)
    own, ours = server.web_app.settings["static_custom_path"]
    assert own == "own" and 'data-jp-theme-light="false"' in (Path(ours) / "custom.css").read_text()


def test_links_reach_cells_that_were_never_shown(command):
    """In its other modes JupyterLab attaches far cells only when idle, and links to them lead nowhere."""
    command()
    first = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0]
    (overrides,) = Path(first).glob("labconfig/*.json")
    tracker = json.loads(overrides.read_text())["@jupyterlab/notebook-extension:tracker"]
    assert tracker["windowingMode"] == "full"


def test_the_address_is_what_is_left_of_the_servers_log(command):
    assert "--log-level=WARN" in command()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server that answers as a JupyterLab of the same workspace does, and what it left about itself."""

    class Quiet(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    running = HTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("KD_STUDY_HOME", str(tmp_path))
    (tmp_path / "runtime").mkdir()
    told = {
        "root_dir": str(tmp_path / "workspace"),
        "url": f"http://127.0.0.1:{running.server_port}/",
        "token": "abc",
    }
    path = tmp_path / "runtime/jpserver-1.json"
    path.write_text(json.dumps(told))
    yield path
    running.shutdown()
    running.server_close()


def test_a_second_study_opens_the_server_that_runs(server, monkeypatch, capsys):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("a second server"))
    monkeypatch.setenv("DISPLAY", ":0")
    launch.open_lab([])
    address = f"{json.loads(server.read_text())['url']}lab/tree/en/00_start.ipynb?token=abc"
    assert opened == [address] and f"open already at {address}" in capsys.readouterr().out
    launch.open_lab(["--no-browser"])
    assert opened == [address]


@pytest.mark.parametrize(
    "change",
    [
        {"root_dir": "/elsewhere"},
        {"url": "http://127.0.0.1:1/"},
        {"url": "nonsense"},
        {"token": None, "url": 3},
    ],
)
def test_a_server_of_another_folder_or_one_that_is_gone_does_not_count(server, change):
    server.write_text(json.dumps(json.loads(server.read_text()) | change))
    assert launch.running_lab() is None
    server.write_text("{")
    assert launch.running_lab() is None


def test_without_jupyterlab_one_sentence_says_what_to_type(command, monkeypatch):
    monkeypatch.setattr(launch, "find_spec", lambda name: None)
    with pytest.raises(StudyError, match="JupyterLab is not installed"):
        command()


def test_study_says_that_there_is_a_newer_lesson(command, monkeypatch, capsys):
    monkeypatch.setattr(launch, "lay_down", lambda: ["There is a newer lesson."])
    command()
    assert capsys.readouterr().err == "There is a newer lesson.\n"


def test_root_is_allowed_and_told(command, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--allow-root" in command()
    assert "--allow-root" in capsys.readouterr().err
    monkeypatch.delattr(os, "geteuid")  # as on Windows
    assert "--allow-root" not in command()


def test_without_a_display_the_address_is_printed(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    assert "--no-browser" not in command()
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert "--no-browser" in command()
    assert "no display" in capsys.readouterr().err


def test_the_start_page_is_in_the_readers_language(command, monkeypatch):
    monkeypatch.setattr(launch, "current_language", lambda: "zh")
    assert "--LabApp.default_url=/lab/tree/zh/00_start.ipynb" in command()


def test_the_makefile_passes_options_on():
    outside_make = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    shown = subprocess.run(
        ["make", "--dry-run", "study", "ARGS=--no-browser --port=8899"],
        cwd=workspace.PROJECT,
        env=outside_make,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.rstrip().endswith("-m kd_study study --no-browser --port=8899")


def test_a_languages_code_may_be_typed_in_any_case(monkeypatch):
    from kd_solutions.flagship import train

    monkeypatch.setattr(train, "parallel_languages", lambda: {"de": 1, "zh-Hant": 2})
    assert train.known_languages(["DE", "zh-hant", "EN", "de"]) == ("de", "zh-Hant")
