"""A mock interview in a notebook: buttons where they can be shown, and the same by plain calls."""

from collections.abc import Callable

from kd_solutions.support.errors import StudyError
from kd_solutions.support.language import current_language, say
from kd_study.exercises.catalog import exercise, sheet
from kd_study.exercises.stubs import stub_source
from kd_study.grading.grade import grade
from kd_study.interview.holding import intro, opening, taken
from kd_study.interview.mock import Item, MockInterview
from kd_study.interview.report import headline, sections
from kd_study.memory.ticks import MARKS, OPEN, read_letters
from kd_study.notebook.cards import markdown_box, set_markdown
from kd_study.notebook.planning import task_link
from kd_study.notebook.views import inline, report_html, show, show_markdown
from kd_study.notebook.widgets import Clock
from kd_study.questions import in_words, with_pictures
from kd_study.records.store import records


class InterviewBox:
    """One interview; see `kd_study.mock_interview`.

    Without buttons: `show()` asks, `answer()` stops the clock and shows the points, `tick("said", "half", …)`
    scores them, `hand_in(function)` has an exercise graded, `skip()` goes on, `report()` tells. `asked` is
    the id or the name of what is asked, None at the end.
    """

    def __init__(self, interview: MockInterview):
        import ipywidgets

        self._interview = interview
        self._marks = ""
        self._head, self._said = ipywidgets.HTML(), ipywidgets.HTML()
        self._front, self._after = markdown_box(""), markdown_box("")
        self._clock, self._points = ipywidgets.VBox(), ipywidgets.VBox()
        self._answer = self._button(say("Answered: show the points", "答完了：看要点"), self._stop)
        self._skip = self._button(say("Go on", "跳过"), self._pass)
        buttons = ipywidgets.HBox([self._answer, self._skip])
        self._box = ipywidgets.VBox(
            [self._head, self._said, self._front, self._clock, self._points, buttons, self._after]
        )
        self._draw()

    @property
    def asked(self) -> str | None:
        return self._interview.current.name if self._interview.current else None

    @property
    def seed(self) -> int:
        return self._interview.seed

    def show(self) -> None:
        """Shows what is asked now; at the end, the report."""
        if self._interview.current is None:
            self.report()
            return
        show_markdown(f"{intro(self._interview)}\n\n{_shown(self._interview.current)}\n\n{self._how()}")

    def answer(self) -> None:
        """Stops the clock and shows what a good answer holds."""
        item = self._interview.current
        if item is None or not item.points:
            print(self._how())
            return
        self._stop()
        points = "\n".join(f"{number}. {point}" for number, point in enumerate(item.points, 1))
        show_markdown(f"{taken(self._interview.current)}\n\n{points}\n\n{self._how()}")

    def tick(self, *marks: str | int) -> None:
        """Scores the points, one by one: "said", "half" or "missed", or 1, 2, 3; then asks what is next."""
        item = self._interview.current
        try:
            self._interview.tick(read_letters(marks, len(item.points) if item else 0))
        except StudyError as error:
            print(error)
            return
        self._draw()
        self.show()

    def hand_in(self, function: Callable) -> None:
        """Grades the exercise that is asked; goes on once it is solved."""
        item = self._interview.current
        if item is None or item.kind != "exercise" or not callable(function):
            print(self._how())
            return
        report = grade(function, item.name)
        self._interview.hand_in(report)
        show(str(report), report_html(report, ""))
        self._draw()
        if report.solved:
            self.show()

    def skip(self) -> None:
        """Goes on without an answer."""
        self._pass()
        self.show()

    def report(self) -> None:
        """Tells what was strong, what was weak, what to study next, and how that compares with earlier."""
        show_markdown(self._report())

    def _report(self) -> str:
        past = self._interview.so_far()
        parts = [f"**{headline(past)}**"]
        for title, lines in sections(past, records(), task_link):
            parts += [f"**{title}**", "\n".join(f"- {line}" for line in lines)]
        return "\n\n".join(parts)

    def _how(self) -> str:
        """What to call now, for where no buttons are shown."""
        item = self._interview.current
        if item is None:
            return say("The interview is over: `report()` tells.", "面试结束：`report()`给出报告。")
        if item.kind == "exercise":
            return say(
                f"(Write {item.name} in a cell of your own, then `hand_in({item.name})`; `skip()` goes on.)",
                f"（在自己的单元格里写{item.name}，再调用`hand_in({item.name})`；`skip()`跳过。）",
            )
        words = ", ".join('"said"' for _ in item.points)
        if self._interview.answered:
            return say(
                f"(Where no buttons are shown: `tick({words})`, each said, half or missed.)",
                f"（如果没有显示按钮：`tick({words})`，每一点写said、half或missed。）",
            )
        return say(
            "(Answer aloud. Where no buttons are shown: `answer()` shows the points; `skip()` goes on.)",
            "（先开口回答。如果没有显示按钮：`answer()`显示要点；`skip()`跳过。）",
        )

    def _button(self, text: str, act: Callable[[], None]):
        import ipywidgets

        button = ipywidgets.Button(description=text, layout=ipywidgets.Layout(width="auto"))
        button.on_click(lambda _: act())
        return button

    def _stop(self) -> None:
        self._interview.stop()
        self._draw()

    def _pass(self) -> None:
        self._interview.go_on()
        self._draw()

    def _ticked(self, number: int, letter: str | None) -> None:
        """Keeps a tick; with the last one the question is scored and the next asked."""
        if letter is None:
            return
        self._marks = f"{self._marks[:number]}{letter}{self._marks[number + 1 :]}"
        if OPEN not in self._marks:
            self._interview.tick(self._marks)
            self._draw()

    def _rows(self, item: Item) -> list:
        """A row a point, with three buttons."""
        import ipywidgets

        self._marks = OPEN * len(item.points)
        rows = []
        for number, point in enumerate(item.points):
            toggle = ipywidgets.ToggleButtons(
                options=[(str(words), letter) for letter, words in MARKS.items()],
                value=None,
                layout=ipywidgets.Layout(width="auto", flex="0 0 auto"),
            )
            toggle.style.button_width = "4.5em"
            toggle.observe(lambda change, number=number: self._ticked(number, change["new"]), "value")
            rows.append(ipywidgets.HBox([toggle, markdown_box(point)]))
        return rows

    def _draw(self) -> None:
        interview, item = self._interview, self._interview.current
        self._head.value = inline(opening(interview) if item and not interview.place else "")
        self._said.value = inline(intro(interview))
        set_markdown(self._front, _shown(item) if item else "")
        shown = item is not None and interview.answered and bool(item.points)
        self._clock.children = (Clock(item.seconds).box,) if item and not shown else ()
        self._points.children = tuple(self._rows(item)) if shown else ()
        self._answer.layout.display = None if item and item.points and not shown else "none"
        self._skip.layout.display = None if item and not shown else "none"
        after = self._report() if item is None else self._how() if item.kind == "exercise" else ""
        set_markdown(self._after, after)

    def _repr_mimebundle_(self, **options) -> dict:
        item = self._interview.current
        if item is None:
            plain = self._report()
        else:
            asked = in_words(item.asked, current_language()) if item.asked else _shown(item)
            plain = "\n".join([opening(self._interview), intro(self._interview), asked, self._how()])
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


def _shown(item: Item) -> str:
    """What is asked, as Markdown."""
    if item.asked:
        return f"### {with_pictures(item.asked, current_language())}"
    stub = stub_source(exercise(item.name), current_language())
    return f"### `{item.name}`\n\n{sheet(item.name).statement}\n\n```python\n{stub}\n```"
