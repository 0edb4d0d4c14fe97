"""A lesson before a room: many guesses in one number, pictures for a projector, points for whoever marks."""

from collections.abc import Callable, Mapping
from statistics import median

from kd_solutions.support.language import say
from kd_study.lessons.plain_calls import STEPS
from kd_study.notebook.widgets import Guess

FINENESS = 220  # dots an inch; a figure of 7 inches then fills a projector


def room(guess: Guess, hands: Mapping[float, int] | None = None) -> "Hands | None":
    """A room's guess by raised hands: what later cells draw and compare is the median of all of them.

    guess: what `guess(…)` gave. hands: number → hands raised for it, as in `room(guessed, {30: 4, 50: 9})`;
    without them, boxes to type them into: end a cell with it.
    """
    if hands is None:
        return Hands(guess)
    print(_collected(guess, hands))
    return None


def _collected(guess: Guess, hands: Mapping[float, int]) -> str:
    """Sets the room's guess, and says it; where it can't be one, says why and leaves it as it was."""
    counts = list(hands.values())
    if any(type(count) is not int or count < 0 for count in counts) or not sum(counts):
        return say(
            "Give a number of hands for each guess, as in `room(guessed, {30: 4, 50: 9})`.",
            "请写出每个数有多少人举手，例如`room(guessed, {30: 4, 50: 9})`。",
        )
    guess.set_for_the_room(median(value for value, count in hands.items() for _ in range(count)))
    return say(
        f"{sum(counts)} hands; the room's guess is {guess.shown()}.",
        f"举手{sum(counts)}人次；全场的猜测是{guess.shown()}。",
    )


class Hands:
    """A box for each of a few numbers; what is typed into them becomes the room's guess at once."""

    def __init__(self, guess: Guess):
        import ipywidgets

        self._guess = guess
        self.boxes = {
            value: ipywidgets.BoundedIntText(0, min=0, max=999, layout=ipywidgets.Layout(width="5em"))
            for value in guess.steps(STEPS)
        }
        columns = [
            ipywidgets.VBox([ipywidgets.Label(guess.with_unit(value)), box])
            for value, box in self.boxes.items()
        ]
        self.said = ipywidgets.Label(say("Hands up for …", "请举手……"))
        for box in self.boxes.values():
            box.observe(self._update, "value")
        self.box = ipywidgets.VBox([ipywidgets.HBox(columns), self.said])

    def _update(self, _=None) -> None:
        hands = {value: box.value for value, box in self.boxes.items()}
        if sum(hands.values()):
            self.said.value = _collected(self._guess, hands)

    def _repr_mimebundle_(self, **options) -> dict:
        numbers = say(", ", "、").join(map(self._guess.with_unit, self.boxes))
        plain = say(f"Hands raised for {numbers}", f"为以下各数举手的人数：{numbers}")
        return self.box._repr_mimebundle_(**options) | {"text/plain": plain}


def projector() -> None:
    """From here on pictures are drawn finely enough for a projector."""
    import matplotlib.pyplot as plt

    plt.rcParams["figure.dpi"] = FINENESS


def earned(fn: Callable, points: float) -> float:
    """`points` where the function solves its exercise, else 0: nbgrader reads it as the cell's grade."""
    from kd_study.exercises.catalog import exercise
    from kd_study.notebook.desk import latest_report

    report = latest_report(fn)
    if report is None or fn is exercise(report.exercise).reference:
        return 0
    return points if report.solved else 0
