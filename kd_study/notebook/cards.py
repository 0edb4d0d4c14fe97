"""The points of an answer as buttons: said, half, missed. Each press is recorded at once."""

from kd_solutions.support.language import say
from kd_study.notebook.views import inline
from kd_study.questions.bank import Question
from kd_study.records.store import records
from kd_study.review.answering import Answering
from kd_study.review.ticks import MARKS


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
