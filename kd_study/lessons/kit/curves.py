"""Curves over amounts of data: drawn with their intervals, and read off backwards."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from kd_solutions.evaluation.intervals import Interval, t_interval
from kd_study.lessons.kit.pictures import MARKERS

STYLES = ("-", "--", ":", "-.", (0, (1, 3)))


def draw_curves(
    ax: Axes, stops: Sequence[str], curves: Mapping[str, Mapping[str, Tensor]], what: str
) -> None:
    """Each curve's mean at each amount, with the 95 % interval of its values.

    stops: the amounts in words, evenly spaced. curves: name → amount → (repeats,) values; one may lack some.
    what: the amounts' name.
    """
    for number, (name, curve) in enumerate(curves.items()):
        places = [list(stops).index(stop) + 0.07 * (number - (len(curves) - 1) / 2) for stop in curve]
        found = [t_interval(values) for values in curve.values()]
        means, lows, highs = (np.array(side) for side in zip(*found, strict=True))
        ax.errorbar(
            places,
            means,
            yerr=(means - lows, highs - means),
            label=name,
            color="black" if number % 2 == 0 else "dimgrey",
            linestyle=STYLES[number % len(STYLES)],
            marker=MARKERS[number % len(MARKERS)],
            markerfacecolor="white" if number % 2 else None,
            capsize=2,
        )
    ax.set_xticks(range(len(stops)), stops)
    ax.set(xlabel=what, ylabel="score, %, with 95 % interval")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)


def amount_worth(curve: Mapping[int, float], score: float) -> float:
    """The amount at which a rising curve (amount → score) reaches a score, on a logarithmic scale.

    A score below the curve's first point gives the first amount, one above its last point the last.
    """
    counts, reached = list(curve), np.maximum.accumulate(list(curve.values())).tolist()
    if score <= reached[0]:
        return counts[0]
    for (low, high), (fewer, more) in zip(pairwise(reached), pairwise(counts), strict=True):
        if low < score <= high:
            return fewer * (more / fewer) ** ((score - low) / (high - low))
    return counts[-1]


def amounts_worth(curves: Mapping[int, Tensor], scores: Sequence[float] | Tensor) -> Interval:
    """The mean of the amounts that buy these scores, each on its own curve, with its 95 % interval.

    curves: amount → (repeats,). Means and interval are taken of logarithms.
    """
    own = [
        amount_worth({count: values[place].item() for count, values in curves.items()}, float(score))
        for place, score in enumerate(scores)
    ]
    return Interval(*(float(10**value) for value in t_interval(np.log10(own))))
