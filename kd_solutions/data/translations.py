"""Parallel text from a user interface: read translation files, clean them, and keep what can be trusted.

Source: the translations of Home Assistant (Apache-2.0), the same strings in some 60 languages.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from kd_solutions.data.sampling import stable_order

PLACEHOLDER = "{}"
LONGEST = 200  # characters; longer strings are paragraphs of help, whose mean says little
VARIANTS = 3  # different translations kept of one English string
ENGLISH = "en"
LANGUAGE_NAMES = {"zh-Hans": "zh", "no": "nb"}  # code in the files → code here
_ENGLISH_VARIANTS = {"en-GB"}

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_TAG = re.compile(r"</?\w[^>]*>")
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_MARKUP = re.compile(r"[*`_]{2,}|`|(?<!\w)_|_(?!\w)")
_UNUSABLE = re.compile(r"\[%key:|https?://|\bplural\b|\bselect,")
_MARKED = re.compile(r"[\[{<*`_]")
_NOT_A_LETTER = re.compile(r"[\W_]+")
_DIGITS = re.compile(r"\d+")


@lru_cache(maxsize=2**17)  # many strings occur again and again
def clean(text: str) -> str:
    """One line without markup: links become their text, every `{placeholder}` the one token `{}`.

    References to other strings (`[%key:…%]`), addresses and message formats with cases give an empty text.
    """
    marked = _MARKED.search(text)  # most strings are plain
    if marked:
        text = _LINK.sub(r"\1", text)
    if _UNUSABLE.search(text):
        return ""
    if marked:
        text = _MARKUP.sub("", _PLACEHOLDER.sub(PLACEHOLDER, _TAG.sub(" ", text)))
    text = " ".join(text.split())
    return text if len(text) <= LONGEST and any(map(str.isalpha, text.replace(PLACEHOLDER, ""))) else ""


@lru_cache(maxsize=2**17)  # the English side comes up once a language
def duplicate_key(text: str) -> str:
    """What two near-duplicates share: letters, without case, punctuation or the numbers' values."""
    return _NOT_A_LETTER.sub(" ", _DIGITS.sub("0", text.replace(PLACEHOLDER, " x ")).casefold()).strip()


def is_untranslated(english: str, translation: str) -> bool:
    """True where a translator left the English text as it was."""
    first, other = english[0], translation[0]
    if first.isalnum() and other.isalnum() and first.lower() != other.lower():
        return False  # most translations, without the cost of their keys
    return duplicate_key(english) == duplicate_key(translation)


def translation_files(translations: Path, frontend: Path) -> list[tuple[str, str, Path]]:
    """(section, language, file) of every translation file below the two asset folders, sorted."""
    backend_files = translations.rglob("components/*/translations/*.json")
    found = [(path.parent.parent.name, path.stem, path) for path in backend_files]
    for path in frontend.rglob("static/translations/**/*.json"):
        found.append((f"frontend/{path.parent.name}", path.stem.rsplit("-", 1)[0], path))  # name-hash.json
    return sorted(entry for entry in found if entry[1] not in _ENGLISH_VARIANTS)


def read_strings(
    files: Iterable[tuple[str, str, Path]], on_file: Callable[[], None] = lambda: None
) -> dict[str, dict[str, str]]:
    """Language → {path of the string: cleaned text}; `on_file` is called after each file, for a bar."""
    strings: dict[str, dict[str, str]] = defaultdict(dict)
    for section, language, path in files:
        table = strings[LANGUAGE_NAMES.get(language, language)]
        for name, text in _leaves(json.loads(path.read_text("utf-8")), section):
            if cleaned := clean(text):
                table[name] = cleaned
        on_file()
    return dict(strings)


def _leaves(node: Mapping | str, prefix: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield prefix, node
    elif isinstance(node, Mapping):
        for name, child in node.items():
            yield from _leaves(child, f"{prefix}.{name}")


def unique_english(strings: Mapping[str, str]) -> dict[str, str]:
    """Path → the one spelling kept of its English string: near-duplicates share their most frequent spelling.

    This happens before any split, so that no near-duplicate of a held-out string is trained on.
    """
    spellings: dict[str, Counter] = defaultdict(Counter)
    for text in strings.values():
        spellings[duplicate_key(text)][text] += 1
    kept = {key: _most_frequent(counts, 1)[0] for key, counts in spellings.items()}
    return {path: kept[duplicate_key(text)] for path, text in strings.items()}


def pair_up(english: Mapping[str, str], translations: Mapping[str, str]) -> dict[str, list[str]]:
    """English text → its most frequent translations (at most `VARIANTS`), without those left in English."""
    variants: dict[str, list[str]] = defaultdict(list)
    for path, translation in translations.items():
        if text := english.get(path):
            variants[text].append(translation)
    pairs = {}
    for text in sorted(variants):
        translated = [option for option in variants[text] if not is_untranslated(text, option)]
        if translated:
            pairs[text] = _most_frequent(Counter(translated), VARIANTS) if len(translated) > 1 else translated
    return pairs


def choose_held_out(pairs: Mapping[str, Mapping[str, list]], count: int, languages: int) -> set[str]:
    """`count` English texts of three words or more that at least `languages` languages translate."""
    coverage = Counter(text for of_language in pairs.values() for text in of_language)
    well_covered = [text for text, n in coverage.items() if n >= languages and len(text.split()) >= 3]
    return set(stable_order(well_covered)[:count])


def _most_frequent(counts: Counter, limit: int) -> list[str]:
    return sorted(counts, key=lambda text: (-counts[text], text))[:limit]
