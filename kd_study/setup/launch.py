"""Opens JupyterLab on the start page."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import current_language, say
from kd_study.setup.prepare import prepare
from kd_study.setup.workspace import lay_down, require_repository, workspace_folder

SETTINGS = (
    Path(__file__).parent / "jupyter"
)  # defaults of JupyterLab, which a learner's own settings override


def open_lab(arguments: list[str]) -> None:
    """Fetch what is missing, lay the lessons down, and become JupyterLab. arguments: passed on to it."""
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
    command = lab_command(arguments)
    paths = [str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH")]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, paths))
    sys.stderr.flush()
    os.execv(command[0], command)


def lab_command(arguments: list[str]) -> list[str]:
    """The command line of a JupyterLab whose first page is lesson 00 in the language in use."""
    options = [
        f"--ServerApp.root_dir={workspace_folder().resolve()}",
        f"--LabApp.default_url=/lab/tree/{current_language()}/00_start.ipynb",
    ]
    if os.geteuid() == 0:
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
