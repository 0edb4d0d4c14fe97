"""Opens JupyterLab on the start page."""

import json
import os
import sys
import urllib.request
from importlib.util import find_spec
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, current_language, say
from kd_study.setup.prepare import prepare
from kd_study.setup.workspace import lay_down, require_repository, workspace_folder

SETTINGS = Path(__file__).parent / "jupyter"  # defaults of JupyterLab and of its kernels
ANSWERS_WITHIN = 2.0  # seconds; a server that takes longer counts as gone


def open_lab(arguments: list[str]) -> None:
    """Lay the lessons down, fetch what is missing, and become JupyterLab; or open the one that runs already.

    arguments: passed on to JupyterLab.
    """
    require_repository()
    if find_spec("jupyterlab") is None:
        raise StudyError(
            say(
                "JupyterLab is not installed: type `make study`, or `pip install -r requirements.txt`.",
                "没有安装JupyterLab：运行`make study`，或`pip install -r requirements.txt`。",
            )
        )
    news = lay_down()
    for _ in prepare():
        pass
    for sentence in news:
        print(sentence, file=sys.stderr)
    if address := running_lab():
        _show(address, arguments)
        return
    _become(lab_command(arguments))


def open_folder(folder: Path, page: str, arguments: list[str]) -> None:
    """Become a JupyterLab over `folder`, on one of its slides, such as "slides/en/00_start.ipynb".

    StudyError where JupyterLab can't show slides.
    """
    if find_spec("jupyterlab_rise") is None:
        raise StudyError(
            say(
                "jupyterlab-rise is not installed: type `make present LESSON=01`, or "
                "`pip install -r requirements-workshop.txt`.",
                "没有安装jupyterlab-rise：运行`make present LESSON=01`，或"
                "`pip install -r requirements-workshop.txt`。",
            )
        )
    for _ in prepare():
        pass
    _become(lab_command(arguments, folder, f"/lab/tree/{page}"))


def _become(command: list[str]) -> None:
    """Run this command in the place of our own process, with the course's settings."""
    _put_first("JUPYTER_CONFIG_PATH", SETTINGS)  # a learner's own settings override these
    _put_first("JUPYTER_PATH", SETTINGS)
    sys.stderr.flush()
    os.execv(command[0], command)


def running_lab() -> str | None:
    """The address of the start page in a JupyterLab that serves this workspace already; None without one."""
    from jupyter_core.paths import jupyter_runtime_dir

    for path in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
        try:
            server = json.loads(path.read_text("utf-8"))
            root, url, token = Path(server["root_dir"]), server["url"], server["token"]
        except (OSError, ValueError, TypeError, KeyError):
            continue
        if root.resolve() == workspace_folder().resolve() and _answers(url):
            return f"{url}{_start_page().lstrip('/')}" + (f"?token={token}" if token else "")
    return None


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(f"{url}api", timeout=ANSWERS_WITHIN).close()
    except (OSError, ValueError):
        return False
    return True


def _show(address: str, arguments: list[str]) -> None:
    """Open the page of a server that runs, where a browser can be opened, and say where it is."""
    print(say(f"JupyterLab is open already at {address}", f"JupyterLab已经打开：{address}"))
    if _has_display() and "--no-browser" not in arguments:
        import webbrowser

        webbrowser.open(address)


def _start_page() -> str:
    language = current_language() if current_language() in LANGUAGES else LANGUAGES[0]
    return f"/lab/tree/{language}/00_start.ipynb"


def _put_first(variable: str, folder: Path) -> None:
    os.environ[variable] = os.pathsep.join(filter(None, [str(folder), os.environ.get(variable)]))


def lab_command(arguments: list[str], root: Path | None = None, page: str | None = None) -> list[str]:
    """The command line of a JupyterLab; root, page: without them the workspace, and its lesson 00 in the
    language in use."""
    options = [
        "--log-level=WARN",  # what is left is the address to open
        "--LabApp.log_level=WARN",
        f"--ServerApp.root_dir={(root or workspace_folder()).resolve()}",
        f"--LabApp.default_url={page or _start_page()}",
        "--LabApp.custom_css=True",  # served by `style`
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # Windows has no root
        options.append("--allow-root")
        print(
            say(
                "You are root, as in a container: adding --allow-root, which Jupyter asks for.",
                "当前用户是root（容器里常见）：已替你加上Jupyter要求的--allow-root。",
            ),
            file=sys.stderr,
        )
    if not _has_display() and "--no-browser" not in arguments:
        options.append("--no-browser")
        print(
            say(
                "There is no display here: open the address below in your browser.",
                "这里没有图形界面：请在浏览器里打开下面的地址。",
            ),
            file=sys.stderr,
        )
    return [sys.executable, "-m", "jupyterlab", *options, *arguments]


def _has_display() -> bool:
    """Whether a browser can open a window; on Linux that takes a display or a command named for it."""
    return sys.platform != "linux" or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
