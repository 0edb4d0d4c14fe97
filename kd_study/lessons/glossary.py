"""The glossary: one word a thing in both languages; lessons link to a term where it first occurs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kd_solutions.support.language import LANGUAGES, Text
from kd_study.lessons.links import cell_address

GLOSSARY = "glossary"  # the page that the others link to
_PROTECTED = (  # no term is linked in code, formulas, links, HTML and headings
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]*\$|\[[^\]]*\]\([^)]*\)|<[^>\n]*>|^#+ [^\n]*$"
)


@dataclass(frozen=True)
class Term:
    """forms: in each language, the words that stand for it in a lesson."""

    name: Text
    means: Text
    forms: Text

    @property
    def anchor(self) -> str:
        """The id of its cell in the glossary, the same in both languages."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.en.lower()).strip("-")


@cache
def terms() -> tuple[Term, ...]:
    """Every term, by its English name."""
    import yaml

    entries = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    found = [
        Term(
            Text(entry["en"], entry["zh"]),
            Text(**entry["means"]),
            Text(*(_forms(entry, code) for code in LANGUAGES)),
        )
        for entry in entries
    ]
    return tuple(sorted(found, key=lambda term: term.name.en.casefold()))


def _forms(entry: dict, language: str) -> tuple[str, ...]:
    names = re.split("[,、] ?", entry[language])
    return tuple(entry.get("forms", {}).get(language, names))


def link_terms(texts: Sequence[str], language: str) -> tuple[list[str], list[Term]]:
    """A lesson's prose with each term linked where it first occurs, and the terms that occur.

    In *emphasis* the link goes around it: the stars beside a link inside would stay stars in Chinese.
    """
    form = _any_form(language)
    pattern = re.compile(
        rf"(?P<protected>{_PROTECTED})|(?P<stars>\*+)(?P<stressed>{form})(?P=stars)|(?<!\*)(?P<plain>{form})(?!\*)",
        re.DOTALL | re.MULTILINE | re.IGNORECASE,
    )
    seen: list[Term] = []

    def link(match: re.Match) -> str:
        word = match["stressed"] or match["plain"]
        if not word or (term := _term_of(word, language)) in seen:
            return match[0]
        seen.append(term)
        return f"[{match[0]}]({cell_address(GLOSSARY, term.anchor)})"

    return [pattern.sub(link, text) for text in texts], seen


def entries(language: str, lessons_of: dict[Term, list[str]]) -> list[tuple[str, str]]:
    """(anchor, Markdown) of every term, each under a heading, so that it stands in the contents.

    lessons_of: the lessons in which a term is used, by name.
    """
    other = LANGUAGES[1 - LANGUAGES.index(language)]
    found = []
    for term in terms():
        name, foreign = getattr(term.name, language), getattr(term.name, other)
        links = " · ".join(f"[{name[:2]}]({name}.ipynb)" for name in lessons_of.get(term, []))
        means = " · ".join(
            filter(None, [foreign if foreign != name else "", getattr(term.means, language), links])
        )
        found.append((term.anchor, f"### {name}\n\n{means}"))
    return found


@cache
def _by_form(language: str) -> dict[str, Term]:
    return {form.lower(): term for term in terms() for form in getattr(term.forms, language)}


def _any_form(language: str) -> str:
    """A pattern for any form, the longest first; an English one as a word of its own, also in the plural."""
    forms = "|".join(map(re.escape, sorted(_by_form(language), key=len, reverse=True)))
    return rf"\b(?:{forms})s?\b" if language == "en" else forms


def _term_of(word: str, language: str) -> Term:
    forms = _by_form(language)
    return forms.get(word.lower()) or forms[word.lower().removesuffix("s")]
