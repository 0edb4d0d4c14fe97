"""Widgets of the lessons. Beside each stands text for the places where no widget can live, such as GitHub."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from kd_solutions.support.language import say
from kd_study.notebook.views import inline, show, table

Answer = Callable[[str], dict[str, object]]
_compared: dict["Guess", float] = {}  # what was guessed in this kernel → what it was


def guess(unit: str = "%", low: float = 0, high: float = 100) -> "Guess":
    """A slider for a number to be guessed before an experiment; end a cell with it to show it."""
    return Guess(unit, low, high)


def my_guesses() -> None:
    """Prints how far the guesses that were compared in this kernel were off; nothing before the first."""
    if not _compared:
        return
    for made, actual in _compared.items():
        print(made.against(actual))
    off = [made.value - actual for made, actual in _compared.items()]
    mean = sum(map(abs, off)) / len(off)
    low = sum(each < 0 for each in off)
    print(
        say(
            f"On average you were {mean:.0f} off; {low} of your {len(off)} guesses were too low.",
            f"你平均差了{mean:.0f}；{len(off)}次猜测中有{low}次偏低。",
        )
    )


class Guess:
    """A learner's guess: `value` is None until the slider is moved."""

    def __init__(self, unit: str, low: float, high: float):
        import ipywidgets

        self.value: float | None = None
        self._of_the_room = False
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
        whose = "the room's guess" if self._of_the_room else "your guess"
        line(self.value, color="black", linestyle=":", label=whose)
        ax.legend()

    def compare(self, actual: float) -> None:
        """Prints the guess beside what it was; nothing before a guess."""
        if self.value is not None:
            _compared[self] = actual
            print(self.against(actual))

    def against(self, actual: float) -> str:
        """`You guessed 53 %; it was 67 %.`"""
        guessed, was = self.shown(), self.with_unit(actual)
        if self._of_the_room:
            return say(f"The room guessed {guessed}; it was {was}.", f"全场猜{guessed}，实际是{was}。")
        return say(f"You guessed {guessed}; it was {was}.", f"你猜{guessed}，实际是{was}。")

    def set_for_the_room(self, value: float) -> None:
        """Takes the number that a room agreed on in the place of one person's; see `room`."""
        self.value, self._of_the_room = value, True
        self._label.value = self.shown()

    def steps(self, count: int) -> list[float]:
        """So many numbers from the lowest to the highest that can be guessed, evenly spaced."""
        return [self._low + place * (self._high - self._low) / (count - 1) for place in range(count)]

    def shown(self) -> str:
        """The guess with its unit."""
        return self.with_unit(self.value)

    def _set(self, change) -> None:
        self.value, self._of_the_room = change["new"], False
        self._label.value = self.shown()

    def with_unit(self, value: float) -> str:
        """A number with the unit of what is guessed."""
        return say(f"{value:.3g} {self._unit}", f"{value:.3g}{self._unit}")

    def _repr_mimebundle_(self, **options) -> dict:
        plain = say(
            f"Your guess: a slider from {self._low:g} to {self._high:g} {self._unit}",
            f"你的猜测：{self._low:g}到{self._high:g}{self._unit}的滑块",
        )
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


def clock(seconds: int = 60) -> "Clock":
    """A clock for an answer spoken aloud; end a cell with it to show it."""
    return Clock(seconds)


class Clock:
    """A button and a bar that fills in so many seconds: in the browser, also while the kernel is busy."""

    def __init__(self, seconds: int):
        import ipywidgets

        self._seconds = seconds
        self._button = ipywidgets.Play(max=seconds, interval=1000, show_repeat=False)
        self._bar = ipywidgets.IntProgress(max=seconds, layout=ipywidgets.Layout(width="12em"))
        ipywidgets.jslink((self._button, "value"), (self._bar, "value"))
        self.box = ipywidgets.HBox(
            [ipywidgets.Label(say("Press ▶ and speak:", "按▶，开口说：")), self._button, self._bar]
        )

    def _repr_mimebundle_(self, **options) -> dict:
        plain = say(f"A clock: {self._seconds} seconds", f"计时：{self._seconds}秒")
        return self.box._repr_mimebundle_(**options) | {"text/plain": plain}


def try_commands(answer: Answer, first: str, examples: Sequence[str] = ()) -> "CommandBox":
    """A text box; what `answer(command)` returns for the text in it, label → what to show, stands below.

    first: the command that is in the box at the beginning. examples: commands to click on instead of typing.
    """
    return CommandBox(answer, first, examples)


class CommandBox:
    """A text box with its answers; see `try_commands`."""

    def __init__(self, answer: Answer, first: str, examples: Sequence[str] = ()):
        import ipywidgets

        self._answer = answer
        self._text = ipywidgets.Text(
            value=first,
            description=say("Command:", "指令："),
            layout=ipywidgets.Layout(width="32em", max_width="98%"),
        )
        self._examples = [self._button(example) for example in examples]
        self._below = ipywidgets.HTML()
        self._below.add_class("jp-RenderedHTMLCommon")  # JupyterLab's own look of a table
        self._text.observe(self._update, "value")
        chips = ipywidgets.HBox(self._examples, layout=ipywidgets.Layout(flex_flow="row wrap"))
        self._box = ipywidgets.VBox([self._text, chips, self._below])
        self._update()

    def _button(self, example: str):
        import ipywidgets

        button = ipywidgets.Button(description=example, layout=ipywidgets.Layout(width="auto"))
        button.on_click(lambda _: self._text.set_trait("value", example))
        return button

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
        shown = table(list(answers), [list(map(str, answers.values()))])
        self._below.value = f'<div style="display: inline-block">{shown}</div>'  # JupyterLab centres tables

    def _repr_mimebundle_(self, **options) -> dict:
        plain = say("A box for a command, with its answers below", "指令输入框，答案显示在下方")
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}


def show_answers(answer: Answer, commands: Iterable[str] | Mapping[str, str]) -> None:
    """The static twin of `try_commands`: a table of the answers to several commands.

    commands: with a mapping from command to right intent, that intent stands in a column of its own and each
    answer, which then has an `intent`, is marked ✓ or ✗.
    """
    right = commands if isinstance(commands, Mapping) else {}
    answers = {command: _marked(answer(command), right.get(command)) for command in commands}
    labels = list(next(iter(answers.values())))
    plain = "\n".join(
        f"{command}\n" + "\n".join(f"    {label}: {text}" for label, text in found.items())
        for command, found in answers.items()
    )
    rows = [[command, *found.values()] for command, found in answers.items()]
    show(plain, table([say("command", "指令"), *labels], rows))


def _marked(answers: dict[str, object], right: str | None) -> dict[str, str]:
    """Label → text; where the right intent is known, it comes first and each answer has its mark."""
    if right is None:
        return {label: str(given) for label, given in answers.items()}
    marked = {label: f"{'✓' if given.intent == right else '✗'} {given}" for label, given in answers.items()}
    return {say("asks for", "要做的事"): right} | marked
