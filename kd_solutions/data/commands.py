"""Labelled commands, sampled once from the templates of a real assistant, then read in under a second.

The traps of this data are handled in `templates`: split by template, capped sampling, texts with two labels.
"""

import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from kd_solutions.data import templates
from kd_solutions.data.parallel import data_folder, load_parallel, parallel_languages
from kd_solutions.data.translations import ENGLISH
from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import fingerprint, read_json, write_json
from kd_solutions.support.language import say

if TYPE_CHECKING:
    from torch import Tensor

TEN_LANGUAGES = ("de", "fr", "es", "ru", "zh", "it", "nl", "pl", "hu", "ca")
FEWEST_TEMPLATES = 3  # in English; an intent with fewer can't be split by template
FEWEST_LANGUAGES = 7  # of the ten that know an intent


@dataclass(frozen=True)
class Commands:
    """Commands of one language: N texts, `labels` (N,) into `intents`, `templates` (N,) their numbers.

    Sentences with the same template number differ only in choices and slots.
    """

    language: str
    texts: list[str]
    labels: "Tensor"
    templates: "Tensor"
    intents: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


@cache
def intent_names() -> tuple[str, ...]:
    """The evaluated intents, sorted: three or more English templates, known to seven of the ten languages."""
    return tuple(name for name, count in _covered_intents().items() if count >= FEWEST_TEMPLATES)


@cache
def served_intents() -> tuple[str, ...]:
    """`intent_names()`, then those that are trained and served but too rare in English to be split."""
    rare = (name for name, count in _covered_intents().items() if count < FEWEST_TEMPLATES)
    return (*intent_names(), *rare)


def load_commands(language: str, split: str) -> Commands:
    """Commands of a language. Labels count in `served_intents()`, whose head is `intent_names()`.

    split: "train" or "test" for English, "dev" or "test" for other languages, each of the evaluated intents
    only; "rare" for the served intents that are reported apart (all their templates). The templates of two
    splits never overlap, nor do their texts.
    """
    splits = ("train" if language == ENGLISH else "dev", "test", "rare")
    if split not in splits:
        named = ", ".join(splits)
        raise ValueError(
            say(
                f"{language} has the splits {named}, not {split!r}",
                f"{language}的划分有{named}，没有{split!r}",
            )
        )
    return _load_commands(language, split)


@cache
def _load_commands(language: str, split: str) -> Commands:
    import torch

    if language not in command_languages():
        known = " ".join(command_languages())
        raise StudyError(
            say(
                f"There are no commands in {language!r}; choose among {known}.",
                f"没有{language!r}的指令，可选：{known}。",
            )
        )
    path = _commands_folder() / f"{language}.json"
    if not path.exists():
        write_json(path, _sample_commands(language))
    rows = read_json(path)[split]
    names = served_intents() if split == "rare" else intent_names()
    return Commands(
        language,
        texts=[text for text, _, _ in rows],
        labels=torch.tensor([names.index(intent) for _, intent, _ in rows]),
        templates=torch.tensor([template for _, _, template in rows]),
        intents=names,
    )


@cache
def command_languages() -> tuple[str, ...]:
    """Languages with labelled commands and with translations."""
    from home_assistant_intents import get_languages

    here = {code: name for name, code in templates.INTENT_LANGUAGES.items()}
    return tuple(
        sorted({here.get(code, code) for code in get_languages()} & {ENGLISH, *parallel_languages()})
    )


def _covered_intents() -> dict[str, int]:
    """Intent → number of English templates, for the intents that enough of the ten languages know."""
    from home_assistant_intents import get_intents

    def counts(language: str) -> dict[str, int]:
        found: dict[str, set] = {}
        for intent, body in get_intents(templates.INTENT_LANGUAGES.get(language, language))[
            "intents"
        ].items():
            sentences = (text for block in body["data"] for text in block["sentences"])
            found.setdefault(templates.MERGED.get(intent, intent), set()).update(sentences)
        return {intent: len(texts) for intent, texts in found.items() if texts}

    english = counts(ENGLISH)
    others = [counts(language) for language in TEN_LANGUAGES]
    return {
        intent: english[intent]
        for intent in sorted(set(english) - templates.LEFT_OUT)
        if sum(intent in known for known in others) >= FEWEST_LANGUAGES
    }


def _sample_commands(language: str) -> dict[str, list[tuple[str, str, int]]]:
    """Split → rows (text, intent, template number), sampled from the language's templates."""
    evaluated, served = set(intent_names()), set(served_intents())
    known = [template for template in grammar(language).templates if template.intent in served]
    common = [template for template in known if template.intent in evaluated]
    rare = [template for template in known if template.intent not in evaluated]
    ambiguous = templates.ambiguous_texts(known)
    first, test = templates.split_templates(common, language)
    per_class = None if language == ENGLISH else templates.PER_CLASS
    first_rows = templates.label(first, ambiguous, per_class)
    seen = ambiguous | {text.casefold() for text, _, _ in first_rows}
    return {
        "train" if language == ENGLISH else "dev": first_rows,
        "test": templates.label(test, seen, per_class),
        "rare": templates.label(rare, ambiguous, per_class),
    }


def grammar(language: str) -> templates.Grammar:
    """The templates of a language, their slots filled with its own words."""
    return templates.Grammar(language, templates.slot_values(_dictionary(language)))


def _dictionary(language: str):
    """English string → its most frequent translation in `language`, or None."""
    if language == ENGLISH:
        return lambda text: text
    parallel = load_parallel([language])
    table: dict[str, str] = {}
    for index, text in parallel.translations[language]:
        table.setdefault(parallel.english[index].casefold(), text)
    return lambda text: table.get(text.casefold())


@cache
def _commands_folder() -> Path:
    packages = " ".join(version(name) for name in ("home-assistant-intents", "hassil"))
    return data_folder() / f"commands-{fingerprint(templates, sys.modules[__name__], packages)}"
