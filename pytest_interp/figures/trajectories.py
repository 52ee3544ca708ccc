"""How what a model says comes about over depth: curves by class, with bands."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.results.trajectories import Trajectories

COLOURS = (style.BLUE, style.ORANGE, "#009E73", "#CC79A7")
"""Okabe and Ito 2008."""
DASHES = ("-", "--", "-.", ":")
"""So that classes differ in print without colours, too."""


def trajectories_figure(result: Trajectories) -> Figure:
    """Probability, lead and entropy by layer, and the share of prompts that have settled.

    Lines are medians over the prompts of a class, bands the middle half of them. A prompt has
    settled at the layer from which its token stays on top.
    """
    figure = Figure(figsize=(style.WIDTH, 6.2), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True)
    panels = (
        (grid[0, 0], result.prob, "probability"),
        (grid[0, 1], result.margin, "lead over the best other (logits)"),
        (grid[1, 0], result.entropy, "entropy of the layer (nats)"),
    )
    x = np.arange(len(result.layers))
    for label, colour, dashes in zip(result.classes, COLOURS, DASHES, strict=False):
        which = result.of(label)
        drawn: dict[str, Any] = {"color": colour, "linestyle": dashes, "linewidth": 1.6}
        for axes, values, name in panels:
            low, middle, high = np.quantile(values[which], [0.25, 0.5, 0.75], axis=0)
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.plot(x, middle, label=f"{label}, {which.sum()} prompts", **drawn)
            style.label(axes, y=name)
        settled = result.settled[which]
        share = [np.mean(settled <= layer) for layer in result.layers]
        grid[1, 1].step(x, share, where="mid", gid=style.FINDING, **drawn)
    grid[0, 0].set_ylim(-0.03, 1.03)
    grid[1, 1].set_ylim(-0.03, 1.03)
    grid[0, 1].axhline(0, color=style.GREY, linewidth=0.8, zorder=0)
    style.label(grid[1, 1], x="layer", y="share of prompts settled")
    style.label(grid[1, 0], x="layer")
    for axes in grid.flat:
        style.tidy(axes, grid=True)
        style.layer_ticks(axes, result.layers, every=2)
    whose = "the stated answer" if result.of_answers else "the model's own next token"
    said = style.of_model(result, f"{whose} over depth, prompts of “{result.name}”")
    figure.suptitle(f"{said}\nLines: medians; bands: the middle half", x=0.01, ha="left", size=10.5)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", fontsize=8.5, frameon=False, ncols=4)
    return figure
