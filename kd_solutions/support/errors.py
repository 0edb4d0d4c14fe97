"""The one error that a person is meant to read."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kd_solutions.support.language import say


class StudyError(RuntimeError):
    """Something outside the code is missing or wrong. The message is one sentence that says what to do."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: IPython asks for this before it prints a traceback."""
        return [str(self)]


@contextmanager
def writing_to(folder: Path, variable: str | None = None) -> Iterator[None]:
    """Turn what the operating system says about writing into `folder` into a StudyError.

    Nothing else belongs inside: a file that can't be read would be told as a folder that can't be written.
    variable: the environment variable that moves the folder elsewhere; None where a caller chose it.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full_disk(folder, variable) from error
        reason = error.strerror or error
        raise StudyError(
            say(
                f"Can't write to {folder} ({reason}): make it writable, or {_elsewhere(variable)}.",
                f"无法写入{folder}（{reason}）：请改为可写，或{_elsewhere(variable)}。",
            )
        ) from error


def full_disk(folder: Path, variable: str | None = None) -> StudyError:
    return StudyError(
        say(
            f"The disk of {folder} is full: free some space, or {_elsewhere(variable)} on another disk.",
            f"{folder}所在的磁盘已满：请腾出空间，或{_elsewhere(variable)}（在另一块磁盘上）。",
        )
    )


def _elsewhere(variable: str | None) -> str:
    if variable is None:
        return say("choose another folder", "换一个文件夹")
    return say(f"set {variable} to another folder", f"用{variable}指定另一个文件夹")
