"""Contributions to the logit difference: by layer with their running sum, and by head."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pytest_interp.adapters.components import BIAS, LAYER_INPUTS
from pytest_interp.figures import head_maps, style
from pytest_interp.results.attribution import Attribution
from pytest_interp.results.base import Floats

_NAMED = 6
"""Heads that are named in the map."""


def attribution_figure(result: Attribution) -> Figure:
    """What attention and MLP of each layer add, in the mean over facts, and every head below.

    The line is the running sum: it begins at what the embedding adds and ends at the logit
    difference, biases behind the last block included.
    """
    heights = (2.6, head_maps.height(len(result.heads)))
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    _bars(above, result)
    values = result.head_map()
    largest = np.nanmax(np.abs(values)) if np.isfinite(values).any() else 1.0
    most = max(float(largest), 1e-9)
    image = head_maps.head_map(
        below, values, result.layers, Normalize(-most, most), style.DIVERGING
    )
    head_maps.name_heads(below, values, result.layers, 0.15 * most, _NAMED)
    style.colour_bar(figure, image, below, "logits", aspect=12)
    style.label(below, x="layer")
    return figure


def _bars(axes: Axes, result: Attribution) -> None:
    x = np.arange(len(result.layers))
    attention = np.array([result.of(f"attn_out.{n}").mean() for n in result.layers])
    mlp = np.array([result.mean[f"mlp_out.{n}"] for n in result.layers])
    axes.bar(x - 0.2, attention, 0.4, color=style.BLUE, label="attention (heads and bias)")
    axes.bar(x + 0.2, mlp, 0.4, color=style.ORANGE, label="MLP")
    names = [f"{LAYER_INPUTS}.{n}" for n in result.layers]
    inputs = np.array([result.mean.get(name, 0.0) for name in names])
    if names[0] in result.mean:
        axes.bar(x + 0.45, inputs, 0.1, color=style.GREY, label="inputs of the layer")
    running = _running(result, attention + mlp + inputs)
    # what is there after each layer stands at the layer's end, biases behind the last one too
    ends = np.array([-0.5, *(x + 0.5), len(x) - 0.5])
    axes.plot(ends, running, color="black", marker=".", markersize=4, linewidth=1.1)
    axes.plot([], [], color="black", marker=".", linewidth=1.1, label="running sum")
    axes.axhline(0, color=style.GREY, linewidth=0.8)
    axes.set_xlim(-0.5, len(x) - 0.5)
    style.label(axes, y="logits")
    style.tidy(axes, grid=True)
    axes.legend(fontsize=8.5, frameon=False, loc="upper left", ncols=3)
    n = len(result)
    of = style.quoted(result.facts.prompts[0].clean_prompt) if n == 1 else f"{n} facts (mean)"
    cap = "" if result.softcap is None else f", before the cap at {result.softcap:g}"
    said = f"direct contributions to the logit difference{cap}\n{of}: {running[-1]:+.2f} logits"
    style.title(axes, style.of_model(result, said))


def _running(result: Attribution, by_layer: Floats) -> Floats:
    """From the embedding over every layer to the whole [layer + 2]."""
    first, last = result.mean["embed"], result.mean.get(BIAS, 0.0)
    return np.cumsum([first, *by_layer, last])
