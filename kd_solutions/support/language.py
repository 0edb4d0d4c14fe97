"""Which language a person reads. Every text they meet is a `Text`, or is made by `say`."""

import locale
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

LANGUAGES = ("en", "zh")
BEGUN: tuple[str, ...] = ()  # languages that are being added: what they lack yet is read in English
VARIABLES = ("KD_STUDY_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts
_current: str | None = None


class Text(NamedTuple):
    """One text in both languages; `str()` gives the one in use."""

    en: str
    zh: str

    def __str__(self) -> str:
        return getattr(self, current_language(), "") or self.en


def use_language(code: str) -> None:
    """Choose the language of every message, hint and answer from here on, such as "en" or "zh"."""
    global _current
    if code not in (*LANGUAGES, *BEGUN):
        raise ValueError(f"the languages are {', '.join((*LANGUAGES, *BEGUN))}, not {code!r}")
    _current = code


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Within it this language is in use, and afterwards the one before; ValueError as of `use_language`."""
    global _current
    before = _current
    try:
        use_language(code)
        yield
    finally:
        _current = before


def current_language() -> str:
    """The chosen language; before any choice KD_STUDY_LANGUAGE's, then the system's, then English."""
    if _current:
        return _current
    wished = next(filter(None, map(os.environ.get, VARIABLES)), None) or _of_the_desktop(sys.platform)
    return language_of(wished) or LANGUAGES[0]


@cache
def _of_the_desktop(platform: str) -> str:
    """What Windows and macOS speak, where an app that is started by a click sees no variable that says so."""
    if platform == "win32":
        import ctypes

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    if platform == "darwin":
        command = ("/usr/bin/defaults", "read", "-g", "AppleLocale")
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return ""


def language_of(wished: str) -> str | None:
    """The language that somebody asks for, as in "zh" or "zh_CN.UTF-8"; None where it isn't here."""
    return next((code for code in (*LANGUAGES, *BEGUN) if wished.lower().startswith(code)), None)


def say(en: str, zh: str, **begun: str) -> str:
    """The text that is in the language in use. begun: code → the same in a language that is being added."""
    return begun.get(current_language()) or str(Text(en, zh))
