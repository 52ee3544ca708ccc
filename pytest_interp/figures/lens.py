"""The logit lens as curves over depth."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pytest_interp.figures import style
from pytest_interp.results.lens import LensResult


def lens_figure(result: LensResult) -> Figure:
    """Probability and rank of the answer at every layer.

    A dashed line marks the layer at which the answer is first on top. Where it loses its place
    again, a dotted line marks the layer from which it stays there. The rank axis is logarithmic;
    its upper end is 0, the top token, as in results and tables.
    """
    figure = Figure(figsize=(style.WIDTH, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    layers = result.layers

    above.plot(layers, result.answer_prob, color=style.BLUE, marker="o", markersize=3.5)
    # above 1 is the place of the labels, where no curve comes
    above.set_ylim(-0.04, 1.25)
    above.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    style.label(above, y=f"probability of {style.quoted(result.answer)}")
    style.title(above, f"Logit lens after\n{style.quoted(result.prompt)}")

    # ranks of near equals change places, so they are compared as numbers alone
    ranks = {"color": style.ORANGE, "marker": "s", "markersize": 3.5, "gid": style.FINDING}
    below.plot(layers, result.answer_rank + 1, **ranks)
    below.set_yscale("log")
    below.set_ylim(10.0 ** math.ceil(math.log10(max(20, int(result.answer_rank.max()) + 2))), 0.7)
    below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value - 1:,.0f}"))
    style.label(below, x="layer", y="rank (0 = top token)")
    below.set_xlim(layers[0] - 0.5, layers[-1] + 0.5)
    below.xaxis.set_major_locator(MaxNLocator(16, integer=True))
    for axes in (above, below):
        style.tidy(axes, grid=True)
    _mark((above, below), result)
    return figure


def _mark(panels: tuple[Axes, Axes], result: LensResult) -> None:
    layers = result.layers
    first, settled = result.crossover_layer.layer, result.settled_layer.layer
    if first is None:
        _note(panels[0], layers[-1], "never on top", to_the_left=True)
        return
    relapses = settled != first
    stays = "" if relapses else ", and stays there" if first < layers[-1] else ""
    lines = [(first, "--", f"first on top at layer {first}{stays}")]
    if settled is not None and relapses:
        lines.append((settled, ":", f"stays on top from layer {settled}"))
    for row, (layer, dashes, text) in enumerate(lines):
        for axes in panels:
            axes.axvline(
                layer, color=style.GREY, linestyle=dashes, linewidth=1.4, gid=style.FINDING
            )
        to_the_left = layer > (layers[0] + layers[-1]) / 2
        # each on a line of its own, so that two near one another can be read
        _note(panels[0], layer, text, to_the_left=to_the_left, row=row)


def _note(axes: Axes, layer: int, text: str, *, to_the_left: bool, row: int = 0) -> None:
    """A label at the upper end of a layer's line."""
    offset = (-6 if to_the_left else 6, -12 * row - 1)
    side = "right" if to_the_left else "left"
    style.note(axes, text, (layer, 1.25), style.GREY, offset, ha=side, va="top")
