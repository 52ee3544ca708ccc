"""The logit lenses of a set of facts: every fact a row, its settled layer a mark in that row."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure

from pytest_interp.figures import rows, style
from pytest_interp.results.lenses import LensSet

_NEAR, _END = 2.0, 40.0
"""Logits of lead: colours are even up to the first, logarithmic beyond, and end at the second, the
same in every figure. Where an answer trails by 5 or by 20 is to be seen too."""
_TICKS = (-30, -10, -3, 0, 3, 10, 30)


def lenses_figure(result: LensSet) -> Figure:
    """By how much each answer leads: facts down, layers across.

    Colours are centred on zero, where the answer takes the lead. In each row a mark says from which
    layer on the answer stays on top. Below, the mean probability of the answers, and the share of
    the facts whose answer has come to stay.
    """
    heights = (rows.height(len(result)), 1.5)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.5), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=heights, sharex=True)
    settled = result.settled_layers()
    norm = AsinhNorm(_NEAR, -_END, _END)
    image = rows.fact_map(above, result.answer_margin(), result.layers, settled, norm)
    rows.name_rows(above, result.ids)
    above.tick_params(axis="x", length=0, labelbottom=False)
    bar = figure.colorbar(image, ax=above, extend="both", pad=0.01, aspect=24)
    bar.ax.tick_params(labelsize=8)
    bar.set_ticks(_TICKS, labels=[f"{tick:+d}" if tick else "0" for tick in _TICKS])
    bar.minorticks_off()
    bar.set_label("lead of the answer (logits)", fontsize=8.5)
    style.title(
        above,
        f"Logit lens: {len(result)} facts of “{result.name}”\n"
        "Black marks: the layer from which an answer stays on top",
    )
    _curves(below, result, settled)
    ticks = style.layer_ticks(result.layers)
    below.set_xticks(ticks, [str(result.layers[i]) for i in ticks])
    style.label(below, x="layer", y="share")
    return figure


def _curves(axes: Axes, result: LensSet, settled: list[int | None]) -> None:
    x = np.arange(len(result.layers))
    by_then = [
        np.mean([layer is not None and layer <= read for layer in settled])
        for read in result.layers
    ]
    axes.plot(x, result.answer_prob().mean(axis=0), color=style.BLUE, marker="o", markersize=3)
    axes.step(x, by_then, where="mid", color=style.ORANGE, linewidth=1.6, gid=style.FINDING)
    # above 1 is the place of the labels, where no curve comes
    axes.set_ylim(-0.05, 1.4)
    axes.set_yticks([0, 0.5, 1])
    for text, colour, place in (
        ("mean probability of the answer", style.BLUE, 0.0),
        ("facts whose answer stays on top", style.ORANGE, 0.5),
    ):
        axes.annotate(
            text,
            (place, 1.0),
            xycoords="axes fraction",
            xytext=(6, -2),
            textcoords="offset points",
            va="top",
            color=colour,
            fontsize=9.5,
            weight="bold",
        )
    style.tidy(axes)
    axes.grid(axis="y", color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
