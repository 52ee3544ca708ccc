"""What was claimed of a result, drawn over its figure: shaded where a curve is claimed to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from pytest_interp.results.claimed import ClaimedRange

GREEN = "#009E73"
"""Of ranges that belong to no curve; Okabe and Ito 2008."""
_LINE = 0.19
"""Inches of one line of the legend."""


def shade_limit(
    axes: Axes, one: ClaimedRange, layers: Sequence[int], colour: str, note: str = ""
) -> None:
    """Shade where a curve over the indices of ``layers`` is claimed to be; its limit is a line.

    The limits of the axes have to be final.
    """
    ends = _ends(one, layers)
    low, high = axes.get_ylim()
    if one.sense != "at most":
        low = one.limit if one.sense == "at least" else -one.limit
    if one.sense != "at least":
        high = one.limit
    label = f"claimed: {one}{note}"
    axes.fill_between(ends, low, high, color=colour, alpha=0.12, linewidth=0, label=label, zorder=0)
    lines = [low] * (one.sense != "at most") + [high] * (one.sense != "at least")
    axes.hlines(lines, *ends, color=colour, linewidth=1.4, linestyle="--")


def frame_cells(
    axes: Axes, one: ClaimedRange, layers: Sequence[int], rows: Iterable[int], label: str = ""
) -> None:
    """Frame the claimed layers of these neighbouring rows of a map."""
    rows, (left, right) = list(rows), _ends(one, layers)
    frame = Rectangle(
        (left, min(rows) - 0.5),
        right - left,
        len(rows),
        fill=False,
        edgecolor="black",
        linewidth=1.8,
        linestyle="--",
        clip_on=False,
        label=label,
    )
    axes.add_patch(frame)


def shade_layers(axes: Axes, one: ClaimedRange, ends: tuple[float, float]) -> None:
    """Shade the layers in which one is claimed to lie."""
    axes.axvspan(*ends, color=GREEN, alpha=0.14, linewidth=0, label=f"claimed: {one}", zorder=0)


def legend(figure: Figure, *panels: Axes) -> None:
    """Name what the panels were marked with, below the figure, which grows by these lines."""
    named: dict[str, Artist] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    if named:
        figure.set_figheight(figure.get_figheight() + _LINE * len(named) + 0.1)
        handles, labels = [*named.values()], [*named]
        figure.legend(handles, labels, loc="outside lower left", frameon=False, fontsize=8.5)


def _ends(one: ClaimedRange, layers: Sequence[int]) -> tuple[float, float]:
    """Where a range begins and ends on an axis of the indices of layers."""
    return layers.index(one.first) - 0.5, layers.index(one.last) + 0.5
