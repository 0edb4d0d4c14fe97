"""The one error that a person is meant to read."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
        raise StudyError(
            f"Can't write to {folder} ({error.strerror or error}): "
            f"make it writable, or set {variable} to another folder."
        ) from error


def full_disk(folder: Path, variable: str) -> StudyError:
    return StudyError(
        f"The disk of {folder} is full: free some space, or set {variable} to a folder on another disk."
    )
