"""Pictures that several lessons draw, in black and grey: shapes and hatches carry the meaning, not colour."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from kd_solutions.evaluation.intervals import Interval

MARKERS = "osD^vP*X"


def axes(title: str, width: float = 7, height: float = 3, columns: int = 1):
    """A figure whose title is its claim; one Axes, or an array of `columns`."""
    figure, drawn = plt.subplots(1, columns, figsize=(width, height), layout="constrained")
    figure.suptitle(title, fontsize=11)
    return drawn


def draw_intervals(ax: Axes, rows: dict[str, Interval], unit: str, baseline: float | None = 0) -> None:
    """Each row a mark with its interval and its mean, the first on top; a line where the baseline is."""
    sign = "+" if baseline == 0 else ""
    for place, (interval, marker) in enumerate(zip(rows.values(), MARKERS, strict=False)):
        ax.plot([interval.low, interval.high], [place, place], color="black", linewidth=2)
        ax.plot(interval.mean, place, marker=marker, color="black", markersize=8)
        ax.annotate(
            f"{interval.mean:{sign}.0f}",
            (interval.mean, place),
            (0, 6),
            textcoords="offset points",
            ha="center",
        )
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(f"{unit}, with 95 % interval")
    ax.grid(axis="x", alpha=0.3)
    if baseline is not None:
        ax.axvline(baseline, color="grey", linestyle="--")


def draw_probabilities(ax: Axes, percents: dict[str, float], right: str) -> None:
    """Bars of one distribution with their numbers, the right class black, the others hatched."""
    for place, (name, value) in enumerate(percents.items()):
        hatched = {"facecolor": "white", "edgecolor": "black", "hatch": "///"}
        style = {"color": "black"} if name == right else hatched
        ax.barh(place, value, **style)
        ax.text(value, place, f" {value:.1f}", va="center", fontsize=8)
    ax.set_yticks(range(len(percents)), percents)
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel("probability, %")


def draw_two_by_language(
    ax: Axes, first: dict[str, float], second: dict[str, float], names: list[str]
) -> None:
    """A row a language with two marks, in percent, joined by a line; names: of the two marks' models."""
    for place, language in enumerate(first):
        ax.plot([first[language], second[language]], [place, place], color="grey", linewidth=1)
    places = range(len(first))
    ax.plot(list(first.values()), places, "o", markerfacecolor="white", color="black", label=names[0])
    ax.plot([second[language] for language in first], places, "s", color="black", label=names[1])
    ax.set_yticks(places, first)
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel("commands read rightly, %")
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
