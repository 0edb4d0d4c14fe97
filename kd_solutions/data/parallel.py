"""Parallel text of a user interface: parsed once, then read in under a second.

The traps of this data are handled in `translations`: markup, duplicates, untranslated English.
"""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kd_solutions.data import sampling, translations
from kd_solutions.data.sampling import stable_order
from kd_solutions.data.translations import ENGLISH
from kd_solutions.support.assets import asset_folder, asset_version
from kd_solutions.support.errors import StudyError
from kd_solutions.support.files import fingerprint, read_json, write_json
from kd_solutions.support.language import say
from kd_solutions.support.paths import cache_folder
from kd_solutions.support.progress import counting

HELD_OUT = 1500  # English texts that are kept out of all training
FEWEST_LANGUAGES = 18  # into which a held-out text is translated


@dataclass(frozen=True)
class ParallelText:
    """English strings and their translations.

    english: unique English strings. translations: language → list of (index into `english`, translation); an
    English string has up to three different translations in a language. held_out: indices into `english` that
    nothing may be trained on.
    """

    english: list[str]
    translations: dict[str, list[tuple[int, str]]]
    held_out: frozenset[int]

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.translations)

    def training_pairs(self, language: str) -> list[tuple[str, str]]:
        """(English, translation) of every pair that may be trained on."""
        rows = self.translations[language]
        return [(self.english[index], text) for index, text in rows if index not in self.held_out]

    def held_out_pairs(self, language: str, limit: int = 1000) -> list[tuple[str, str]]:
        """(English, its most frequent translation) of held-out strings, no English string twice."""
        first = {}
        for index, text in self.translations[language]:
            if index in self.held_out:
                first.setdefault(index, text)
        chosen = stable_order(self.english[index] for index in first)[:limit]
        by_text = {self.english[index]: text for index, text in first.items()}
        return [(english, by_text[english]) for english in chosen]

    def training_english(self) -> list[str]:
        return [text for index, text in enumerate(self.english) if index not in self.held_out]


@cache
def parallel_languages() -> dict[str, int]:
    """Language → number of training pairs, sorted by language."""
    return read_json(data_folder() / "parallel.json")["pairs"]


def no_parallel_text(languages: Sequence[str]) -> StudyError:
    """What to say of languages that no student can be distilled for."""
    named, known = ", ".join(languages), " ".join(parallel_languages())
    return StudyError(
        say(
            f"There is no parallel text in {named}; choose among {known}.",
            f"没有{named}的平行语料，可选：{known}。",
        )
    )


def load_parallel(languages: Sequence[str]) -> ParallelText:
    """Parallel text of English and these languages; StudyError for a language without any."""
    if unknown := [language for language in languages if language not in parallel_languages()]:
        raise no_parallel_text(unknown)
    folder = data_folder()
    shared = read_json(folder / "parallel.json")
    return ParallelText(
        english=shared["english"],
        translations={name: list(map(tuple, read_json(folder / f"pairs/{name}.json"))) for name in languages},
        held_out=frozenset(shared["held_out"]),
    )


@cache
def data_folder() -> Path:
    """The folder of the parsed translations, made on first use; its name says from what and by which code."""
    sources = "".join(map(asset_version, ("translations", "frontend")))
    folder = cache_folder() / "data" / fingerprint(translations, sampling, sys.modules[__name__], sources)
    if not (folder / "parallel.json").exists():
        with _no_garbage_collection():
            _parse_translations(folder)
    return folder


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Millions of strings and no cycle among them: the collector would take a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _parse_translations(folder: Path) -> None:
    """Read all translation files and write `parallel.json` and `pairs/LANGUAGE.json` into `folder`."""
    folders = asset_folder("translations"), asset_folder("frontend")
    files = translations.translation_files(*folders)
    if ENGLISH not in {language for _, language, _ in files}:
        raise StudyError(
            say(
                f"There are no English strings in {folders[0]} and {folders[1]}: let KD_STUDY_TRANSLATIONS "
                "name a folder with components/*/translations/en.json in it, or unset it.",
                f"{folders[0]}和{folders[1]}里没有英语文本：请让KD_STUDY_TRANSLATIONS指定一个含有"
                "components/*/translations/en.json的文件夹，或取消它。",
            )
        )
    title = say("Reading translations", "读取译文")
    with counting(title, len(files)) as advance:
        strings = translations.read_strings(files, on_file=advance)
    english = translations.unique_english(strings.pop(ENGLISH))
    pairs = {name: translations.pair_up(english, table) for name, table in sorted(strings.items())}
    held_out = translations.choose_held_out(pairs, HELD_OUT, FEWEST_LANGUAGES)
    texts = sorted(set(english.values()))
    number = {text: index for index, text in enumerate(texts)}
    counts = {}
    for name, table in pairs.items():
        rows = [(number[text], translation) for text, several in table.items() for translation in several]
        counts[name] = sum(texts[index] not in held_out for index, _ in rows)
        write_json(folder / f"pairs/{name}.json", rows)
    shared = {"english": texts, "held_out": sorted(number[text] for text in held_out), "pairs": counts}
    write_json(folder / "parallel.json", shared)  # last: its presence says that all is there
