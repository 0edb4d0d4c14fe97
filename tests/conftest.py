"""Tests have a home of their own, so that no learner's records change; downloads are the usual ones."""

import os
import shutil
import tempfile

import pytest

from kd_solutions.support import language
from kd_solutions.support.paths import cache_folder

_home = tempfile.mkdtemp(prefix="kd-study-tests-")


def pytest_configure():
    cache = str(cache_folder())  # before the home moves
    os.environ |= {
        "KD_STUDY_CACHE": cache,
        "KD_STUDY_HOME": _home,
        "KD_STUDY_LANGUAGE": "en",
        "HF_HUB_OFFLINE": "1",
    }


def pytest_unconfigure():
    shutil.rmtree(_home, ignore_errors=True)


@pytest.fixture(autouse=True)
def no_test_leaves_its_language_behind(monkeypatch):
    """Whatever a test sets with `use_language`, the next one reads the language that this one began with."""
    monkeypatch.setattr(language, "_current", language._current)
