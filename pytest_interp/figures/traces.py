"""A set of causal traces: every fact a row, its hand-off a mark in that row."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from pytest_interp.figures import rows, style
from pytest_interp.figures.trace import WORDS, effect_axis
from pytest_interp.results.base import Floats
from pytest_interp.results.traces import TraceSet


def traces_figure(result: TraceSet) -> Figure:
    """Effect at the subject and at the last token: facts down, layers across, one map each.

    Colours are centred on zero and end at -1 and 1, so that negative effects show. A mark in each
    row shows the layer from which the last token outdoes the subject. Below is the mean of both
    over the facts, with the range of all facts as a band.
    """
    n = len(result)
    heights = (rows.height(n), 1.5)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.7), layout="constrained")
    panels = figure.subplot_mosaic([["subject", "last"], ["mean", "mean"]], height_ratios=heights)
    subject, last = result.effect("subject"), result.effect("last")
    _map(panels["subject"], result, subject, "at the subject (its strongest token)")
    image = _map(panels["last"], result, last, "at the last token")
    rows.name_rows(panels["subject"], result.ids)
    panels["last"].set_yticks([])

    first = result.traces[0]
    measure, ends, patched = WORDS[first.direction]
    maps = [panels["subject"], panels["last"]]
    style.colour_bar(figure, image, maps, f"{measure} ({ends})")
    figure.suptitle(
        f"{patched}, {first.site}, {first.metric}: {n} facts of {style.quoted(result.name)}\n"
        "Black marks: the hand-off of each fact. Bands below: the range over facts, no interval",
        x=0.01,
        ha="left",
        fontsize=10.5,
    )
    _mean(panels["mean"], "subject", subject, style.BLUE, "o", (0, "left"))
    _mean(panels["mean"], "last token", last, style.ORANGE, "s", (len(first.layers) - 1, "right"))
    effect_axis(panels["mean"], 1.4)
    style.label(panels["mean"], x=f"layer ({first.site})", y=measure)
    style.layer_ticks(panels["mean"], first.layers)
    return figure


def _map(axes: Axes, result: TraceSet, values: Floats, title: str) -> AxesImage:
    layers = result.traces[0].layers
    image = rows.fact_map(axes, values, layers, result.hand_off_layers(), Normalize(-1.0, 1.0))
    style.title(axes, title, 9.5)
    style.layer_ticks(axes, layers, every=2)  # a map is half as wide as what is below
    return image


def _mean(
    axes: Axes, name: str, values: Floats, colour: str, marker: str, named: tuple[int, str]
) -> None:
    """The mean of values [fact, layer] and their range; ``named`` is where its name is written."""
    x = np.arange(values.shape[1])
    axes.fill_between(x, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18)
    axes.plot(x, values.mean(axis=0), color=colour, marker=marker, markersize=3)
    style.note(axes, name, (named[0], 1.12), colour, ha=named[1])
