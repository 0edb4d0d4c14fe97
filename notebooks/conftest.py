"""Under nbval each notebook studies in a fresh home, as the builder gives it one: no records of another's."""

import os
import tempfile

import pytest

from kd_solutions.support.paths import cache_folder
from kd_solutions.support.progress import QUIET_VARIABLE

os.environ.setdefault("KD_STUDY_CACHE", str(cache_folder()))
os.environ[QUIET_VARIABLE] = "1"
_homes: dict[str, tempfile.TemporaryDirectory] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before nbval starts a notebook's kernel, which inherits the environment."""
    name = str(item.path)
    if name not in _homes:
        _homes[name] = tempfile.TemporaryDirectory(prefix="kd-study-nbval-")
    os.environ["KD_STUDY_HOME"] = _homes[name].name


def pytest_unconfigure():
    for home in _homes.values():
        home.cleanup()
