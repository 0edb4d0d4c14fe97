"""The families of distillation: what each passes on, needs, costs, and what its source reports.

`families.yaml` is a list of entries with the fields of `Family`. A family's place on the map follows from
what passes on and whose inputs are read; so does its group.
"""

from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import ValidationError

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import Text, say
from kd_study.lessons.links import cell_address, exercise_link
from kd_study.lessons.outline import LESSONS
from kd_study.questions import question
from kd_study.questions.form import InBoth, Part, Strings, one_of, sentence, written_as

PAGE = "16_map"
PASSES = {  # from what any teacher gives away to what only its owner sees
    "texts": Text("texts", "文本"),
    "labels": Text("labels", "标签"),
    "logits": Text("logits", "logits"),
    "features": Text("features", "特征"),
    "relations": Text("relations", "关系"),
}
INPUTS = {
    "given": Text("given inputs", "现成的输入"),
    "made": Text("inputs that a model made", "模型生成的输入"),
    "own": Text("the student's own texts", "学生自己写的文本"),
}
TEACHERS = {
    "one": Text("one teacher", "一个教师"),
    "several": Text("several teachers", "多个教师"),
    "itself": Text("its own teacher", "自己当教师"),
}
SIGNS = {"one": "●", "several": "●●", "itself": "↻"}
GROUPS = {
    "data": Text("data", "基于数据"),
    "response": Text("response", "基于响应"),
    "feature": Text("feature", "基于特征"),
    "relation": Text("relation", "基于关系"),
    "on_policy": Text("on-policy", "同策略"),
}


class Family(Part):
    """One family.

    passes, inputs, teachers: of the names above. does: in one sentence. reported: one number, as `source`
    has it. lessons, exercises, questions: where it is taught; a lesson may still be unwritten.
    """

    id: Annotated[str, written_as(r"[a-z0-9]+(-[a-z0-9]+)*", "in lower-case words", "小写单词")]
    name: InBoth
    passes: Annotated[str, one_of(PASSES)]
    inputs: Annotated[str, one_of(INPUTS)]
    teachers: Annotated[str, one_of(TEACHERS)]
    does: InBoth
    needs: InBoth
    costs: InBoth
    reported: InBoth
    source: Annotated[str, written_as(r"\S.*", "as text", "文字")]
    lessons: Strings
    exercises: Strings
    questions: Strings

    @property
    def group(self) -> str:
        """Of `GROUPS`: whose inputs are read counts before what passes on."""
        if self.inputs == "own":
            return "on_policy"
        if self.inputs == "made" or self.passes == "texts":
            return "data"
        return {"features": "feature", "relations": "relation"}.get(self.passes, "response")


@cache
def all_families() -> dict[str, Family]:
    """Every family by its id, in the order of the file."""
    return load_families(Path(__file__).with_suffix(".yaml"))


def load_families(path: Path) -> dict[str, Family]:
    """Reads and checks a file of families. StudyError names the family at fault."""
    import yaml

    found: dict[str, Family] = {}
    for number, entry in enumerate(yaml.safe_load(path.read_text("utf-8")), 1):
        name = entry.get("id") if isinstance(entry, dict) else None
        where = f"{path.name}, {name or number}"
        try:
            family = Family.model_validate(entry)
        except ValidationError as error:
            raise StudyError(f"{where}: {sentence(error)}") from error
        if family.id in found:
            raise StudyError(f"{where}: " + say("the id is taken", "这个id已被占用"))
        found[family.id] = family
    return found


def find_family(words: str = "", **wanted: str) -> list[Family]:
    """The families that hold every word, in either language. wanted: fields and values, "" for any.

    Fields are group, passes, inputs and teachers. StudyError for another field or value.
    """
    known = {"group": GROUPS, "passes": PASSES, "inputs": INPUTS, "teachers": TEACHERS}
    for field, value in wanted.items():
        if field not in known or value and value not in known[field]:
            names = ", ".join(known.get(field, known))
            raise StudyError(
                say(f"{field}={value!r}: there are {names}", f"{field}={value!r}：可用的有{names}")
            )
    asked = words.casefold().split()
    return [
        family
        for family in all_families().values()
        if all(not value or getattr(family, field) == value for field, value in wanted.items())
        and all(word in _searched(family) for word in asked)
    ]


def _searched(family: Family) -> str:
    texts = (family.name, family.does, family.needs, family.costs, family.reported)
    return " ".join([family.id, family.source, *(side for text in texts for side in text)]).casefold()


def address(family: Family) -> str:
    """Where the family's entry stands."""
    return cell_address(PAGE, f"family-{family.id}")


def entry(family: Family, language: str) -> str:
    """The family's entry on the page, in Markdown."""

    def words(en: str, zh: str) -> str:
        return getattr(Text(en, zh), language)

    def of(text: Text) -> str:
        return getattr(text, language)

    place = " · ".join(
        of(text)
        for text in (
            GROUPS[family.group], PASSES[family.passes], INPUTS[family.inputs], TEACHERS[family.teachers]
        )
    )  # fmt: skip
    lines = [
        f"### {of(family.name)}",
        f"{SIGNS[family.teachers]} *{place}*",
        of(family.does),
        words(
            f"**Needs** {of(family.needs)}. **Costs** {of(family.costs)}.",
            f"**需要**：{of(family.needs)}。**代价**：{of(family.costs)}。",
        ),
        words(
            f"**Reported:** {of(family.reported)}. *{family.source}*",
            f"**文献报告**：{of(family.reported)}。*{family.source}*",
        ),
        " · ".join(links(family, language)),
    ]
    return "\n\n".join(lines)


def links(family: Family, language: str) -> list[str]:
    """Links to the lessons that are written, the exercises and the questions, in Markdown."""
    titles = {lesson.name: lesson.title for lesson in LESSONS}
    lessons = [
        f"[{getattr(titles[name], language)}]({name}.ipynb)" for name in family.lessons if name in titles
    ]
    asked = {name: getattr(question(name).title, language).partition("\n")[0] for name in family.questions}
    questions = [f"[{title}]({cell_address('questions', name)})" for name, title in asked.items()]
    return [*lessons, *map(exercise_link, family.exercises), *questions]


def short_links(family: Family) -> list[str]:
    """As `links`, by number and name, for a table."""
    written = {lesson.name for lesson in LESSONS}
    lessons = [f"[{name[:2]}]({name}.ipynb)" for name in family.lessons if name in written]
    questions = [f"[{name}]({cell_address('questions', name)})" for name in family.questions]
    return [*lessons, *map(exercise_link, family.exercises), *questions]


def entries(language: str) -> list[tuple[str, str]]:
    """(cell's id, Markdown) of every family, group after group, under a heading each."""
    found = []
    for group, title in GROUPS.items():
        found.append((f"group-{group.replace('_', '-')}", f"## {getattr(title, language).capitalize()}"))
        found += [
            (f"family-{family.id}", entry(family, language))
            for family in all_families().values()
            if family.group == group
        ]
    return found
