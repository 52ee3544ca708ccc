"""The curve of a probe: AUROC by layer, with what it has to exceed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.results.probe import ProbeResult
from pytest_interp.stats.separation import areas


def probe_figure(result: ProbeResult) -> Figure:
    """Held-out AUROC by layer with its interval over groups.

    The band of shuffled labels is what probes read where there is nothing to read. Horizontal lines
    are the baselines; the other curve is of probes that were fitted on other wordings.
    """
    figure = Figure(figsize=(style.WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    x = np.arange(len(result.layers))
    low, high = np.quantile(result.shuffled, [0.025, 0.975], axis=0)
    axes.fill_between(x, low, high, color="0.85", linewidth=0, label="shuffled labels, 95 %")
    found = areas(result.scores, result.units)
    axes.fill_between(x, found.low, found.high, color=style.BLUE, alpha=0.15, linewidth=0)
    name = result.options.method.replace("_", " ")
    axes.plot(x, found.area, color=style.BLUE, marker="o", markersize=3, label=f"{name}, 95 %")
    if (other := result.template_auroc) is not None:
        axes.plot(x, other, color=style.ORANGE, linewidth=1.4, label="fitted on other wordings")
    _baselines(axes, result)
    axes.axhline(0.5, color=style.GREY, linewidth=0.8)
    axes.set_ylim(0.2, 1.03)
    style.layer_ticks(axes, result.layers)
    style.label(axes, x="layer", y="AUROC, held-out prompts")
    style.title(
        axes,
        f"Probe: {result.classes[0]} against {result.classes[1]}, {len(result.ids)} prompts of "
        f"“{result.name}”\n{result.options.site} at token {result.options.position}",
    )
    style.tidy(axes, grid=True)
    axes.legend(loc="lower right", fontsize=8, frameon=False, ncols=2)
    return figure


def _baselines(axes: Axes, result: ProbeResult) -> None:
    styles = ((0, (1, 1)), (0, (4, 2)), (0, (6, 1, 1, 1)), (0, (2, 2)))
    for i, (name, value) in enumerate(result.baseline_auroc.items()):
        line = styles[i % len(styles)]
        axes.axhline(value, color=style.GREY, linewidth=1.1, linestyle=line, label=name)
