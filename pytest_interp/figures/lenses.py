"""The logit lenses of a set of facts: every fact a row, its settled layer a mark in that row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure

from pytest_interp.figures import claimed as marks, rows, style
from pytest_interp.results.claimed import ClaimedRange
from pytest_interp.results.known import is_answered
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.samples import Scope

_NEAR, _END = 2.0, 40.0
"""Logits of lead. Colours are even up to the first, logarithmic beyond, and end at the second, the
same in every figure: whether an answer trails by 5 or by 20 can be seen too."""
_TICKS = (-30, -10, -3, 0, 3, 10, 30)


def lenses_figure(result: LensSet, claimed: Sequence[ClaimedRange] = ()) -> Figure:
    """By how much each answer leads: facts down, layers across.

    Colours are centred on zero, where the answer takes the lead. A mark in each row shows the layer
    from which the answer stays on top. Below are the mean probability of the answers, the share of
    the facts whose answer stays on top, and the mean of these layers with the interval that decides
    a claim. The layers ``claimed`` for that mean are shaded.
    """
    heights = (rows.height(len(result)), 1.5)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.8), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=heights, sharex=True)
    settled = result.settled_layers()
    norm = AsinhNorm(_NEAR, -_END, _END)
    image = rows.fact_map(above, result.answer_margin(), result.layers, settled, norm)
    rows.name_rows(above, result.ids)
    above.tick_params(axis="x", length=0, labelbottom=False)
    bar = style.colour_bar(figure, image, above, "lead of the answer (logits)")
    bar.set_ticks(_TICKS, labels=[f"{tick:+d}" if tick else "0" for tick in _TICKS])
    bar.minorticks_off()
    style.title(
        above,
        style.of_model(
            result,
            f"logit lens of {len(result)} facts of {style.quoted(result.name)}\n"
            "Black marks: the layer from which an answer stays on top",
        ),
    )
    _curves(below, result, settled)
    _interval(below, result)
    style.layer_ticks(below, result.layers)
    style.label(below, x="layer", y="share")
    for one in dict.fromkeys(claimed):
        marks.shade_layers(below, one, (_at(result, one.first), _at(result, one.last)))
    marks.legend(figure, below)
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
        style.note(axes, text, (place, 1.0), colour, (6, -2), xycoords="axes fraction", va="top")
    style.tidy(axes, grid=True)


def _interval(axes: Axes, result: LensSet) -> None:
    """The mean of the layers from which the answers stay on top, of those that lead clearly."""
    known = [i for i, one in enumerate(result) if is_answered(one)]
    if not known:
        style.title(axes, "No answer leads clearly at the end: no mean layer", 9.5)
        return
    settled = np.array([[float(result.lenses[i].settled_layer)] for i in known])
    mean, scope = settled.mean(), Scope.of(result, known)
    # no higher than the curves: above are the labels
    common: dict[str, Any] = {"ymax": 0.79, "color": style.GREY, "gid": style.FINDING}
    axes.axvline(_at(result, mean), linewidth=1.4, **common)
    text = (
        f"Grey: mean of these layers over the {len(known)} answers that lead at the end, {mean:.1f}"
    )
    if (bounds := scope.widest_interval(settled)) is not None:
        low, high = (float(bound[0]) for bound in bounds)
        ends = (_at(result, low), _at(result, high))
        axes.axvspan(*ends, alpha=0.25, linewidth=0, **common)
        text += f",\nwith its 95 % interval{style.widest_of(scope)}: {low:.1f} to {high:.1f}"
    else:
        text += ";\ntoo few for an interval"
    style.title(axes, text, 9.5)


def _at(result: LensSet, layer: float) -> float:
    """Where a mean of layers is drawn: the layers that were read are evenly spaced."""
    return float(np.interp(layer, result.layers, np.arange(len(result.layers))))
