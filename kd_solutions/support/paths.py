"""Where downloads, caches and records lie."""

import os
from pathlib import Path

CACHE_VARIABLE = "KD_STUDY_CACHE"


def home_folder() -> Path | None:
    """`$KD_STUDY_HOME`, which moves everything that is stored; None where it is not set."""
    home = os.environ.get("KD_STUDY_HOME")
    return Path(home).expanduser() if home else None


def cache_folder() -> Path:
    """Where downloads and computed caches lie: `$KD_STUDY_CACHE`, else the home's, else the user's cache."""
    from platformdirs import user_cache_path

    if cache := os.environ.get(CACHE_VARIABLE):
        return Path(cache).expanduser()
    home = home_folder()
    return home / "cache" if home else user_cache_path("kd-study")
