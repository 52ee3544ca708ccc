"""The logit lens as curves over depth."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from pytest_interp.figures import style
from pytest_interp.results import LensResult


def lens_figure(result: LensResult) -> Figure:
    """Probability and rank of the answer at every layer; the crossover layer is marked.

    The rank axis is logarithmic and counts from 1, the top token, at its upper end.
    """
    figure = Figure(figsize=(style.WIDTH, 4.4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    layers = result.layers

    above.plot(layers, result.answer_prob, color=style.BLUE, marker="o", markersize=3.5)
    above.set_ylim(-0.04, 1.04)
    style.label(above, y=f"probability of {style.quoted(result.answer)}")
    style.title(above, f"Logit lens after {style.quoted(result.prompt)}")

    below.plot(layers, result.answer_rank + 1, color=style.ORANGE, marker="s", markersize=3.5)
    below.set_yscale("log")
    below.set_ylim(2.0 * max(10, int(result.answer_rank.max())), 0.7)
    below.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    style.label(below, x="layer", y="rank (1 = top token)")
    below.set_xlim(layers[0] - 0.5, layers[-1] + 0.5)
    below.xaxis.set_major_locator(MaxNLocator(16, integer=True))

    crossover = result.crossover_layer.layer
    for axes in (above, below):
        style.tidy(axes)
        axes.grid(axis="y", color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)
        if crossover is not None:
            axes.axvline(crossover, color=style.GREY, linestyle="--", linewidth=1.2)
    note = "never the top token" if crossover is None else f"top token from layer {crossover}"
    right = crossover is None or crossover > (layers[0] + layers[-1]) / 2
    above.annotate(
        note,
        (layers[-1] if crossover is None else crossover, 0.97),
        xytext=(-6 if right else 6, 0),
        textcoords="offset points",
        ha="right" if right else "left",
        va="top",
        fontsize=9.5,
        color=style.GREY,
        weight="bold",
    )
    return figure
