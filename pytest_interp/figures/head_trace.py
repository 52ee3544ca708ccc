"""Effects of single heads, as a map; and of sets of cells, as bars."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pytest_interp.figures import head_maps, style
from pytest_interp.results.head_trace import HeadTrace
from pytest_interp.results.joint_trace import JointTrace

_NAMED, _LEAST = 6, 0.05


def head_trace_figure(result: HeadTrace) -> Figure:
    """A map of heads, mean effects over facts; the largest are named."""
    values = result.mean_effect
    tall = head_maps.height(len(result.heads))
    figure = Figure(figsize=(style.WIDTH, tall + 1.1), layout="constrained")
    axes = figure.subplots()
    finite = np.abs(values[np.isfinite(values)])
    limit = max(float(finite.max(initial=0)), _LEAST)
    norm = Normalize(-limit, limit)
    image = head_maps.head_map(axes, values, result.layers, norm, style.DIVERGING)
    if len(result.heads) != max(result.heads) + 1:
        axes.set_yticks(range(len(result.heads)), [str(head) for head in result.heads])
    head_maps.name_heads(axes, values, result.layers, _LEAST, _NAMED)
    style.label(axes, x="layer", y=result.unit)
    style.colour_bar(figure, image, [axes], "effect (share of the gap)")
    said = f"{result.site} at {result.position}, {result.direction}, {_facts(len(result))}"
    style.title(axes, style.of_model(result, said), size=10)
    return figure


def joint_trace_figure(result: JointTrace) -> Figure:
    """A bar for each set, with a dot for each fact."""
    tall = 0.32 * len(result.names) + 1.2
    figure = Figure(figsize=(style.WIDTH, tall), layout="constrained")
    axes = figure.subplots()
    rows = np.arange(len(result.names))
    axes.barh(rows, result.mean_effect, color=style.BLUE, height=0.6)
    for row in rows:
        each = result.effect[:, row]
        axes.plot(each, np.full(len(each), row), ".", color="black", alpha=0.5, markersize=4)
    axes.set_yticks(rows, list(result.names))
    axes.invert_yaxis()
    axes.axvline(0, color="0.4", linewidth=0.8)
    style.label(axes, x="effect (share of the gap)")
    said = f"sets of cells, {result.direction}, {_facts(len(result))}"
    style.title(axes, style.of_model(result, said), size=10)
    return figure


def _facts(n: int) -> str:
    return "1 fact" if n == 1 else f"{n} facts"
