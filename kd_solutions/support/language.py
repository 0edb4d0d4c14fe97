"""Which language a person reads. Every text they meet is a `Text`, or is made by `say`."""

import os
from typing import NamedTuple

LANGUAGES = ("en", "zh")
BEGUN: tuple[str, ...] = ()  # languages that are being added: what they lack yet is read in English
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


def current_language() -> str:
    """The chosen language; before any choice KD_STUDY_LANGUAGE, then the system's, then English."""
    if _current:
        return _current
    wished = os.environ.get("KD_STUDY_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return language_of(wished) or LANGUAGES[0]


def language_of(wished: str) -> str | None:
    """The language that somebody asks for, as in "zh" or "zh_CN.UTF-8"; None where it isn't here."""
    return next((code for code in (*LANGUAGES, *BEGUN) if wished.lower().startswith(code)), None)


def say(en: str, zh: str, **begun: str) -> str:
    """The text that is in the language in use. begun: code → the same in a language that is being added."""
    return begun.get(current_language()) or str(Text(en, zh))
