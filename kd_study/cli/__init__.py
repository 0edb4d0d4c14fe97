"""The command line, one module a group of commands; `kd_study.__main__` puts them together."""

import sys
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import write_whole
from kd_solutions.support.language import say

__all__ = ["given_number", "given_path", "shortened", "warn", "write_given"]

SHOWN = 60  # characters of what was typed that are told back


def warn(sentence: str) -> None:
    """Tell a person something beside a command's output."""
    print(sentence, file=sys.stderr)


def shortened(text: str) -> str:
    """The text, or its beginning where it is too long to be read."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def given_path(text: str) -> Path:
    """The path that somebody typed. StudyError where it can be none: empty, or too long for the system."""
    if not text.strip():
        raise StudyError(say("The name of the file is empty: give one.", "文件名是空的：请给出一个。"))
    path = Path(text)
    try:
        path.exists()
    except OSError as error:
        raise StudyError(f"{shortened(text)}: {error.strerror}") from error
    return path


def write_given(path: Path, content: str | bytes) -> None:
    """Writes a text, or bytes, to a path that somebody chose; StudyError where it can't be written."""
    try:
        write_whole(path, content.encode("utf-8", "replace") if isinstance(content, str) else content)
    except OSError as error:
        reason = error.strerror or error
        raise StudyError(say(f"can't write {path}: {reason}", f"无法写入{path}：{reason}")) from error


def given_number(text: str, name: str, least: int, most: int | None = None) -> int:
    """The whole number that somebody typed for `name`. StudyError for anything else, or one out of range."""
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is not None and least <= number and (most is None or number <= most):
        return number
    if most is None:
        expected = say(f"a whole number of at least {least}", f"不小于{least}的整数")
    else:
        expected = say(f"a whole number from {least} to {most}", f"{least}到{most}之间的整数")
    raise StudyError(
        say(
            f"{name} should be {expected}, not {shortened(text)!r}.",
            f"{name}应是{expected}，而不是{shortened(text)!r}。",
        )
    )
