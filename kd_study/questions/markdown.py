"""A question as Markdown: for a notebook with its answer folded away, for an interviewer with its rubric."""

import re
from base64 import b64encode

from kd_solutions.support.language import Text
from kd_study.exercises.catalog import LEVELS
from kd_study.questions.bank import all_questions
from kd_study.questions.form import KINDS, Question, Sighting, items
from kd_study.questions.pictures import PICTURE, picture


def render(question: Question, language: str) -> str:
    """The question with its answer folded away. A picture is an attachment of its cell, see `attachments`."""

    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    asked = PICTURE.sub(r"attachment:\1.png", getattr(question.question, language))
    level = getattr(LEVELS[question.level], language)
    kind = getattr(KINDS[question.kind], language)
    parts = [
        f"### {asked}",
        words(f"*Say it in 60 seconds* ({level}, {kind})", f"*60秒作答*（{level}，{kind}）"),
        "<details>",
        words(
            "<summary>Answer aloud, then open and compare</summary>",
            "<summary>先开口回答，再展开逐条对照</summary>",
        ),
        "\n".join(f"- {getattr(point, language)}" for point in question.points),
    ]
    return "\n\n".join([*parts, *beyond(question, language), "</details>"])


def in_words(question: Question, language: str) -> str:
    """The question for where no picture can be shown: what it would show stands in its place."""
    return re.sub(r"!\[([^\]]*)\]\(picture:\w+\)", r"[\1]", getattr(question.question, language))


def with_pictures(question: Question, language: str) -> str:
    """The question with its pictures inside, for an output of a cell, which can carry no attachment."""

    def inside(found: re.Match) -> str:
        return f"data:image/png;base64,{b64encode(picture(found[1])).decode()}"

    return PICTURE.sub(inside, getattr(question.question, language))


def beyond(question: Question, language: str) -> list[str]:
    """What follows the points of the answer, as paragraphs of Markdown."""

    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    parts = [
        words("**What a strong candidate adds**", "**更进一步**"),
        getattr(question.answer_deep, language),
        words("**Traps**", "**易错点**"),
        traps(question, language),
    ]
    if question.rubric:
        parts += [words("**How it is scored**", "**评分标准**"), rubric(question, language)]
    if question.follow_ups:
        parts.append(words("**Asked next**", "**接着会问**"))
        bank = all_questions()
        parts.append("\n".join(f"- {getattr(bank[name].title, language)}" for name in question.follow_ups))
    if question.sources:
        parts.append(words("**Sources**: ", "**出处**：") + words("; ", "；").join(question.sources))
    return parts


def traps(question: Question, language: str) -> str:
    """The traps as a list, below each the public lists that it was seen in."""
    lines = []
    for number, trap in enumerate(items(getattr(question.traps, language)), 1):
        lines.append(f"- {trap}")
        lines += [f"  - {_seen(each, language)}" for each in question.seen_in if each.trap == number]
    return "\n".join(lines)


def _seen(sighting: Sighting, language: str) -> str:
    place = f"[{sighting.repository}, {sighting.file}:{sighting.line}]({sighting.address})"
    statement = getattr(sighting.statement, language)
    seen = Text(f"Seen in {place}, {sighting.date}: ", f"见于{place}（{sighting.date}）：")
    return f"{getattr(seen, language)}{statement}"


def rubric(question: Question, language: str) -> str:
    """The points of a rubric as a list, each with its weight."""
    total = sum(each.weight for each in question.rubric)
    lines = [f"- **{each.weight}/{total}** {getattr(each.point, language)}" for each in question.rubric]
    return "\n".join(lines)


def attachments(markdown: str) -> dict[str, bytes]:
    """The pictures, by file name, that a cell with this text must carry."""
    return {f"{name}.png": picture(name) for name in re.findall(r"\(attachment:(\w+)\.png\)", markdown)}
