"""The question bank: one YAML file a topic, both languages side by side, checked when it is read.

A file is a list of questions with the fields of `Question`. A text is `{en: …, zh: …}` in Markdown;
`answer_short` and `traps` are lists that start each item with "- ".
"""

import re
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, Text, say
from kd_study.exercises.catalog import LEVELS

FOLDER = Path(__file__).parent
_EVIDENCE = re.compile(r"\d\d_\w+#[\w-]+")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _text(value, info: ValidationInfo) -> Text:
    complete = isinstance(value, dict) and value.keys() == set(LANGUAGES)
    if not complete or not all(isinstance(text, str) and text.strip() for text in value.values()):
        languages = ", ".join(LANGUAGES)
        raise ValueError(
            say(
                f"{info.field_name} needs a text in each of {languages}, and nothing else",
                f"{info.field_name}需要{languages}各一段文字，不能有别的",
            )
        )
    return Text(**{language: text.strip() for language, text in value.items()})


def _strings(value, info: ValidationInfo) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError(
            say(
                f"{info.field_name} is a list of strings, [] where there is none",
                f"{info.field_name}是字符串列表，没有就写[]",
            )
        )
    return tuple(value)


def _name(value) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError(say("an id is lower-case words joined by hyphens", "id由小写单词组成，用连字符相连"))
    return value


def _of_the_file(value, info: ValidationInfo) -> str:
    if value != info.context:
        raise ValueError(
            say(
                f"the topic is {value!r}, but the file's name says {info.context!r}",
                f"topic是{value!r}，而文件名是{info.context!r}",
            )
        )
    return value


def _level(value) -> str:
    if not isinstance(value, str) or value not in LEVELS:
        levels = ", ".join(LEVELS)
        raise ValueError(
            say(f"level is one of {levels}, not {value!r}", f"level是{levels}之一，而不是{value!r}")
        )
    return value


def _items_between(least: int, most: int) -> AfterValidator:
    """A list in Markdown, with that many items in each language."""

    def counted(text: Text, info: ValidationInfo) -> Text:
        counts = [len(_items(side)) for side in text]
        if counts[0] != counts[1] or not least <= counts[0] <= most:
            raise ValueError(
                say(
                    f"{info.field_name} needs {least} to {most} items '- …', as many in each language; "
                    f"found {counts}",
                    f"{info.field_name}需要{least}到{most}条“- …”，两种语言条数相同；现有{counts}",
                )
            )
        return text

    return AfterValidator(counted)


def _cells(evidence: tuple[str, ...]) -> tuple[str, ...]:
    for cell in evidence:
        if not _EVIDENCE.fullmatch(cell):
            raise ValueError(
                say(
                    f"evidence is written lesson#cell, such as 02_temperature#t-squared, not {cell!r}",
                    f"evidence写作“课程#单元格”，例如02_temperature#t-squared，而不是{cell!r}",
                )
            )
    return evidence


_InBoth = Annotated[Text, PlainValidator(_text)]
_Strings = Annotated[tuple[str, ...], PlainValidator(_strings)]


class Question(BaseModel):
    """One interview question.

    answer_short: what to say in 60 seconds, three to five points. answer_deep: what a strong candidate adds.
    follow_ups: ids of questions asked next. exercises: names. evidence: "lesson#cell", executed cells that
    back the answer. sources: papers and threads.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, PlainValidator(_name)]
    topic: Annotated[str, PlainValidator(_of_the_file)]
    level: Annotated[str, PlainValidator(_level)]
    question: _InBoth
    answer_short: Annotated[_InBoth, _items_between(3, 5)]
    answer_deep: _InBoth
    traps: Annotated[_InBoth, _items_between(1, 9)]
    follow_ups: _Strings
    exercises: _Strings
    evidence: Annotated[_Strings, AfterValidator(_cells)]
    sources: _Strings

    @model_validator(mode="after")
    def _rests_on_something(self) -> "Question":
        if not self.evidence and not self.sources:
            raise ValueError(
                say(
                    "an answer rests on evidence (a cell of a lesson) or on sources; give one",
                    "答案要有依据：evidence（课程里的单元格）或sources，至少给出一个",
                )
            )
        return self

    @property
    def points(self) -> tuple[Text, ...]:
        """The short answer's points, one by one."""
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
        raise StudyError(
            say(
                f"no question has the id {identifier!r}; the nearest: {near}",
                f"没有id为{identifier!r}的问题；相近的有：{near}",
            )
        )
    return bank[identifier]


def load_questions(folder: Path) -> dict[str, Question]:
    """Reads and checks every YAML file of a folder. StudyError names the file and the question at fault."""
    bank: dict[str, Question] = {}
    for path in sorted(folder.glob("*.yaml")):
        for number, entry in enumerate(_entries(path), 1):
            name = entry.get("id") if isinstance(entry, dict) else None
            where = f"{path.name}, {name or say(f'question {number}', f'第{number}题')}"
            try:
                found = Question.model_validate(entry, context=path.stem)
            except ValidationError as error:
                raise StudyError(f"{where}: {_sentence(error)}") from error
            if found.id in bank:
                taken = say("the id is taken by another question", "这个id已被另一个问题占用")
                raise StudyError(f"{where}: {taken}")
            bank[found.id] = found
    return bank


def _entries(path: Path) -> list:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise StudyError(
            say(f"{path.name} is not valid YAML: {error}", f"{path.name}不是合法的YAML：{error}")
        ) from error
    if not isinstance(entries, list):
        raise StudyError(
            say(
                f"{path.name}: expected a list of questions, each starting with '- id: …'",
                f"{path.name}：应是问题列表，每个问题以“- id: …”开头",
            )
        )
    return entries


def _sentence(error: ValidationError) -> str:
    """What is wrong with an entry, the coarsest fault first: no mapping, fields, then what they hold."""
    faults = error.errors()
    by_kind = {kind: sorted(str(f["loc"][0]) for f in faults if f["type"] == kind) for kind in _FIELDS}
    if names := by_kind["missing"]:
        return say(f"missing: {', '.join(names)}", f"缺少：{', '.join(names)}")
    if names := by_kind["extra_forbidden"]:
        return say(f"unknown: {', '.join(names)}", f"未知字段：{', '.join(names)}")
    told = faults[0].get("ctx", {}).get("error")
    return str(told) if told else say("expected a mapping of fields", "应是由字段组成的映射")


_FIELDS = ("missing", "extra_forbidden")  # pydantic's names


def _items(markdown: str) -> list[str]:
    """The items of a Markdown list, each without its dash."""
    return [item.strip() for item in re.split(r"^- ", markdown, flags=re.MULTILINE)[1:]]


def render(question: Question, language: str) -> str:
    """The question as Markdown for a notebook, its answer folded away."""

    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    level = getattr(LEVELS[question.level], language)
    parts = [
        f"### {getattr(question.question, language)}",
        words(f"*Say it in 60 seconds* ({level})", f"*60秒作答*（{level}）"),
        "<details>",
        words(
            "<summary>Answer aloud, then open and compare</summary>",
            "<summary>先开口回答，再展开逐条对照</summary>",
        ),
        "\n".join(f"- {getattr(point, language)}" for point in question.points),
    ]
    return "\n\n".join([*parts, *beyond(question, language), "</details>"])


def beyond(question: Question, language: str) -> list[str]:
    """What follows the points of the answer, as paragraphs of Markdown."""

    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    parts = [
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
    return parts
