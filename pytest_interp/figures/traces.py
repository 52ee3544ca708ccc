"""A set of causal traces: every fact a row, its hand-off a mark in that row."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from pytest_interp.figures import rows, style
from pytest_interp.results.base import Floats
from pytest_interp.results.traces import TraceSet


def traces_figure(result: TraceSet) -> Figure:
    """Effect at the subject and at the last token: facts down, layers across, one map each.

    Colours are centred on zero and end at -1 and 1, so that negative effects show. In each row a
    mark says from which layer on the last token outdoes the subject. Below, the mean of both over
    the facts, with the range of all facts as a band.
    """
    n = len(result)
    heights = (rows.height(n), 1.5)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.7), layout="constrained")
    panels = figure.subplot_mosaic(
        [["subject", "last"], ["mean", "mean"]],
        height_ratios=heights,
    )
    subject, last = result.effect("subject"), result.effect("last")
    _map(panels["subject"], result, subject, "at the subject (its strongest token)")
    image = _map(panels["last"], result, last, "at the last token")
    rows.name_rows(panels["subject"], result.ids)
    panels["last"].set_yticks([])

    first = result.traces[0]
    measure = "recovery" if first.direction == "denoise" else "damage"
    ends = "0 corrupt, 1 clean" if first.direction == "denoise" else "0 clean, 1 corrupt"
    bar = figure.colorbar(
        image, ax=[panels["subject"], panels["last"]], extend="both", pad=0.01, aspect=24
    )
    bar.ax.tick_params(labelsize=8)
    bar.set_label(f"{measure} ({ends})", fontsize=8.5)
    verb = "Clean into corrupt" if first.direction == "denoise" else "Corrupt into clean"
    figure.suptitle(
        f"{verb}, {first.site}, {first.metric}: {n} facts of “{result.name}”\n"
        f"Black marks: the hand-off of each fact",
        x=0.01,
        ha="left",
        fontsize=10.5,
    )
    _means(panels["mean"], {"subject": subject, "last token": last})
    style.label(panels["mean"], x=f"layer ({first.site})", y=measure)
    ticks = style.layer_ticks(first.layers)
    panels["mean"].set_xticks(ticks, [str(first.layers[i]) for i in ticks])
    return figure


def _map(axes: Axes, result: TraceSet, values: Floats, title: str) -> AxesImage:
    layers = result.traces[0].layers
    image = rows.fact_map(axes, values, layers, result.hand_off_layers(), Normalize(-1.0, 1.0))
    axes.set_title(title, loc="left", fontsize=9.5)
    # half as many as below: a map is half as wide
    ticks = style.layer_ticks(layers)[::2]
    axes.set_xticks(ticks, [str(layers[i]) for i in ticks])
    return image


def _means(axes: Axes, effects: dict[str, Floats]) -> None:
    for (name, values), colour, marker, side in zip(
        effects.items(), (style.BLUE, style.ORANGE), "os", ("left", "right"), strict=True
    ):
        x = np.arange(values.shape[1])
        axes.fill_between(x, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18)
        axes.plot(x, values.mean(axis=0), color=colour, marker=marker, markersize=3)
        axes.annotate(
            name,
            (x[0] if side == "left" else x[-1], 1.12),
            ha=side,
            color=colour,
            fontsize=9.5,
            weight="bold",
        )
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_ylim(-0.6, 1.4)
    axes.set_yticks([-0.5, 0, 0.5, 1])
    style.tidy(axes)
