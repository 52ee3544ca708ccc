"""The logit lens as curves over depth."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from pytest_interp.figures import claimed as marks, style
from pytest_interp.results.base import Floats
from pytest_interp.results.claimed import ClaimedRange
from pytest_interp.results.lens import LensResult

_NEAR = 2.0
"""Logits of lead up to which the axis is even; beyond it is logarithmic."""
_TICKS = (-300, -100, -30, -10, -3, 0, 3, 10, 30, 100, 300)
_LABELS = 0.22
"""Share of the axis, above all leads, where the labels are."""


def lens_figure(result: LensResult, claimed: Sequence[ClaimedRange] = ()) -> Figure:
    """Lead and rank of the answer at every layer.

    The lead is the logit of the answer minus the best other one: above zero the answer is on top. A
    dashed line marks the layer at which it first is. Where it loses its place again, a dotted line
    marks the layer from which it stays there. The rank axis is logarithmic; its upper end is 0, the
    top token, as in results and tables. The layers ``claimed`` for one of these marks are shaded.
    """
    figure = Figure(figsize=(style.WIDTH, 4.8), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    layers = result.layers

    above.axhline(0, color=style.GREY, linewidth=0.8)
    above.plot(layers, result.answer_margin, color=style.BLUE, marker="o", markersize=3.5)
    _lead_axis(above, result.answer_margin)
    style.label(above, y="lead of the answer (logits)")
    style.title(
        above,
        style.of_model(
            result,
            f"logit lens after\n{style.quoted(result.prompt)}\n"
            f"{style.quoted(result.answer)} has probability {result.final_prob:.3g} at the end",
        ),
    )

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
    for one in dict.fromkeys(claimed):
        for axes in (above, below):
            marks.shade_layers(axes, one, (one.first - 0.5, one.last + 0.5))
    marks.legend(figure, above)
    return figure


def _lead_axis(axes: Axes, lead: Floats) -> None:
    """An axis on which leads of 1 and of 30 logits can both be read, from few possible limits."""
    finite = lead[np.isfinite(lead)]
    least, most = min(finite, default=0.0), max(finite, default=0.0)
    ends = np.arcsinh(np.array([-_end(-least), _end(most)]) / _NEAR)
    low, high = ends[0], ends[0] + (ends[1] - ends[0]) / (1 - _LABELS)
    axes.set_yscale("asinh", linear_width=_NEAR)
    axes.set_ylim(*_NEAR * np.sinh([low, high]))
    ticks = [tick for tick in _TICKS if low <= np.arcsinh(tick / _NEAR) <= ends[1]]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:+.0f}" if value else "0")
    )
    axes.yaxis.set_minor_locator(NullLocator())


def _end(lead: float) -> float:
    """The first of 5, 20, 80, 320 ... logits that is more than a lead."""
    return 5.0 * 4.0 ** max(0, math.ceil(math.log(max(lead, 1.0) / 5.0, 4)))


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
    top = axes.get_ylim()[1]
    style.note(axes, text, (layer, top), style.GREY, offset, ha=side, va="top")
