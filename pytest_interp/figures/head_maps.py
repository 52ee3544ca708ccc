"""Maps with a column for each layer and a row for each head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from pytest_interp.figures import style
from pytest_interp.results.base import Floats

SHARES: Final = "Blues"
"""White at 0, dark blue at 1: for shares of attention, which have no sign."""
_TALLEST = 3.2
"""Inches of a map: with more than about twenty heads its rows get lower."""


def height(n_heads: int) -> float:
    """Inches of a map of so many heads."""
    return min(0.16 * max(n_heads, 6), _TALLEST)


def head_map(
    axes: Axes, values: Floats, layers: Sequence[int], norm: Normalize, colours: str
) -> AxesImage:
    """Draw values [layer, head]: layers across, heads down; undefined cells are grey."""
    axes.set_facecolor("0.8")
    image = axes.imshow(
        values.T, aspect="auto", interpolation="nearest", cmap=colours, norm=norm, origin="upper"
    )
    style.layer_ticks(axes, layers)
    n = values.shape[1]
    step = next(s for s in (1, 2, 4, 8, 16, 32, 64) if n / s <= 10)
    axes.set_yticks(np.arange(0, n, step))
    axes.tick_params(labelsize=8, length=2)
    style.label(axes, y="head")
    return image


def name_heads(axes: Axes, values: Floats, layers: Sequence[int], least: float, most: int) -> None:
    """Write the layer and the number of the heads furthest from 0, from ``least`` on."""
    sizes = np.nan_to_num(np.abs(values))
    n = len(layers)
    for flat in np.argsort(-sizes, axis=None, kind="stable")[:most].tolist():
        row, head = divmod(flat, values.shape[1])
        if sizes[row, head] >= least:
            # on the side without another such head, and on the map
            left = row > n / 2
            near = min(max(row - 1 if left else row + 1, 0), n - 1)
            if sizes[near, head] >= least and 1 < row < n - 2:
                left = not left
            axes.annotate(
                f"{layers[row]}.{head}",
                (row, head),
                xytext=(-7 if left else 7, 0),
                textcoords="offset points",
                ha="right" if left else "left",
                va="center",
                fontsize=7.5,
                color="black",
                path_effects=[withStroke(linewidth=2, foreground="white")],
            )
