"""The question bank: one YAML file a topic, both languages side by side, checked when it is read.

A file is a list of questions with the fields of `Question`. A text is `{en: …, zh: …}` in Markdown;
`answer_short` and `traps` are lists that start each item with "- ".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, Text
from kd_study.exercises.catalog import LEVELS

FOLDER = Path(__file__).parent
_EVIDENCE = re.compile(r"\d\d_\w+#[\w-]+")


@dataclass(frozen=True)
class Question:
    """One interview question.

    answer_short: what to say in 60 seconds, three to five points. answer_deep: what a strong candidate adds.
    follow_ups: ids of questions asked next. exercises: names. evidence: "lesson#cell", executed cells that
    back the answer. sources: papers and threads.
    """

    id: str
    topic: str
    level: str
    question: Text
    answer_short: Text
    answer_deep: Text
    traps: Text
    follow_ups: tuple[str, ...]
    exercises: tuple[str, ...]
    evidence: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def points(self) -> tuple[Text, ...]:
        """The short answer's points, to be ticked one by one."""
        return tuple(map(Text, *(_items(text) for text in self.answer_short)))


@cache
def all_questions() -> dict[str, Question]:
    """Every question by its id, topic after topic."""
    return load_questions(FOLDER)


def question(identifier: str) -> Question:
    """The question with this id; StudyError, with the ids most like it, where there is none."""
    bank = all_questions()
    if identifier not in bank:
        near = ", ".join(get_close_matches(identifier, bank, n=3, cutoff=0.0))
        raise StudyError(f"no question has the id {identifier!r}; the nearest: {near}")
    return bank[identifier]


def load_questions(folder: Path) -> dict[str, Question]:
    """Reads and checks every YAML file of a folder. StudyError names the file and the question at fault."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    bank: dict[str, Question] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            entries = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
        except yaml.YAMLError as error:
            raise StudyError(f"{path.name} is not valid YAML: {error}") from error
        if not isinstance(entries, list):
            raise StudyError(f"{path.name}: expected a list of questions, each starting with '- id: …'")
        for number, entry in enumerate(entries, 1):
            name = entry.get("id") if isinstance(entry, dict) else None
            where = f"{path.name}, {name or f'question {number}'}"
            for fault in _faults(entry, path.stem):
                raise StudyError(f"{where}: {fault}")
            if entry["id"] in bank:
                raise StudyError(f"{where}: the id is taken by another question")
            bank[entry["id"]] = _question(entry)
    return bank


def _faults(entry, topic: str) -> Iterator[str]:
    if not isinstance(entry, dict):
        yield "expected a mapping of fields"
        return
    names = {field.name for field in fields(Question)}
    if missing := sorted(names - entry.keys()):
        yield f"missing: {', '.join(missing)}"
    if unknown := sorted(entry.keys() - names):
        yield f"unknown: {', '.join(unknown)}"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", str(entry["id"])):
        yield "an id is lower-case words joined by hyphens"
    if entry["topic"] != topic:
        yield f"the topic is {entry['topic']!r}, but the file's name says {topic!r}"
    if entry["level"] not in LEVELS:
        yield f"level is one of {', '.join(LEVELS)}, not {entry['level']!r}"
    for field in fields(Question):
        value = entry[field.name]
        if field.type is Text and not _is_text(value):
            yield f"{field.name} needs a text in each of {', '.join(LANGUAGES)}, and nothing else"
        if field.type == tuple[str, ...] and not _is_strings(value):
            yield f"{field.name} is a list of strings, [] where there is none"
    for name, least, most in (("answer_short", 3, 5), ("traps", 1, 9)):
        counts = [len(_items(entry[name][language])) for language in LANGUAGES]
        if counts[0] != counts[1] or not least <= counts[0] <= most:
            yield f"{name} needs {least} to {most} items '- …', as many in each language; found {counts}"
    for cell in entry["evidence"]:
        if not _EVIDENCE.fullmatch(cell):
            yield f"evidence is written lesson#cell, such as 02_temperature#t-squared, not {cell!r}"
    if not entry["evidence"] and not entry["sources"]:
        yield "an answer rests on evidence (a cell of a lesson) or on sources; give one"


def _is_text(value) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == set(LANGUAGES)
        and all(isinstance(text, str) and text.strip() for text in value.values())
    )


def _is_strings(value) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _question(entry: dict) -> Question:
    def typed(field):
        value = entry[field.name]
        if field.type is Text:
            return Text(**{language: text.strip() for language, text in value.items()})
        return tuple(value) if isinstance(value, list) else value

    return Question(**{field.name: typed(field) for field in fields(Question)})


def _items(markdown: str) -> list[str]:
    """The items of a Markdown list, each without its dash."""
    return [item.strip() for item in re.split(r"^- ", markdown, flags=re.MULTILINE)[1:]]


def render(question: Question, language: str) -> str:
    """The question as Markdown for a notebook, its answer folded away."""

    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    level = getattr(LEVELS[question.level], language)
    parts = [
        words(f"**Say it in 60 seconds** ({level})", f"**60秒作答**（{level}）"),
        getattr(question.question, language),
        "<details>",
        words(
            "<summary>Answer aloud, then open and tick what you said</summary>",
            "<summary>先开口回答，再展开逐条打勾</summary>",
        ),
        "\n".join(f"- ☐ {getattr(point, language)}" for point in question.points),
        words("**What a strong candidate adds**", "**更进一步**"),
        getattr(question.answer_deep, language),
        words("**Traps**", "**易错点**"),
        getattr(question.traps, language),
    ]
    if question.follow_ups:
        parts.append(words("**Asked next**", "**接着会问**"))
        bank = all_questions()
        parts.append("\n".join(f"- {getattr(bank[name].question, language)}" for name in question.follow_ups))
    if question.sources:
        parts.append(words("**Sources**: ", "**出处**：") + words("; ", "；").join(question.sources))
    return "\n\n".join([*parts, "</details>"])
