"""Pictures that several lessons draw, in black and grey: shapes and hatches carry the meaning, not colour."""

import re

import matplotlib.pyplot as plt
from IPython import get_ipython
from IPython.core.pylabtools import print_figure
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kd_solutions.evaluation.intervals import Interval, share_interval
from kd_solutions.support.language import say

MARKERS = "osD^vP*X<>hd"


def axes(width: float = 7, height: float = 3, columns: int = 1):
    """A new figure's Axes, or an array of `columns`. Its claim stands below it, as a caption."""
    _, drawn = plt.subplots(1, columns, figsize=(width, height), layout="constrained")
    _let_pictures_describe_themselves()
    return drawn


def _let_pictures_describe_themselves() -> None:
    """In a notebook, every figure from here on carries an alternative text."""
    if (shell := get_ipython()) is None:
        return

    def png(figure: Figure) -> tuple[bytes, dict[str, str]]:
        return print_figure(figure, "png", bbox_inches="tight"), {"alt": description(figure)}

    shell.display_formatter.formatters["image/png"].for_type(Figure, png)


def description(figure: Figure) -> str:
    """What a figure shows, from its own words: each panel's title, axes and series."""
    return " ".join(filter(None, map(_panel, figure.axes)))


def _panel(ax: Axes) -> str:
    rows = [label.get_text() for label in ax.get_yticklabels()]
    names = [] if all(re.fullmatch(r"[−\d.,]*|\$.*\$", row) for row in rows) else rows
    parts = {
        say("Panel", "子图"): [ax.get_title()],
        say("x axis", "横轴"): [ax.get_xlabel()],
        say("y axis", "纵轴"): [ax.get_ylabel(), *names],
        say("series", "图例"): [name for name in ax.get_legend_handles_labels()[1] if name[0] != "_"],
    }
    colon, comma, semicolon, stop = say(": ", "："), say(", ", "、"), say("; ", "；"), say(".", "。")
    shown = [f"{name}{colon}{comma.join(filter(None, words))}" for name, words in parts.items() if any(words)]
    return f"{semicolon.join(shown)}{stop}" if shown else ""


def draw_intervals(ax: Axes, rows: dict[str, Interval], unit: str, baseline: float | None = 0) -> None:
    """Each row a mark with its interval and its mean, the first on top; a line where the baseline is."""
    sign = "+" if baseline == 0 else ""
    for place, (interval, marker) in enumerate(zip(rows.values(), MARKERS, strict=False)):
        ax.plot([interval.low, interval.high], [place, place], color="black", linewidth=2)
        ax.plot(interval.mean, place, marker=marker, color="black", markersize=8)
        ax.annotate(
            f"{round(interval.mean):{sign}.0f}",  # of an integer: no −0
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
    ax: Axes,
    first: dict[str, float],
    second: dict[str, float],
    names: list[str],
    count: int | None = None,
) -> None:
    """A row a language with two marks, in percent, joined by a line; names: of the two marks' models.

    count: of the commands behind each mark; with it, each has its 95 % interval.
    """
    lift = 0 if count is None else 0.13  # so that two intervals don't lie on each other
    for place, language in enumerate(first):
        ax.plot(
            [first[language], second[language]], [place - lift, place + lift], color="lightgrey", linewidth=1
        )
    marks = ((first, -lift, {"marker": "o", "markerfacecolor": "white"}), (second, lift, {"marker": "s"}))
    for (percents, offset, style), name in zip(marks, names, strict=True):
        places = [place + offset for place in range(len(first))]
        for language, place in zip(first, places, strict=True):
            if count is not None:
                _, low, high = share_interval(round(percents[language] / 100 * count), count)
                ax.plot([100 * low, 100 * high], [place, place], color="black", linewidth=1)
        values = [percents[language] for language in first]
        ax.plot(values, places, linestyle="none", color="black", label=name, **style)
    ax.set_yticks(range(len(first)), first)
    ax.invert_yaxis()
    ax.set_xlim(0, 100)
    ax.set_xlabel("commands read rightly, %" + (", with 95 % interval" if count else ""))
    ax.grid(axis="x", alpha=0.3)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=8)
