"""`python -m kd_study COMMAND`: puts the commands together; each imports its own room when it is called."""

import sys

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.cli import exercises, flagship, lessons, progress, setup

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
for group in (setup, exercises, progress, flagship, lessons):
    app.add_typer(group.app)


def main() -> None:
    """Run the command line; whatever a person can mend ends as one sentence and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # ✓ where the locale knows ASCII only
    try:
        app()
    except StudyError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        if module in ("", "kd_solutions", "kd_study"):
            raise
        print(_missing(module), file=sys.stderr)
        sys.exit(2)


def _missing(module: str) -> str:
    return say(
        f"The Python module {module} is missing: type `pip install -r requirements-dev.txt` in the project's "
        "repository; elsewhere, `python -m kd_study doctor` says what to install.",
        f"缺少Python模块{module}：请在项目的仓库里运行`pip install -r requirements-dev.txt`；"
        "如果没有仓库，`python -m kd_study doctor`会说明该装什么。",
    )


if __name__ == "__main__":
    main()
