"""Which language a person reads, before they chose one."""

import ctypes
import subprocess
import sys
from types import SimpleNamespace

import pytest

from kd_solutions.support import language
from kd_solutions.support.language import current_language, say


@pytest.fixture(autouse=True)
def nobody_has_chosen(monkeypatch):
    monkeypatch.setattr(language, "_current", None)
    for name in language.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    language._of_the_desktop.cache_clear()
    yield
    language._of_the_desktop.cache_clear()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LC_MESSAGES": "zh_CN", "LC_ALL": "en_US"}, "en"),
        ({"LC_ALL": "en_US", "KD_STUDY_LANGUAGE": "zh"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh_CN"}, "zh"),
    ],
)
def test_the_first_variable_that_is_set_counts(monkeypatch, variables, expected):
    monkeypatch.setattr(sys, "platform", "linux")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert current_language() == expected == say("en", "zh")


@pytest.mark.parametrize(("number", "expected"), [(0x0804, "zh"), (0x0404, "zh"), (0x0409, "en"), (7, "en")])
def test_windows_is_asked_for_the_language_of_its_menus(monkeypatch, number, expected):
    """By the call that Microsoft documents; it was never run on a Windows of ours."""
    kernel = SimpleNamespace(GetUserDefaultUILanguage=lambda: number)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert current_language() == expected


@pytest.mark.parametrize(
    ("answer", "expected"), [("zh_CN\n", "zh"), ("zh-Hans_US\n", "zh"), ("de_DE\n", "en"), ("", "en")]
)
def test_macos_is_asked_once(monkeypatch, answer, expected):
    asked = []

    def run(command, **_):
        asked.append(command)
        return SimpleNamespace(stdout=answer)

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    assert [current_language(), current_language()] == [expected] * 2
    assert asked == [("/usr/bin/defaults", "read", "-g", "AppleLocale")]


def test_a_variable_goes_before_the_desktop(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", None)
    monkeypatch.setenv("LANG", "zh_CN")
    assert current_language() == "zh"
