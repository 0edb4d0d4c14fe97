"""Finding a question on the page that holds all of them."""

import re
from functools import cache
from typing import TYPE_CHECKING

from kd_solutions.support.language import say
from kd_study.exercises.catalog import LEVELS
from kd_study.lessons.links import cell_address
from kd_study.lessons.outline import LESSONS

if TYPE_CHECKING:
    from kd_study.questions import Question

PAGE = "questions"
MOST = 30  # links shown at once


def find_questions() -> "Finder":
    """Choices of topic, level, kind, lesson and state, and a box for words; end a cell with it to show it.

    Where no question holds every word, those nearest to what is asked are shown, as by `search_questions`.
    """
    return Finder()


def search_questions(text: str) -> None:
    """Shows links to the questions nearest to what is asked, in any language that your student reads."""
    from kd_study.notebook.views import show_markdown
    from kd_study.questions.own_words import MOST, search

    found = search(text)
    show_markdown(f"{links(list(found.questions[:MOST]))}\n\n*{found.how}*")


class Finder:
    """Choices, a box for words, and below them links to the questions that fit."""

    def __init__(self):
        import ipywidgets

        from kd_study.memory.cards import STATES
        from kd_study.questions import KINDS, TOPICS, all_questions, by_topic

        def choice(title: str, names: dict[str, object]) -> ipywidgets.Dropdown:
            options = [(say("all", "全部"), ""), *((str(shown), name) for name, shown in names.items())]
            return ipywidgets.Dropdown(description=title, options=options, value="")

        bank = all_questions().values()
        topics = {topic: TOPICS[topic] for topic in by_topic(bank)}
        touched = set().union(*lessons_of().values())
        lessons = {lesson.name: lesson.title for lesson in LESSONS if lesson.name in touched}
        self._choices = {
            "topic": choice(say("topic", "主题"), topics),
            "level": choice(say("level", "难度"), LEVELS),
            "kind": choice(say("kind", "题型"), KINDS),
        }
        self._lesson = choice(say("lesson", "课程"), lessons)
        self._state = choice(say("state", "状态"), STATES)
        self._words = ipywidgets.Text(
            description=say("words", "搜索"), placeholder=say("or ask in your own", "也可以直接提问")
        )
        self._below = ipywidgets.Output()
        parts = [*self._choices.values(), self._lesson, self._state, self._words]
        for part in parts:
            part.observe(self._update, "value")
        row = ipywidgets.Layout(flex_flow="row wrap")
        self._box = ipywidgets.VBox([ipywidgets.HBox(parts, layout=row), self._below])
        self._update()

    def found(self) -> "list[Question]":
        """The questions that fit what is chosen and typed."""
        return self._found()[0]

    def _found(self) -> "tuple[list[Question], str]":
        """What fits, and how it was found where not by the words themselves."""
        from kd_study.questions import all_questions, find
        from kd_study.questions.own_words import MOST, search

        typed = self._words.value
        fitting = self._chosen(list(all_questions().values()))
        if holding := find(fitting, typed):
            return holding, ""
        nearest = search(typed)
        chosen = [each for each in nearest.questions if each in fitting][:MOST]
        return chosen, nearest.how if chosen else ""

    def _chosen(self, questions: "list[Question]") -> "list[Question]":
        """Those that fit the choices."""
        from kd_study.memory.cards import all_cards
        from kd_study.questions import find
        from kd_study.records.store import now, records

        wanted = {field: part.value for field, part in self._choices.items() if part.value}
        lesson, state, when = self._lesson.value, self._state.value, now()
        cards = all_cards(records(), when) if state else {}
        return [
            each
            for each in find(questions, **wanted)
            if (not lesson or lesson in lessons_of()[each.id])
            and (not state or cards[each.id].is_in(state, when))
        ]

    def _update(self, _=None) -> None:
        questions, how = self._found()
        text = links(questions) + (f"\n\n*{how}*" if how else "")
        data = {"text/markdown": text, "text/plain": text}
        self._below.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)

    def _repr_mimebundle_(self, **options) -> dict:
        plain = say(
            "Choices of topic, level, kind, lesson and state, and a box for words",
            "主题、难度、题型、课程、状态的选择框，以及搜索框",
        )
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


def links(questions: "list[Question]") -> str:
    """How many questions were found, and a link to each, in Markdown."""
    from kd_study.questions import KINDS, TOPICS

    lines = [say(f"{len(questions)} questions", f"{len(questions)}个问题")]
    for each in questions[:MOST]:
        first = str(each.title).partition("\n")[0]
        what = say(", ", "，").join(map(str, (TOPICS[each.topic], LEVELS[each.level], KINDS[each.kind])))
        lines.append(f"- [{first}]({cell_address(PAGE, each.id)}) " + say(f"({what})", f"（{what}）"))
    if len(questions) > MOST:
        lines.append(say("- … choose or type more to see the rest", "- ……再选一项或多输几个词，看其余的"))
    return "\n".join(lines)


@cache
def lessons_of() -> dict[str, set[str]]:
    """Question's id → the lessons that ask it or whose cells back its answer."""
    from kd_study.lessons.source import lesson_sources
    from kd_study.questions import all_questions

    found = {
        each.id: {evidence.partition("#")[0] for evidence in each.evidence}
        for each in all_questions().values()
    }
    for source in lesson_sources():
        for asked in re.findall(r'^# %% .*\bquestion="([\w-]+)"', source.read_text("utf-8"), re.MULTILINE):
            found[asked].add(source.stem)
    return found
