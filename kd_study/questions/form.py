"""What an entry of the question bank must hold, and what is said where it doesn't."""

import re
from datetime import date as Day
from typing import Annotated
from urllib.parse import quote

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from kd_solutions.support.language import LANGUAGES, Text, say
from kd_study.exercises.catalog import LEVELS
from kd_study.questions.pictures import PICTURE, PICTURES

KINDS = {
    "concept": Text("concept", "概念"),
    "code": Text("code", "代码"),
    "estimate": Text("estimate", "估算"),
    "design": Text("design", "设计"),
}
_EVIDENCE = re.compile(r"\d\d_\w+#[\w-]+")
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_FENCE = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)
_IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
_SHOWN = re.compile(rf"{_FENCE.pattern}|{_IMAGE.pattern}", re.MULTILINE | re.DOTALL)


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


def _shown(text: Text, info: ValidationInfo) -> Text:
    """The text of a question: its blocks of code are closed, its pictures drawn by a script of ours."""
    for side in text:
        if "```" in _FENCE.sub("", side):
            raise ValueError(
                say(
                    f"{info.field_name}: a block of code stands between two lines that begin with ```",
                    f"{info.field_name}：代码块要夹在两行```之间",
                )
            )
        for described, address in _IMAGE.findall(side):
            found = PICTURE.fullmatch(address)
            if not described.strip() or not found or found[1] not in PICTURES:
                raise ValueError(
                    say(
                        f"a picture is written ![what it shows](picture:NAME), drawn by "
                        f"kd_study/questions/pictures/NAME.py, not {address!r}",
                        f"图片写作![图中内容](picture:名称)，由kd_study/questions/pictures/名称.py画出，"
                        f"而不是{address!r}",
                    )
                )
    return text


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


def one_of(known: dict[str, Text]) -> PlainValidator:
    def found(value, info: ValidationInfo) -> str:
        if not isinstance(value, str) or value not in known:
            names = ", ".join(known)
            raise ValueError(
                say(
                    f"{info.field_name} is one of {names}, not {value!r}",
                    f"{info.field_name}是{names}之一，而不是{value!r}",
                )
            )
        return value

    return PlainValidator(found)


def _items_between(least: int, most: int) -> AfterValidator:
    """A list in Markdown, with that many items in each language."""

    def counted(text: Text, info: ValidationInfo) -> Text:
        counts = [len(items(side)) for side in text]
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


def written_as(pattern: str, en: str, zh: str) -> PlainValidator:
    def matched(value, info: ValidationInfo) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(
                say(
                    f"{info.field_name} is written {en}, not {value!r}",
                    f"{info.field_name}写作{zh}，而不是{value!r}",
                )
            )
        return value

    return PlainValidator(matched)


def _day(value, info: ValidationInfo) -> Day:
    if type(value) is not Day:
        raise ValueError(
            say(
                f"{info.field_name} is a day, written 2026-11-28 without quotes, not {value!r}",
                f"{info.field_name}是日期，写作2026-11-28，不加引号，而不是{value!r}",
            )
        )
    return value


def _number_between(least: int, most: int) -> PlainValidator:
    def number(value, info: ValidationInfo) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(
                say(
                    f"{info.field_name} is a whole number from {least} to {most}, not {value!r}",
                    f"{info.field_name}是{least}到{most}的整数，而不是{value!r}",
                )
            )
        return value

    return PlainValidator(number)


InBoth = Annotated[Text, PlainValidator(_text)]
Strings = Annotated[tuple[str, ...], PlainValidator(_strings)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sighting(Part):
    """Where a public list teaches what a trap warns of: GitHub's owner/name, file, commit and line.

    date: when it was read. statement: what it says there. right: what is right, with its source.
    trap: which of the question's traps, counted from 1.
    """

    repository: Annotated[str, written_as(r"[\w.-]+/[\w.-]+", "owner/name", "owner/name")]
    file: Annotated[str, written_as(r"[^/\s].*", "as a path in the repository", "仓库里的路径")]
    commit: Annotated[str, written_as(r"[0-9a-f]{7,40}", "in 7 to 40 hex digits", "7到40位十六进制数")]
    line: Annotated[int, _number_between(1, 99_999)]
    date: Annotated[Day, PlainValidator(_day)]
    statement: InBoth
    right: InBoth
    source: Annotated[str, written_as(r"\S.*", "as text", "文字")]
    trap: Annotated[int, _number_between(1, 9)] = 1

    @property
    def address(self) -> str:
        """The line on GitHub, at the commit that was read."""
        return f"https://github.com/{self.repository}/blob/{self.commit}/{quote(self.file)}#L{self.line}"


class Weighted(Part):
    """One point of a rubric: what a good answer holds, and how much it weighs."""

    weight: Annotated[int, _number_between(1, 5)]
    point: InBoth


class Question(Part):
    """One interview question.

    question: may hold blocks of code, a log, a picture; of the kind `code` it does. answer_short: what to
    say in 60 seconds, three to five points. answer_deep: what a strong candidate adds. follow_ups: ids of
    questions asked next. exercises: names. evidence: "lesson#cell", executed cells that back the answer.
    sources: papers and threads. seen_in: public lists that teach a trap. rubric: of the kind `design`, what
    is scored.
    """

    id: Annotated[str, PlainValidator(_name)]
    topic: Annotated[str, PlainValidator(_of_the_file)]
    level: Annotated[str, one_of(LEVELS)]
    kind: Annotated[str, one_of(KINDS)]
    question: Annotated[InBoth, AfterValidator(_shown)]
    answer_short: Annotated[InBoth, _items_between(3, 5)]
    answer_deep: InBoth
    traps: Annotated[InBoth, _items_between(1, 9)]
    follow_ups: Strings
    exercises: Strings
    evidence: Annotated[Strings, AfterValidator(_cells)]
    sources: Strings
    seen_in: tuple[Sighting, ...] = ()
    rubric: tuple[Weighted, ...] = ()

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

    @model_validator(mode="after")
    def _shows_its_code(self) -> "Question":
        if self.kind == "code" and not all("```" in side or "](picture:" in side for side in self.question):
            raise ValueError(
                say(
                    "a question of the kind code shows code, a log or a picture, in each language",
                    "kind为code的问题，要在两种语言里都给出代码、日志或图片",
                )
            )
        return self

    @model_validator(mode="after")
    def _is_scored(self) -> "Question":
        if (self.kind == "design") != bool(self.rubric) or self.rubric and not 4 <= len(self.rubric) <= 8:
            raise ValueError(
                say(
                    "a question of the kind design has a rubric of 4 to 8 points, and no other has one",
                    "kind为design的问题要有rubric，4到8条；别的问题没有",
                )
            )
        return self

    @model_validator(mode="after")
    def _is_seen_under_a_trap(self) -> "Question":
        count = len(items(self.traps.en))
        if wrong := [sighting.trap for sighting in self.seen_in if sighting.trap > count]:
            raise ValueError(
                say(
                    f"seen_in names trap {wrong[0]}, but there are {count}",
                    f"seen_in指向第{wrong[0]}个易错点，而这里只有{count}个",
                )
            )
        return self

    @property
    def points(self) -> tuple[Text, ...]:
        """The short answer's points, one by one."""
        return tuple(map(Text, *(items(text) for text in self.answer_short)))

    @property
    def title(self) -> Text:
        """The question in words, without its blocks and pictures."""
        return Text(*(_SHOWN.sub("", text).strip() for text in self.question))


def items(markdown: str) -> list[str]:
    """The items of a Markdown list, each without its dash."""
    return [item.strip() for item in re.split(r"^- ", markdown, flags=re.MULTILINE)[1:]]


def sentence(error: ValidationError) -> str:
    """What is wrong with an entry, the coarsest fault first: no mapping, fields, then what they hold."""
    faults = error.errors()
    for kind, en, zh in (("missing", "missing", "缺少"), ("extra_forbidden", "unknown", "未知字段")):
        if names := sorted(_place(fault) for fault in faults if fault["type"] == kind):
            return say(f"{en}: {', '.join(names)}", f"{zh}：{', '.join(names)}")
    told = faults[0].get("ctx", {}).get("error")
    place = _place(faults[0])
    if isinstance(told, ValueError):
        where, _, _ = place.rpartition(".")
        return f"{where}: {told}" if where else str(told)
    if place:
        return say(f"{place} is not of the form that the field asks for", f"{place}的写法不合要求")
    return say("expected a mapping of fields", "应是由字段组成的映射")


def _place(fault) -> str:
    """Where in the entry, such as seen_in.0.line."""
    return ".".join(map(str, fault["loc"]))
