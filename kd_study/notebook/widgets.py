"""Widgets of the lessons. Beside each stands text for the places where no widget can live, such as GitHub."""

from collections.abc import Callable, Iterable

from kd_solutions.support.language import say
from kd_study.notebook.views import inline, show, table

Answer = Callable[[str], dict[str, str]]


def guess(unit: str = "%", low: float = 0, high: float = 100) -> "Guess":
    """A slider for a number to be guessed before an experiment; end a cell with it to show it."""
    return Guess(unit, low, high)


class Guess:
    """A learner's guess: `value` is None until the slider is moved."""

    def __init__(self, unit: str, low: float, high: float):
        import ipywidgets

        self.value: float | None = None
        self._unit, self._low, self._high = unit, low, high
        self._slider = ipywidgets.FloatSlider(
            value=(low + high) / 2, min=low, max=high, step=(high - low) / 100, readout=False
        )
        self._label = ipywidgets.Label(say("no guess yet", "还没有猜"))
        self._slider.observe(self._set, "value")
        title = ipywidgets.Label(say("Your guess:", "你的猜测："))
        self._box = ipywidgets.HBox([title, self._slider, self._label])

    def draw(self, ax, axis: str = "y") -> None:
        """Draws the guess as a dotted line at that value of an axis of `ax`; nothing before a guess."""
        if self.value is None:
            return
        line = ax.axhline if axis == "y" else ax.axvline
        line(self.value, color="black", linestyle=":", label="your guess")
        ax.legend()

    def _set(self, change) -> None:
        self.value = change["new"]
        self._label.value = say(f"{self.value:g} {self._unit}", f"{self.value:g}{self._unit}")

    def _repr_mimebundle_(self, **options) -> dict:
        plain = say(
            f"Your guess: a slider from {self._low:g} to {self._high:g} {self._unit}",
            f"你的猜测：{self._low:g}到{self._high:g}{self._unit}的滑块",
        )
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


def try_commands(answer: Answer, first: str) -> "CommandBox":
    """A text box; what `answer(command)` returns for the text in it, label → text, stands below.

    first: the command that is in the box at the beginning.
    """
    return CommandBox(answer, first)


class CommandBox:
    """A text box with its answers; see `try_commands`."""

    def __init__(self, answer: Answer, first: str):
        import ipywidgets

        self._answer = answer
        self._text = ipywidgets.Text(
            value=first,
            description=say("Command:", "指令："),
            layout=ipywidgets.Layout(width="32em"),
        )
        self._below = ipywidgets.HTML()
        self._below.add_class("jp-RenderedHTMLCommon")  # JupyterLab's own look of a table
        self._text.observe(self._update, "value")
        self._box = ipywidgets.VBox([self._text, self._below])
        self._update()

    def _update(self, _=None) -> None:
        command = self._text.value.strip()
        if not command:
            self._below.value = inline(say("Type a command in any language.", "请输入任意语言的指令。"))
            return
        try:
            answers = self._answer(command)
        except Exception as error:  # an exception in a callback would be seen by nobody
            self._below.value = inline(f"{type(error).__name__}: {error}")
            return
        shown = table(list(answers), [list(answers.values())])
        self._below.value = f'<div style="display: inline-block">{shown}</div>'  # JupyterLab centres tables

    def _repr_mimebundle_(self, **options) -> dict:
        plain = say("A box for a command, with its answers below", "指令输入框，答案显示在下方")
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


def show_answers(answer: Answer, commands: Iterable[str]) -> None:
    """The static twin of `try_commands`: a table of the answers to several commands."""
    answers = {command: answer(command) for command in commands}
    labels = list(next(iter(answers.values())))
    plain = "\n".join(
        f"{command}\n" + "\n".join(f"    {label}: {text}" for label, text in found.items())
        for command, found in answers.items()
    )
    rows = [[command, *found.values()] for command, found in answers.items()]
    show(plain, table([say("command", "指令"), *labels], rows))
