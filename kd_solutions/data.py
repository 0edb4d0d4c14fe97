"""Labelled commands and parallel text: the same on every machine, parsed once, then read in under a second.

Nothing here knows about teachers or students. The traps of this data are handled in `translations` (cleaning,
duplicates, untranslated English) and `templates` (split by template, capped sampling, texts with two labels).
"""

import gc
import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from kd_solutions import assets, templates, translations
from kd_solutions.errors import StudyError, writing_to
from kd_solutions.language import say

if TYPE_CHECKING:
    from torch import Tensor

ENGLISH = "en"
TEN_LANGUAGES = ("de", "fr", "es", "ru", "zh", "it", "nl", "pl", "hu", "ca")
HELD_OUT = 1500  # English texts kept out of all training, translated in `HELD_OUT_LANGUAGES` or more
HELD_OUT_LANGUAGES = 18
ENGLISH_TEMPLATES = 3  # an intent with fewer can't be split by template
COVERED_LANGUAGES = 7  # of the ten


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
        chosen = translations.stable_order(self.english[index] for index in first)[:limit]
        by_text = {self.english[index]: text for index, text in first.items()}
        return [(english, by_text[english]) for english in chosen]

    def training_english(self) -> list[str]:
        return [text for index, text in enumerate(self.english) if index not in self.held_out]


def prepare() -> None:
    """Parse the translations now, some 15 s once, so that no lesson has to wait for it."""
    data_folder()


@cache
def intent_names() -> tuple[str, ...]:
    """The evaluated intents, sorted: three or more English templates, known to seven of the ten languages."""
    return tuple(name for name, count in _covered_intents().items() if count >= ENGLISH_TEMPLATES)


@cache
def served_intents() -> tuple[str, ...]:
    """`intent_names()`, then those that are trained and served but too rare in English to be split."""
    rare = (name for name, count in _covered_intents().items() if count < ENGLISH_TEMPLATES)
    return (*intent_names(), *rare)


def load_commands(language: str, split: str) -> Commands:
    """Commands of a language. Labels count in `served_intents()`, whose head is `intent_names()`.

    split: "train" or "test" for English, "dev" or "test" for other languages, each of the evaluated intents
    only; "rare" for the served intents that are reported apart (all their templates). The templates of two
    splits never overlap, nor do their texts.
    """
    splits = ("train" if language == ENGLISH else "dev", "test", "rare")
    if split not in splits:
        raise ValueError(f"{language} has the splits {', '.join(splits)}, not {split!r}")
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
        if sum(intent in known for known in others) >= COVERED_LANGUAGES
    }


def _sample_commands(language: str) -> dict[str, list[tuple[str, str, int]]]:
    """Split → rows (text, intent, template number), sampled from the language's templates."""
    grammar = templates.Grammar(language, templates.slot_values(_dictionary(language)))
    evaluated, served = set(intent_names()), set(served_intents())
    known = [template for template in grammar.templates if template.intent in served]
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
def data_folder() -> Path:
    """The folder of the parsed translations, made on first use; its name says from what and by which code."""
    sources = "".join(map(assets.asset_version, ("translations", "frontend")))
    folder = (
        assets.cache_folder()
        / "data"
        / fingerprint(translations, f"{sources} {HELD_OUT} {HELD_OUT_LANGUAGES}")
    )
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


@cache
def _commands_folder() -> Path:
    packages = " ".join(version(name) for name in ("home-assistant-intents", "hassil"))
    return data_folder() / f"commands-{fingerprint(templates, packages)}"


def fingerprint(*made_of: ModuleType | str) -> str:
    """Twelve characters that change with these modules' code and these texts: a name for what they made."""
    digest = hashlib.sha256()
    for part in made_of:
        digest.update(part.encode() if isinstance(part, str) else Path(part.__file__).read_bytes())
    return digest.hexdigest()[:12]


def _parse_translations(folder: Path) -> None:
    """Read all translation files and write `parallel.json` and `pairs/LANGUAGE.json` into `folder`."""
    from rich.console import Console
    from rich.progress import Progress

    folders = assets.asset_folder("translations"), assets.asset_folder("frontend")
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
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as progress:
        bar = progress.add_task("Reading translations", total=len(files))
        strings = translations.read_strings(files, on_file=lambda: progress.advance(bar))
    english = translations.unique_english(strings.pop(ENGLISH))
    pairs = {name: translations.pair_up(english, table) for name, table in sorted(strings.items())}
    held_out = translations.choose_held_out(pairs, HELD_OUT, HELD_OUT_LANGUAGES)
    texts = sorted(set(english.values()))
    number = {text: index for index, text in enumerate(texts)}
    counts = {}
    for name, table in pairs.items():
        rows = [(number[text], translation) for text, several in table.items() for translation in several]
        counts[name] = sum(texts[index] not in held_out for index, _ in rows)
        write_json(folder / f"pairs/{name}.json", rows)
    shared = {"english": texts, "held_out": sorted(number[text] for text in held_out), "pairs": counts}
    write_json(folder / "parallel.json", shared)  # last: its presence says that all is there


def read_json(path: Path):
    """What `write_json` wrote; StudyError where a disk or a person damaged it since."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        folder = assets.cache_folder() / "data"
        reason = type(error).__name__
        raise StudyError(
            say(
                f"The cached file {path} can't be read ({reason}): delete {folder}, and it is made anew.",
                f"缓存文件{path}无法读取（{reason}）：请删除{folder}，之后会重新生成。",
            )
        ) from error


def write_json(path: Path, content) -> None:
    """Atomic: another process sees the old file, the whole new one, or none; StudyError for a full disk."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")  # two processes may write at once
    with writing_to(path.parent, assets.CACHE_VARIABLE):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            unfinished.write_text(json.dumps(content, ensure_ascii=False), "utf-8")  # faster than json.dump
            os.replace(unfinished, path)
        finally:
            unfinished.unlink(missing_ok=True)
