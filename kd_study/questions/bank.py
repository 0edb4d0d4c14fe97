"""The question bank: one YAML file a topic, both languages side by side, checked when it is read.

A file is a list of questions with the fields of `Question`. A text is `{en: …, zh: …}` in Markdown;
`answer_short` and `traps` are lists that start each item with "- ".
"""

from difflib import get_close_matches
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import say
from kd_study.questions.form import Question, sentence

FOLDER = Path(__file__).parent


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
                raise StudyError(f"{where}: {sentence(error)}") from error
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
