"""Lesson 05's pictures: copying against being right, better teachers against better students."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from torch import Tensor

from kd_solutions.evaluation.intervals import t_interval
from kd_study.lessons.kit.pictures import MARKERS, draw_probabilities


def draw_copies(ax: Axes, points: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """name → (agreement with the teacher, score), (S,) percents each: means with 95 % intervals."""
    for marker, (name, sides) in zip(MARKERS, points.items(), strict=False):
        across, up = map(t_interval, sides)
        ax.errorbar(
            across.mean,
            up.mean,
            xerr=[[across.mean - across.low], [across.high - across.mean]],
            yerr=[[up.mean - up.low], [up.high - up.mean]],
            marker=marker,
            markersize=8,
            linestyle="none",
            color="black",
            elinewidth=1,
            label=name,
        )
    ax.set(xlabel="agreement with the twin, %", ylabel="score, %, with 95 % intervals")
    ax.grid(alpha=0.3)
    ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)


def draw_arrows(ax: Axes, teachers: Mapping[str, Sequence[Tensor]], students: Mapping[str, Sequence[Tensor]]):
    """For each name an arrow from the first to the second: across the teachers' score, up their students'.

    teachers, students: name → two (S,) scores, before and after.
    """
    styles = (("o", "black", "-"), ("s", "dimgrey", "--"))
    for (name, own), (marker, colour, line) in zip(teachers.items(), styles, strict=False):
        across, up = ([side.mean().item() for side in found] for found in (own, students[name]))
        ax.annotate(
            "",
            (across[1], up[1]),
            (across[0], up[0]),
            arrowprops={"arrowstyle": "->", "color": colour, "linestyle": line, "shrinkB": 5},
        )
        ax.plot(across[0], up[0], marker=marker, color=colour, markerfacecolor="white", linestyle="none")
        ax.plot(across[1], up[1], marker=marker, color=colour, linestyle="none", label=name)
    ax.set(xlabel="teacher's score, %", ylabel="student's score, %")
    ax.grid(alpha=0.3)


def draw_draws(ax: Axes, shares: Tensor, probabilities: Tensor, names: Sequence[str], right: int, count: int):
    """What `count` draws make of one command's soft label: the eight likeliest, a line where each belongs."""
    top = probabilities.topk(8).indices.tolist()
    draw_probabilities(ax, {names[i]: 100 * shares[i].item() for i in top}, right=names[right])
    for place, intent in enumerate(top):
        ax.plot([100 * probabilities[intent].item()] * 2, [place - 0.45, place + 0.45], color="black", lw=2)
    ax.set(xlim=(0, 115), title=f"k = {count}")
