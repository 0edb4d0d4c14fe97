"""Which exercises there are, and what is written about each: found by looking into the topics' folders.

NAME.py holds the checks and wrong answers, and is imported only when somebody is graded; NAME.md beside it is
read here: level, minutes and lesson at its top, then statement, hints and discussion in both languages, and
the stub's docstring in Chinese.
"""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import LANGUAGES, Text, say

if TYPE_CHECKING:
    from kd_study.exercises.base import Exercise

FOLDER = Path(__file__).parent
TOPIC_TITLES = {
    "response": Text("Response", "基于响应"),
    "loop": Text("The loop", "训练循环"),
    "features": Text("Features", "基于特征"),
    "crosslingual": Text("Across languages", "跨语言"),
    "sequences": Text("Sequences", "序列"),
    "measuring": Text("Measuring and shipping", "评测与部署"),
    "debugging": Text("Debugging", "找错"),
}
LEVELS = {"basic": Text("basic", "基础"), "mid": Text("mid", "中等"), "hard": Text("hard", "困难")}
HEADINGS = ("Statement", "Hint 1", "Hint 2", "Hint 3", "Discussion")
_WRITTEN_IN = dict.fromkeys(HEADINGS, LANGUAGES) | {"Docstring": ("zh",)}  # in English it is the reference's
_LANGUAGE_HEADINGS = {"## English": "en", "## 中文": "zh"}
_FRONT = re.compile(r"---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Sheet:
    """What is written about an exercise. lesson: the one that it is set in, "" where none is. hints: an idea,
    a formula, a skeleton."""

    name: str
    topic: str
    order: int
    level: str
    minutes: int
    lesson: str
    sources: tuple[str, ...]
    statement: Text
    hints: tuple[Text, Text, Text]
    discussion: Text
    chinese_docstring: str


@cache
def sheet(name: str) -> Sheet:
    """The sheet of that exercise. KeyError as of `exercise`; StudyError where its file breaks the form."""
    path = _paths().get(name)
    if path is None:
        raise KeyError(no_such_exercise(name))
    return read_sheet(path)


def read_sheet(path: Path) -> Sheet:
    """Reads NAME.md; StudyError names the file and what is wrong with it, in one sentence."""
    text = path.read_text(encoding="utf-8")
    front = _front_matter(path, text)
    texts = _texts(path, _FRONT.sub("", text, count=1))
    statement, *hints, discussion = (texts[heading] for heading in HEADINGS)
    return Sheet(
        name=path.stem,
        topic=path.parent.name,
        order=front["order"],
        level=front["level"],
        minutes=front["minutes"],
        lesson=front["lesson"] or "",
        sources=tuple(front.get("sources") or ()),
        statement=statement,
        hints=tuple(hints),
        discussion=discussion,
        chinese_docstring=texts["Docstring"].zh,
    )


def _front_matter(path: Path, text: str) -> dict:
    import yaml

    match = _FRONT.match(text)
    try:
        front = yaml.safe_load(match[1]) if match else None
    except yaml.YAMLError:
        front = None
    if not isinstance(front, dict):
        front = {}
    if missing := ", ".join(name for name in ("order", "level", "minutes", "lesson") if name not in front):
        raise _broken(
            path,
            f"missing between the two --- at its top: {missing}",
            f"开头两个---之间缺少{missing}",
        )
    if front["level"] not in LEVELS:
        known, level = ", ".join(LEVELS), front["level"]
        raise _broken(
            path, f"level is one of {known}, not {level!r}", f"level应是{known}之一，而不是{level!r}"
        )
    for name in ("order", "minutes"):
        if not isinstance(front[name], int):
            value = front[name]
            raise _broken(
                path, f"{name} is a whole number, not {value!r}", f"{name}应是整数，而不是{value!r}"
            )
    return front


def _broken(path: Path, en: str, zh: str) -> StudyError:
    return StudyError(say(f"{path.name}: {en}.", f"{path.name}：{zh}。"))


def _texts(path: Path, body: str) -> dict[str, Text]:
    """Heading → its text in both languages, "" in one that it isn't written in."""
    found: dict[str, dict[str, list[str]]] = {}
    heading = language = None
    for line in body.splitlines():
        if line.startswith("# ") and line.removeprefix("# ") in _WRITTEN_IN:
            heading, language = line.removeprefix("# "), None
        elif heading and line in _LANGUAGE_HEADINGS:
            language = _LANGUAGE_HEADINGS[line]
        elif heading and language:
            found.setdefault(heading, {}).setdefault(language, []).append(line)
    for heading, languages in _WRITTEN_IN.items():
        for title, language in _LANGUAGE_HEADINGS.items():
            if language in languages and not "".join(found.get(heading, {}).get(language, [])).strip():
                raise _broken(
                    path,
                    f"no text under '# {heading}', '{title}'",
                    f"“# {heading}”的“{title}”下没有文字",
                )
    return {
        heading: Text(*("\n".join(sides.get(code, [])).strip() for code in LANGUAGES))
        for heading, sides in found.items()
    }


@cache
def _paths() -> dict[str, Path]:
    """Name → its sheet's path, in the order of study."""
    found = [path for topic in TOPIC_TITLES for path in _in_order(FOLDER / topic)]
    return {path.stem: path for path in found}


def _in_order(folder: Path) -> list[Path]:
    def order(path: Path) -> tuple[int, str]:
        with path.open(encoding="utf-8") as file:
            line = next((line for line in file if line.startswith("order:")), "order: 0")
        return int(line.split(":")[1]), path.stem

    return sorted(folder.glob("*.md"), key=order)


TOPICS = {
    topic: tuple(name for name, path in _paths().items() if path.parent.name == topic)
    for topic in TOPIC_TITLES
}
NAMES = tuple(_paths())


@cache
def exercise(name: str) -> "Exercise":
    """The exercise of that name, with its checks; KeyError, with the names most like it, where there is none."""
    module = import_module(f"kd_study.exercises.{sheet(name).topic}.{name}")
    return module.EXERCISE


def nearest(name: str) -> list[str]:
    """Up to three names of exercises that look like `name`."""
    return get_close_matches(name, NAMES, n=3, cutoff=0.0)


def no_such_exercise(name: str) -> str:
    """What to say of a name that no exercise has."""
    near = ", ".join(nearest(name))
    return say(
        f"No exercise is called {name!r}. The nearest: {near}.", f"没有名为{name!r}的练习，相近的有：{near}。"
    )


def all_exercises() -> list["Exercise"]:
    """Every exercise, in the order of study."""
    return [exercise(name) for name in NAMES]
