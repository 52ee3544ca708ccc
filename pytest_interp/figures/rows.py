"""Maps with a row for each fact and a column for each layer."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage

from pytest_interp.figures import style
from pytest_interp.results.base import Floats

_TALLEST = 6.5
"""Inches of a map: with more than about forty facts its rows get lower."""
_OF_A_ROW = 0.7
"""Height of a fact's name, as a share of the rows that it has: letters reach above and below it."""
_SMALLEST = 5.0
"""Points of a fact's name: where it would be lower than that, only some of them are named."""

_LONGEST = 32
"""Characters of a fact's name: longer ones would leave no room for the map."""


def height(n: int) -> float:
    """Inches of a map of ``n`` facts."""
    return min(0.15 * max(n, 9), _TALLEST)


def fact_map(
    axes: Axes, values: Floats, layers: Sequence[int], marks: Sequence[int | None], norm: Normalize
) -> AxesImage:
    """Draw values [fact, layer] in diverging colours.

    ``marks`` [fact] names a layer, or none, in each row: a black mark stands before that layer.
    """
    image = style.heat_map(axes, values, norm)
    marked = [(row, layers.index(layer)) for row, layer in enumerate(marks) if layer is not None]
    axes.vlines(
        [column - 0.5 for _, column in marked],
        [row - 0.5 for row, _ in marked],
        [row + 0.5 for row, _ in marked],
        color="black",
        linewidth=1.6,
        gid=style.FINDING,
    )
    axes.set_xlim(-0.5, len(layers) - 0.5)
    axes.tick_params(labelsize=8, length=2)
    return image


def name_rows(axes: Axes, ids: Sequence[str]) -> None:
    """Name every fact, or every second, fifth ... where the rows are too low for a line each."""
    row_points = 72 * height(len(ids)) / len(ids)
    step = next(
        s for s in (1, 2, 5, 10, 20, 50, 100, 1000) if _OF_A_ROW * s * row_points >= _SMALLEST
    )
    named = range(0, len(ids), step)
    size = min(8.0, _OF_A_ROW * step * row_points)
    axes.set_yticks(named, [style.on_one_line(ids[i], _LONGEST) for i in named], fontsize=size)
    axes.tick_params(axis="y", length=0)
