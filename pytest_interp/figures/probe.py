"""The curve of a probe: AUROC by layer, with what it has to exceed."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.results.probe import ProbeResult
from pytest_interp.stats.separation import areas

_LIMITS = (0.0, 1.03)
_APART = 0.055
"""Least distance of two labels on the axis, so that they can be read."""


def probe_figure(result: ProbeResult) -> Figure:
    """Held-out AUROC by layer with its interval over groups.

    The band of shuffled labels is what probes read where there is nothing to read. Horizontal lines
    are the baselines, named on the right; the other curve is of probes that were fitted on other
    wordings.
    """
    figure = Figure(figsize=(style.WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    x = np.arange(len(result.layers))
    low, high = np.quantile(result.shuffled, [0.025, 0.975], axis=0)
    axes.fill_between(x, low, high, color="0.85", linewidth=0, label="shuffled labels, middle 95 %")
    found = areas(result.scores, result.units)
    name = result.options.method.replace("_", " ")
    curve: dict[str, Any] = {"color": style.BLUE, "marker": "o", "markersize": 3}
    axes.fill_between(x, found.low, found.high, color=style.BLUE, alpha=0.15, linewidth=0)
    axes.plot(x, found.area, label=f"probe by {name}, with its 95 % interval", **curve)
    if (other := result.template_auroc) is not None:
        dashed: dict[str, Any] = {"color": style.ORANGE, "linestyle": "--", "linewidth": 1.4}
        axes.plot(x, other, label="fitted on other wordings", **dashed)
    axes.axhline(0.5, color="0.75", linewidth=0.8, zorder=0)
    axes.set_xlim(-0.5, len(x) - 0.5)
    axes.set_ylim(*_LIMITS)
    _baselines(axes, result)
    style.layer_ticks(axes, result.layers)
    style.label(axes, x=f"layer ({result.options.site})", y="AUROC on held-out prompts")
    first, second = result.classes
    title = f"probe at {_token(result.options.position)}\n{first} (high) against {second}"
    said = f"{title}, {len(result.ids)} prompts of “{result.name}”"
    style.title(axes, style.of_model(result, said))
    style.tidy(axes, grid=True)
    figure.legend(loc="outside lower left", fontsize=8.5, frameon=False, ncols=2)
    return figure


def _baselines(axes: Axes, result: ProbeResult) -> None:
    known = sorted(result.baseline_auroc.items(), key=lambda one: one[1])
    named: dict[str, Any] = {
        "xycoords": ("axes fraction", "data"),
        "textcoords": ("axes fraction", "data"),
    }
    heights = _spread([value for _, value in known])
    for (name, value), height in zip(known, heights, strict=True):
        axes.axhline(value, color=style.GREY, linewidth=1.1, linestyle=":")
        axes.annotate(
            f"{name} {value:.2f}",
            xy=(1.0, value),
            xytext=(1.025, height),
            fontsize=8.5,
            color=style.GREY,
            va="center",
            arrowprops={"arrowstyle": "-", "color": style.GREY, "linewidth": 0.6, "shrinkA": 0},
            annotation_clip=False,
            **named,
        )


def _spread(heights: list[float]) -> list[float]:
    """Ascending heights, moved up or down as little as keeps them apart and on the axis."""
    places: list[float] = []
    for height in heights:
        places.append(max([height, *(place + _APART for place in places[-1:])]))
    ceiling = _LIMITS[1]
    for i in reversed(range(len(places))):
        places[i] = min(places[i], ceiling)
        ceiling = places[i] - _APART
    return places


def _token(position: int) -> str:
    return "the last token" if position == -1 else f"token {position}"
