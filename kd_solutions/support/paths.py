"""Where downloads, caches and records lie."""

import os
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say

CACHE_VARIABLE = "KD_STUDY_CACHE"
HOME_VARIABLE = "KD_STUDY_HOME"


def home_folder() -> Path | None:
    """`$KD_STUDY_HOME`, which moves everything that is stored; None where it is not set."""
    return named_folder(HOME_VARIABLE)


def cache_folder() -> Path:
    """Where downloads and computed caches lie: `$KD_STUDY_CACHE`, else the home's, else the user's cache."""
    from platformdirs import user_cache_path

    if cache := named_folder(CACHE_VARIABLE):
        return cache
    home = home_folder()
    return home / "cache" if home else user_cache_path("kd-study")


def named_folder(variable: str) -> Path | None:
    """The folder that an environment variable names, `~` replaced; None where it is not set."""
    name = os.environ.get(variable)
    try:
        return Path(name).expanduser() if name else None
    except RuntimeError as error:  # ~somebody who has no home here
        raise StudyError(
            say(
                f"{variable} names {name!r}, whose home folder isn't known: write the path out.",
                f"{variable}指定的{name!r}找不到对应的主目录：请写出完整路径。",
            )
        ) from error
