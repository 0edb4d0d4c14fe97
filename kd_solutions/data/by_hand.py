"""Commands written by hand, off the templates, and texts that ask for nothing: read from by_hand.json.

Whoever wrote them had seen the intents' names alone, no template. A recipe may choose by the half "choose";
no recipe and no threshold ever sees the half "report".
"""

import json
from functools import cache
from pathlib import Path

from kd_solutions.data.commands import Commands, intent_names
from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say

BY_HAND = Path(__file__).with_name("by_hand.json")
SPLITS = ("choose", "report")


@cache
def commands_by_hand(language: str, split: str) -> Commands:
    """Commands as people say them at home, 15 a split. Labels count in `intent_names()`.

    The splits are disjoint and share an intent's rows alike; each text is a template of its own.
    Languages: English and `TEN_LANGUAGES`. Raises: ValueError for a split other than "choose" and "report";
    StudyError for another language.
    """
    import torch

    rows = [row for row in _half(language, split) if row["intent"]]
    return Commands(
        language,
        texts=[row["text"] for row in rows],
        labels=torch.tensor([intent_names().index(row["intent"]) for row in rows]),
        templates=torch.tensor([row["number"] for row in rows]),
        intents=intent_names(),
    )


@cache
def asking_nothing(language: str, split: str) -> tuple[str, ...]:
    """Texts that ask for nothing that is served: small talk, questions about the world, others' skills.

    Six a split; languages and errors as in `commands_by_hand`.
    """
    return tuple(row["text"] for row in _half(language, split) if not row["intent"])


def _half(language: str, split: str) -> list[dict]:
    """Every other command and every other text that asks for nothing, each with its "number" in the file.

    The file's order makes the halves fair: an intent's rows are shared alike, in a language and over all.
    """
    if split not in SPLITS:
        named = ", ".join(SPLITS)
        raise ValueError(
            say(
                f"The commands by hand have the splits {named}, not {split!r}",
                f"手写指令的划分有{named}，没有{split!r}",
            )
        )
    everything = _read()
    if language not in everything:
        known = " ".join(everything)
        raise StudyError(
            say(
                f"There are no commands by hand in {language!r}; choose among {known}.",
                f"没有{language!r}的手写指令，可选：{known}。",
            )
        )
    numbered = [row | {"number": number} for number, row in enumerate(everything[language])]
    return numbered[SPLITS.index(split) :: 2]


@cache
def _read() -> dict[str, list[dict]]:
    return json.loads(BY_HAND.read_text("utf-8"))
