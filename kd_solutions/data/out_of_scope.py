"""Texts that ask for nothing that is served: a user interface's own strings, greetings, announcements."""

from functools import cache

from kd_solutions.data.commands import command_languages, grammar
from kd_solutions.data.parallel import load_parallel
from kd_solutions.data.sampling import stable_order
from kd_solutions.data.translations import ENGLISH
from kd_solutions.support.language import say

SPLITS = ("threshold", "test")


@cache
def out_of_scope(language: str, split: str) -> tuple[str, ...]:
    """Texts in a language, sampled once; nothing was trained on any of them, nor on a translation of one.

    split: "threshold", which only English has, to choose by; "test", whose English originals are others.
    Raises: ValueError for another split; StudyError for a language without parallel text.
    """
    if split not in SPLITS if language == ENGLISH else split != "test":
        named = ", ".join(SPLITS)
        raise ValueError(
            say(
                f"English has the splits {named}, other languages test alone; not {split!r}",
                f"英语的划分有{named}，其他语言只有test，没有{split!r}",
            )
        )
    strings, greetings = _strings(language, split), _greetings(language)
    if language == ENGLISH:
        greetings = greetings[SPLITS.index(split) :: 2]
    return (*strings, *greetings)


def _strings(language: str, split: str) -> list[str]:
    """Held-out strings of a user interface."""
    parallel = load_parallel([] if language == ENGLISH else [language])
    english = stable_order(parallel.english[number] for number in parallel.held_out)
    chosen = english[SPLITS.index(split) :: 2]
    if language == ENGLISH:
        return chosen
    translation = dict(parallel.held_out_pairs(language, len(english)))
    return [translation[text] for text in chosen if text in translation]


def _greetings(language: str) -> list[str]:
    """What the assistant's own templates have beside commands; nothing in a language that it doesn't know."""
    left_out = grammar(language).left_out if language in command_languages() else ()
    return stable_order({text for template in left_out for text in template.sentences})
