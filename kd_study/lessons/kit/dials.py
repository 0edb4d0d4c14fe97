"""Something to touch: a slider beside a picture that is drawn anew at every stop."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape

import matplotlib.pyplot as plt
from IPython.core.pylabtools import print_figure
from matplotlib.figure import Figure

from kd_solutions.support.language import say
from kd_study.lessons.kit.pictures import description


class Dial:
    """A slider over `stops`; below it stands the figure that `draw(stop)` returns. End a cell with it.

    name: what is turned, in the page's language. Without a kernel it shows nothing but a sentence, so a
    still picture of some stops belongs below it.
    """

    def __init__(self, draw: Callable[[float], Figure], name: str, stops: Sequence[float], start: float):
        import ipywidgets

        self._draw, self._name, self._stops = draw, name, stops
        self._slider = ipywidgets.SelectionSlider(
            options=[(f"{stop:g}", stop) for stop in stops],
            value=start,
            description=name,
            layout=ipywidgets.Layout(width="32em"),
            style={"description_width": "initial"},
        )
        self._picture = ipywidgets.HTML()
        self._slider.observe(self._update, "value")
        self._box = ipywidgets.VBox([self._slider, self._picture])
        self._update()

    def _update(self, _=None) -> None:
        figure = self._draw(self._slider.value)
        plt.close(figure)  # or the notebook shows it a second time below the cell
        png = b64encode(print_figure(figure, "png", bbox_inches="tight")).decode()
        alt = escape(f"{self._name} = {self._slider.value:g}. {description(figure)}")
        self._picture.value = f'<img src="data:image/png;base64,{png}" alt="{alt}">'

    def _repr_mimebundle_(self, **options) -> dict:
        low, high = self._stops[0], self._stops[-1]
        plain = say(
            f"A dial: {self._name}, from {low:g} to {high:g}", f"一个旋钮：{self._name}，从{low:g}到{high:g}"
        )
        return self._box._repr_mimebundle_(**options) | {"text/plain": plain}
