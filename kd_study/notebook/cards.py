"""An answer's points as buttons, and the review's cards. Each press is recorded at once."""

from kd_solutions.support.language import current_language, say
from kd_study.exercises.catalog import LEVELS
from kd_study.memory.answering import Answering
from kd_study.memory.session import Session
from kd_study.memory.ticks import GRADES, MARKS
from kd_study.memory.words import ending, headline
from kd_study.notebook.views import inline
from kd_study.questions import KINDS, Question, beyond, with_pictures
from kd_study.records.store import records


class Ticks:
    """A button that opens the points below it; see `kd_study.tick`."""

    def __init__(self, asked: Question):
        import ipywidgets

        self._asked = asked
        self._open = ipywidgets.Button(
            description=say("Tick what you said", "逐点打钩"), layout=ipywidgets.Layout(width="auto")
        )
        self._open.on_click(self._show)
        self._box = ipywidgets.VBox([self._open])

    def _show(self, _=None) -> None:
        points = Points(Answering(self._asked, records()).untimed())
        self._box.children = (points.box,)

    def _repr_mimebundle_(self, **options) -> dict:
        words = ", ".join(f'"{MARKS["s"].en}"' for _ in self._asked.points)
        plain = say(
            f'Tick what you said: buttons below; where none are shown, `tick("{self._asked.id}", {words})`, '
            "each said, half or missed.",
            f'逐点打钩：请用下面的按钮；如果没有显示按钮，就写`tick("{self._asked.id}", {words})`，'
            "每一点写said、half或missed。",
        )
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


class Points:
    """A row a point, three buttons each, and below them what is recorded. after: called with each tick."""

    def __init__(self, answering: Answering, after=lambda: None):
        import ipywidgets

        self._answering, self._after = answering, after
        self.toggles = [self._toggle(number) for number in range(len(answering.marks))]
        rows = [
            ipywidgets.HBox([toggle, text], layout=ipywidgets.Layout(align_items="center"))
            for toggle, text in zip(self.toggles, map(markdown_box, answering.asked.points), strict=True)
        ]
        self.said = ipywidgets.HTML()
        self.box = ipywidgets.VBox([*rows, self.said])

    def _toggle(self, number: int):
        import ipywidgets

        letter = self._answering.marks[number]
        toggle = ipywidgets.ToggleButtons(
            options=[(str(words), each) for each, words in MARKS.items()],
            value=letter if letter in MARKS else None,
            layout=ipywidgets.Layout(width="auto", flex="0 0 auto"),
        )
        toggle.style.button_width = "4.5em"
        toggle.observe(lambda change: self._mark(number, change["new"]), "value")
        return toggle

    def _mark(self, number: int, letter: str | None) -> None:
        if letter is None:
            return
        self._answering.mark(number, letter)
        self.said.value = inline(self._answering.told())
        self._after()


def markdown_box(text: object):
    """A box that shows Markdown with its formulas as the notebook itself does."""
    import ipywidgets

    box = ipywidgets.Output(layout=ipywidgets.Layout(flex="1 1 20em"))
    set_markdown(box, text)
    return box


def set_markdown(box, text: object) -> None:
    """Shows another text in such a box; none where it is empty."""
    data = {"text/plain": str(text), "text/markdown": str(text)}
    box.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},) if str(text) else ()


class ReviewBox:
    """The cards one by one. In the line at the top a space reveals and 1 to 4 grade; so do the buttons.

    Without buttons: `reveal()` and `grade(3)`; `asked` is the question's id, None at the end.
    """

    def __init__(self, session: Session):
        import ipywidgets

        self._session = session
        self._head = ipywidgets.HTML()
        self._keys = ipywidgets.Text(
            placeholder=say("Click here: space reveals, 1 to 4 grade", "点这里：空格揭晓，1到4评分"),
            layout=ipywidgets.Layout(width="22em"),
        )
        self._keys.observe(self._typed, "value")
        self._front, self._rest = markdown_box(""), markdown_box("")
        self._show = ipywidgets.Button(description=say("Show the answer", "揭晓答案"))
        self._show.on_click(lambda _: self.reveal())
        self._points = ipywidgets.VBox()
        self._grades = ipywidgets.HBox([self._button(grade) for grade in GRADES])
        self._said = ipywidgets.HTML()
        self._box = ipywidgets.VBox(
            [
                self._head,
                self._keys,
                self._front,
                self._show,
                self._points,
                self._grades,
                self._rest,
                self._said,
            ]
        )
        self._draw()

    @property
    def asked(self) -> str | None:
        return self._session.asked.id if self._session.asked else None

    def reveal(self) -> None:
        """Shows the answer, to be ticked or graded."""
        self._session.reveal()
        self._draw()

    def grade(self, grade: int) -> None:
        """Grades the answer and asks the next question; the answer has to be revealed."""
        if self._session.revealed and grade in GRADES:
            self._said.value = inline(self._session.grade(grade))
            self._draw()

    def _button(self, grade: int):
        import ipywidgets

        button = ipywidgets.Button(
            description=f"{grade} {GRADES[grade]}", layout=ipywidgets.Layout(width="auto")
        )
        button.on_click(lambda _: self.grade(grade))
        return button

    def _typed(self, change) -> None:
        """Takes the key out of the line again: what stays in it are no keys."""
        if not (key := change["new"][-1:]):
            return
        self._keys.value = ""
        if key == " " and not self._session.revealed:
            self.reveal()
        elif key in "1234":
            self.grade(int(key))

    def _ticked(self) -> None:
        """Goes on as soon as the ticks give a grade."""
        if self._session.answering.grade:
            self._said.value = inline(self._session.close())
            self._draw()

    def _draw(self) -> None:
        session, asked = self._session, self._session.asked
        self._head.value = inline(headline(session) if asked else ending(session))
        about = f"*{LEVELS[asked.level]}* · *{KINDS[asked.kind]}* · `{asked.id}`" if asked else ""
        front = f"### {with_pictures(asked, current_language())}\n\n{about}" if asked else ""
        set_markdown(self._front, front)
        shown = asked is not None and session.revealed
        self._points.children = (Points(session.answering, self._ticked).box,) if shown else ()
        set_markdown(self._rest, "\n\n".join(beyond(asked, current_language())) if shown else "")
        self._show.layout.display = None if asked and not shown else "none"
        self._grades.layout.display = None if shown else "none"
        self._keys.layout.display = None if asked else "none"
        self._keys.focus()  # after a click on a button too, keys go on

    def _repr_mimebundle_(self, **options) -> dict:
        if self._session.asked is None:
            plain = ending(self._session)
        else:
            plain = say(
                f"{self._session.asked.title}\n(Where no buttons are shown: answer aloud, compare, then "
                f'`tick("{self.asked}", grade=3)`, 1 forgotten to 4 easy, and `review()` again; or, in a '
                "terminal, `python -m kd_study review`.)",
                f"{self._session.asked.title}\n（如果没有显示按钮：先开口回答，对照之后写"
                f'`tick("{self.asked}", grade=3)`，1忘了到4轻松，再运行`review()`；'
                "或在终端运行`python -m kd_study review`。）",
            )
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}
