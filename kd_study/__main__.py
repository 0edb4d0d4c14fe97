"""`python -m kd_study COMMAND`: puts the commands together; each imports its own room when it is called."""

import os
import sys

import typer

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import BEGUN, LANGUAGES, language_of, say
from kd_study.cli import (
    exercises,
    flagship,
    interview,
    lessons,
    mark,
    plan,
    progress,
    questions,
    setup,
    sheet,
    warn,
    workshop,
)
from kd_study.cli.frame import Group, UsageError, usage_sentence

app = typer.Typer(cls=Group, add_completion=False, pretty_exceptions_enable=False)
COMMANDS = (
    setup,
    exercises,
    mark,
    workshop,
    questions,
    plan,
    interview,
    progress,
    sheet,
    flagship,
    lessons,
)
for group in COMMANDS:
    app.add_typer(group.app)


def main() -> None:
    """Run the command line; whatever a person can mend ends as one sentence and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # ✓ where the locale knows ASCII only
    _expect_a_known_language()
    try:
        code = app(sys.argv[1:] or ["--help"], prog_name="python -m kd_study", standalone_mode=False)
    except StudyError as error:
        _end_with(str(error))
    except UsageError as error:
        _end_with(usage_sentence(error))
    except typer.Abort:
        _end_with(say("Interrupted.", "已中断。"), 130)
    except ModuleNotFoundError as error:
        module = (error.name or "").split(".")[0]
        if module in ("", "kd_solutions", "kd_study"):
            raise
        _end_with(_missing(module))
    sys.exit(code or 0)


def _end_with(sentence: str, code: int = 2) -> None:
    print(sentence, file=sys.stderr)
    sys.exit(code)


def _expect_a_known_language() -> None:
    wished = os.environ.get("KD_STUDY_LANGUAGE", "")
    if wished and not language_of(wished):
        known = " ".join((*LANGUAGES, *BEGUN))
        warn(
            say(
                f"KD_STUDY_LANGUAGE={wished} is not known here; it can be: {known}.",
                f"不认识KD_STUDY_LANGUAGE={wished}；可以是：{known}。",
            )
        )


def _missing(module: str) -> str:
    return say(
        f"The Python module {module} is missing: type `pip install -r requirements-dev.txt` in the project's "
        "repository; elsewhere, `python -m kd_study doctor` says what to install.",
        f"缺少Python模块{module}：请在项目的仓库里运行`pip install -r requirements-dev.txt`；"
        "如果没有仓库，`python -m kd_study doctor`会说明该装什么。",
    )


if __name__ == "__main__":
    main()
