"""Which language a person reads. Every text they meet is a `Text`, or is made by `say`."""

import os
from typing import NamedTuple

LANGUAGES = ("en", "zh")
_current: str | None = None


class Text(NamedTuple):
    """One text in both languages; `str()` gives the one in use."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.zh if current_language() == "zh" else self.en


def use_language(code: str) -> None:
    """Choose the language of every message, hint and answer from here on: "en" or "zh"."""
    global _current
    if code not in LANGUAGES:
        raise ValueError(f"the languages are 'en' and 'zh', not {code!r}")
    _current = code


def current_language() -> str:
    """The chosen language; before any choice KD_STUDY_LANGUAGE, then the system's, then English."""
    if _current:
        return _current
    wished = os.environ.get("KD_STUDY_LANGUAGE") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if wished.lower().startswith("zh") else "en"


def say(en: str, zh: str) -> str:
    """The one of the two texts that is in the language in use."""
    return str(Text(en, zh))
