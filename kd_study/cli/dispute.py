"""For who thinks that a failed answer is right: function, report and versions in one file for an issue."""

import platform
from importlib import metadata
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.cli import write_given
from kd_study.grading.grade import Report
from kd_study.grading.loading import Source
from kd_study.grading.reading import Unreadable
from kd_study.grading.submissions import grade_file

PACKAGES = ("kd-study", "torch", "numpy", "transformers")


def write_dispute(path: Path, name: str, folder: Path) -> Path:
    """Grades the file once more and writes what a maintainer needs into `folder`; returns the new file.

    Raises: StudyError where the file holds no such answer, or one that passes or is to be filled in.
    """
    try:
        source = Source(path)
    except Unreadable as error:
        raise StudyError(say(f"{path}: {error.text.en}", f"{path}：{error.text.zh}")) from error
    graded = grade_file(path)
    report = next((one for one in graded.reports if one.exercise == name), None)
    if report is None:
        nothing = say(f"holds no {name} that can be graded", f"里没有可以批改的{name}")
        raise StudyError("\n".join(f"{path}: {problem}" for problem in graded.problems or [nothing]))
    if report.status != "failed":
        raise StudyError(
            say(
                f"{name} in {path} is {report.status}: there is nothing to dispute.",
                f"{path}里的{name}是{report.status}：没有什么可以争辩的。",
            )
        )
    target = _free(folder, name)
    write_given(target, _text(name, _code(source, name), report))
    return target


def _code(source: Source, name: str) -> str:
    """The statements that the answer needs, as they stand in the file."""
    import linecache

    lines = linecache.cache[str(source.path)][2]
    parts = []
    for statement in source.needed({name}):
        node = statement.node
        decorators = [each.lineno for each in getattr(node, "decorator_list", [])]
        parts.append("".join(lines[min([node.lineno, *decorators]) - 1 : node.end_lineno]).rstrip("\n"))
    return "\n".join(parts)


def _text(name: str, code: str, report: Report) -> str:
    fence = "`" * (3 if "```" not in code else 6)
    parts = [
        say(f"# `{name}`: this answer is right", f"# `{name}`：这个答案是对的"),
        say(
            "*Why it is right, in a sentence or two, with a source if there is one:*",
            "*为什么是对的，用一两句话说明；有出处请附上：*",
        ),
        say("## The function", "## 函数"),
        f"{fence}python\n{code}\n{fence}",
        say("## The report", "## 批改结果"),
        f"```\n{report}\n```",
        say("## Versions", "## 版本"),
        "\n".join(f"- {line}" for line in _versions()),
    ]
    return "\n\n".join(parts) + "\n"


def _versions() -> list[str]:
    import torch

    installed = [f"{package} {metadata.version(package)}" for package in PACKAGES]
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return [f"Python {platform.python_version()}, {platform.platform()}", *installed, device]


def _free(folder: Path, name: str) -> Path:
    free, number = folder / f"dispute-{name}.md", 1
    while free.exists():
        number += 1
        free = folder / f"dispute-{name}-{number}.md"
    return free
