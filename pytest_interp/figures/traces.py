"""A set of causal traces: every fact a row, the hand-off a vertical edge."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.tracesets import TraceSet

_MOST_LABELS = 26


def traces_figure(result: TraceSet) -> Figure:
    """Above, the subject's effect minus the last token's, facts down and layers across.

    Orange where the subject carries the fact, purple where the last token does. Below, the mean
    of both over the facts, with the range of all facts as a band.
    """
    n, layers = len(result), result.traces[0].layers
    heights = (min(0.17 * max(n, 6), 5.0), 1.6)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.3), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    subject, last = result.effect("subject"), result.effect("last")

    image = above.imshow(
        subject - last,
        aspect="auto",
        interpolation="nearest",
        cmap=style.DIVERGING,
        norm=Normalize(-1.0, 1.0),
    )
    above.set_facecolor("0.8")  # undefined cells are transparent
    colours = figure.colorbar(image, ax=above, extend="both", pad=0.01, aspect=18)
    colours.ax.tick_params(labelsize=8)
    colours.set_label("subject (+) or last token (-)", fontsize=8.5)
    labels = [style.shown(i) for i in result.ids] if n <= _MOST_LABELS else []
    above.set_yticks(range(len(labels)), labels)
    above.tick_params(labelsize=8, length=0, bottom=False, labelbottom=False)
    first = result.traces[0]
    verb = "Clean into corrupt" if first.direction == "denoise" else "Corrupt into clean"
    style.title(above, f"{verb}, {first.site}, {first.metric}\n{n} facts of “{result.name}”")

    x = np.arange(len(layers))
    for name, values, colour, marker in (
        ("subject", subject, style.BLUE, "o"),
        ("last token", last, style.ORANGE, "s"),
    ):
        mean = values.mean(axis=0)
        below.fill_between(x, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18)
        below.plot(x, mean, color=colour, marker=marker, markersize=3)
        side = "left" if name == "subject" else "right"
        below.annotate(
            name,
            (x[0] if side == "left" else x[-1], 1.12),
            ha=side,
            color=colour,
            fontsize=9.5,
            weight="bold",
        )
    below.axhline(0, color=style.GREY, linewidth=0.8)
    below.set_ylim(-0.6, 1.4)
    below.set_yticks([-0.5, 0, 0.5, 1])
    style.tidy(below)
    style.label(below, y="recovery" if first.direction == "denoise" else "damage")
    ticks = style.layer_ticks(layers)
    below.set_xticks(ticks, [str(layers[i]) for i in ticks])
    style.label(below, x=f"layer ({first.site})")
    return figure
