"""Paths as a small graph: the strongest senders of each receiver, by the layer they are in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

from pytest_interp.adapters.components import Component
from pytest_interp.figures import style
from pytest_interp.results.paths import Path, PathResult

MOST = 8
"""Senders of a receiver that are drawn."""
_WIDEST = 5.0
"""Points of the strongest arrow."""


def paths_figure(result: PathResult) -> Figure:
    """One graph for each receiver: arrows from its strongest senders, layers from left to right.

    The wider an arrow, the larger its effect. Orange moves the metric towards the source run, blue
    away from it.
    """
    panels = [result.strongest(MOST, receiver) for receiver in result.receivers]
    heights = [0.5 + 0.3 * max(1, len(paths)) for paths in panels]
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.1), layout="constrained")
    rows = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights, sharex=True)[:, 0]
    most = max((abs(path.effect) for paths in panels for path in paths), default=1.0) or 1.0
    for axes, receiver, paths in zip(rows, result.receivers, panels, strict=True):
        _graph(axes, receiver, paths, result.n_layers, most)
        style.layer_ticks(axes, range(result.n_layers))
        axes.set_xlim(-1 - 0.2 * result.n_layers, 1.12 * result.n_layers)
        axes.tick_params(labelbottom=axes is rows[-1])
    style.label(rows[-1], x="layer")
    over = style.quoted(result.facts.prompts[0].clean_prompt, 50)
    if len(result) > 1:
        over = f"mean over {len(result)} facts of {style.quoted(result.facts.name, 40)}"
    patched = {"noise": "corrupt into clean", "denoise": "clean into corrupt"}[result.direction]
    drawn = sum(map(len, panels))
    whole = len(result.senders) * len(result.receivers)
    left = f"; the {drawn} strongest of {whole}" if drawn < whole else ""
    head = f"paths, {patched}, {over}\nShares of the gap of the {result.metric.name}{left}"
    figure.suptitle(style.of_model(result, head), x=0.01, ha="left", size=10.5)
    return figure


def _graph(axes: Axes, receiver: str, paths: Sequence[Path], n_layers: int, most: float) -> None:
    ordered = sorted(paths, key=lambda path: (_column(path.sender, n_layers), path.sender))
    middle = (len(ordered) - 1) / 2
    to = _column(receiver, n_layers)
    for row, path in enumerate(ordered):
        at = _column(path.sender, n_layers)
        colour = style.ORANGE if path.effect > 0 else style.BLUE
        share = abs(path.effect) / most
        axes.add_patch(
            FancyArrowPatch(
                (at, row),
                (to, middle),
                arrowstyle="-|>",
                mutation_scale=9,
                connectionstyle=f"arc3,rad={0.06 * np.sign(row - middle):.2f}",
                linewidth=0.5 + (_WIDEST - 0.5) * share,
                color=colour,
                alpha=0.35 + 0.5 * share,
                shrinkA=4,
                shrinkB=7,
                gid=style.FINDING,
            )
        )
        axes.plot(at, row, "o", color=colour, markersize=5, gid=style.FINDING)
        text = f"{path.sender}  {path.effect:+.2f}"
        axes.annotate(
            text,
            (at, row),
            (-6, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=8.5,
            color="0.15",
        )
    axes.plot(to, middle, "s", color="0.15", markersize=8)
    axes.annotate(
        receiver, (to, middle), (9, 0), textcoords="offset points", va="center", fontsize=9.5
    )
    axes.set_ylim(max(len(ordered), 1) - 0.4, -0.6)
    axes.set_yticks([])
    style.tidy(axes)
    axes.spines["left"].set_visible(False)


def _column(name: str, n_layers: int) -> float:
    """Where a component stands from left to right; an MLP a little after the heads."""
    if name == "output":
        return float(n_layers)
    part = Component.of(name.partition("@")[0])
    if part.layer is None:
        return -1.0
    return part.layer + (0.4 if part.kind == "mlp_out" else 0.0)
