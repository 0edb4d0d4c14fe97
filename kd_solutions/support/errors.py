"""The one error that a person is meant to read."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kd_solutions.support.language import say


class StudyError(RuntimeError):
    """Something outside the code is missing or wrong. The message is one sentence that says what to do."""


@contextmanager
def writing_to(folder: Path, variable: str) -> Iterator[None]:
    """Turn what the operating system says about `folder` into a StudyError.

    variable: the environment variable that moves the folder elsewhere.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full_disk(folder, variable) from error
        reason = error.strerror or error
        raise StudyError(
            say(
                f"Can't write to {folder} ({reason}): make it writable, or set {variable} to another folder.",
                f"无法写入{folder}（{reason}）：请改为可写，或用{variable}指定另一个文件夹。",
            )
        ) from error


def full_disk(folder: Path, variable: str) -> StudyError:
    return StudyError(
        say(
            f"The disk of {folder} is full: free some space, or set {variable} to a folder on another disk.",
            f"{folder}所在的磁盘已满：请腾出空间，或用{variable}指定另一块磁盘上的文件夹。",
        )
    )
