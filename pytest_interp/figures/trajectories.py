"""How what a model says comes about over depth: curves by class, with bands."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.results.trajectories import Trajectories

COLOURS = (style.BLUE, style.ORANGE, "#009E73", "#CC79A7")
"""Okabe and Ito 2008."""


def trajectories_figure(result: Trajectories) -> Figure:
    """Probability, margin and entropy by layer, and the layer at which each prompt settles.

    Lines are means over the prompts of a class, bands the middle half of them.
    """
    figure = Figure(figsize=(style.WIDTH, 6.0), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True)
    panels = (
        (grid[0, 0], result.prob, "probability"),
        (grid[0, 1], result.margin, "lead over the next token (logits)"),
        (grid[1, 0], result.entropy, "entropy (nats)"),
    )
    x = np.arange(len(result.layers))
    for label, colour in zip(result.classes, COLOURS, strict=False):
        which = result.of(label)
        for axes, values, name in panels:
            low, high = np.quantile(values[which], [0.25, 0.75], axis=0)
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.plot(x, values[which].mean(0), color=colour, linewidth=1.6, label=label)
            style.label(axes, y=name)
        settled = result.settled[which]
        share = [np.mean(settled <= layer) for layer in result.layers]
        grid[1, 1].step(x, share, where="mid", color=colour, gid=style.FINDING)
    style.label(grid[1, 1], x="layer", y="share of prompts settled")
    style.label(grid[1, 0], x="layer")
    for axes in grid.flat:
        style.tidy(axes, grid=True)
        style.layer_ticks(axes, result.layers, every=2)
    whose = "the stated answer" if result.of_answers else "the model's own next token"
    style.title(grid[0, 0], f"{whose} over depth, “{result.name}”\nbands: the middle half")
    grid[0, 0].legend(fontsize=8.5, frameon=False)
    return figure
