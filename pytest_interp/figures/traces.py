"""A set of causal traces: every fact a row, its hand-off a mark in that row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from pytest_interp.figures import claimed as marks, rows, style
from pytest_interp.figures.trace import WORDS, effect_axis
from pytest_interp.results.base import Floats
from pytest_interp.results.claimed import ClaimedRange
from pytest_interp.results.known import unknown_because
from pytest_interp.results.samples import Scope
from pytest_interp.results.traces import TraceSet

THRESHOLDS = (0.3, 0.8)
"""What claims ask for by default: the most where the fact is not, the least where it is."""
COLOURS: dict[str | int | None, str] = {"subject": style.BLUE, "last": style.ORANGE}
"""The curves, by their place."""


def traces_figure(result: TraceSet, claimed: Sequence[ClaimedRange] = ()) -> Figure:
    """Effect at the subject and at the last token: facts down, layers across, one map each.

    Colours are centred on zero and end at -1 and 1, so that negative effects show. A mark in each
    row shows the layer from which the last token outdoes the subject. Below is the mean of both
    over the facts that the model knows: with the interval that decides a claim, the range of these
    facts, and the default thresholds of claims. Of what is ``claimed``, it is shaded where the two
    means must be, with the claim's own thresholds in place of the default ones.
    """
    n = len(result)
    heights = (rows.height(n), 1.8)
    figure = Figure(figsize=(style.WIDTH, sum(heights) + 1.9), layout="constrained")
    panels = figure.subplot_mosaic([["subject", "last"], ["mean", "mean"]], height_ratios=heights)
    subject, last = result.effect("subject"), result.effect("last")
    _map(panels["subject"], result, subject, "at the subject (its strongest token)")
    image = _map(panels["last"], result, last, "at the last token")
    rows.name_rows(panels["subject"], result.ids)
    panels["last"].set_yticks([])

    first = result.traces[0]
    measure, ends, patched = WORDS[first.direction]
    maps = [panels["subject"], panels["last"]]
    style.colour_bar(figure, image, maps, f"{measure} ({ends})")
    figure.suptitle(
        style.of_model(
            result,
            f"{patched}, {first.site}, {first.metric}\n{n} facts of {style.quoted(result.name)}. "
            "Black marks: the hand-off of each fact",
        ),
        x=0.01,
        ha="left",
        fontsize=10.5,
    )
    of_curves = [one for one in dict.fromkeys(claimed) if one.place in COLOURS and one.sense]
    _means(panels["mean"], result, subject, last, () if of_curves else THRESHOLDS)
    effect_axis(panels["mean"], 1.4)
    for one in of_curves:
        marks.shade_limit(panels["mean"], one, first.layers, COLOURS[one.place])
    style.label(panels["mean"], x=f"layer ({first.site})", y=measure)
    style.layer_ticks(panels["mean"], first.layers)
    marks.legend(figure, panels["mean"])
    return figure


def _map(axes: Axes, result: TraceSet, values: Floats, title: str) -> AxesImage:
    layers = result.traces[0].layers
    image = rows.fact_map(axes, values, layers, result.hand_off_layers(), Normalize(-1.0, 1.0))
    style.title(axes, title, 9.5)
    style.layer_ticks(axes, layers, every=2)  # a map is half as wide as what is below
    return image


def _means(
    axes: Axes, result: TraceSet, subject: Floats, last: Floats, thresholds: Sequence[float]
) -> None:
    """The mean of both over the facts that a claim may rest on, from values [fact, layer]."""
    known = [i for i, one in enumerate(result) if unknown_because(one) is None]
    n_layers = subject.shape[1]
    axes.set_xlim(-0.5, n_layers - 0.5)
    for threshold in thresholds:
        axes.axhline(threshold, color=style.GREY, linewidth=0.7, linestyle=":")
    if not known:
        style.title(axes, "The model knows none of these facts: no mean", 9.5)
        return
    scope = Scope.of(result, known)
    interval = "too few for an interval"
    for name, values, colour, marker, at, side in (
        ("subject", subject[known], style.BLUE, "o", 0, "left"),
        ("last token", last[known], style.ORANGE, "s", n_layers - 1, "right"),
    ):
        x = np.arange(n_layers)
        axes.fill_between(x, values.min(0), values.max(0), color=colour, alpha=0.13, linewidth=0)
        if (bounds := scope.widest_interval(values)) is not None:
            axes.fill_between(x, *bounds, color=colour, alpha=0.4, linewidth=0)
            interval = f"dark: its 95 % interval{style.widest_of(scope)}"
        axes.plot(x, values.mean(axis=0), color=colour, marker=marker, markersize=3)
        style.note(axes, name, (at, 1.12), colour, ha=side)
    dotted = ""
    if thresholds:
        low, high = thresholds
        dotted = f"; dotted: thresholds that claims have by default, {low:g} and {high:g}"
    style.title(
        axes,
        f"Mean of the {len(known)} facts that the model knows; {interval};\n"
        f"light: their range{dotted}",
        9.5,
    )
