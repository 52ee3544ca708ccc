"""A circuit: how faithful, how complete and how minimal it is."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.figures.ablations import interval
from pytest_interp.results.circuit import CircuitResult

MOST = 16
"""Components whose share is drawn: of more, those that change the circuit most."""


def circuit_figure(result: CircuitResult) -> Figure:
    """What all, the circuit, random circuits and none do; with and without subsets; by component.

    On the left the metric of the model, of the circuit, of random ones as large, and with all heads
    and MLPs ablated. In the middle each point is a subset, of which a complete circuit has all on
    the diagonal (Wang et al. 2022). On the right is what each component adds to the circuit, where
    that was measured.
    """
    n = min(MOST, len(result.removed))
    size = (style.WIDTH, max(3.6, 1.6 + 0.22 * n))
    figure = Figure(figsize=size, layout="constrained")
    columns = 3 if n else 2
    drawn = figure.subplots(1, columns, width_ratios=(1, 1.2, 1)[:columns])
    _faithful(drawn[0], result)
    _complete(drawn[1], result)
    if n:
        _minimal(drawn[2], result, n)
    for axes in drawn:
        style.tidy(axes)
    said = f"a circuit of {len(result.keep)} of {result.n_nodes} heads and MLPs, all others ablated"
    how = f"{result.how.get('ablation', '')} ablation, {len(result)} facts"
    head = f"{style.of_model(result, said)}\n{how} of {style.quoted(result.facts.name, 40)}"
    figure.suptitle(head, x=0.01, ha="left", size=10.5)
    return figure


def _faithful(axes: Axes, result: CircuitResult) -> None:
    rows = [("model", result.clean, style.BLUE), ("circuit", result.kept, style.ORANGE)]
    rows.append(("none", result.none, style.GREY))
    for x, (_, values, colour) in enumerate(rows):
        bounds = interval(result, values)
        if bounds is not None:
            axes.plot([x, x], bounds, color=colour, linewidth=2.2)
        axes.plot(x, values.mean(), "o", color=colour, markersize=6)
    names = [name for name, *_ in rows]
    if result.random_circuits:
        random = result.random_kept.mean(0)
        axes.plot(np.full(len(random), len(rows)), random, ".", color="0.6")
        names.append("random")
    axes.set_xticks(range(len(names)), names, rotation=30)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)
    style.label(axes, y=f"{result.metric.name} ({result.metric.unit})", x="what is kept")
    style.title(axes, f"Faithfulness {result.faithfulness:.2f}", 9.5)


def _complete(axes: Axes, result: CircuitResult) -> None:
    x, y = result.circuit_without.mean(0), result.model_without.mean(0)
    # as wide as what the model does: near the diagonal is then near by that measure
    ends = [np.min([*x, *y, result.none.mean()]), np.max([*x, *y, result.clean.mean()])]
    axes.plot(ends, ends, color="0.8", linewidth=0.8, zorder=0)
    axes.plot(x, y, "o", color=style.BLUE, markersize=4, alpha=0.7)
    axes.plot(x[:1], y[:1], "o", color=style.ORANGE, markersize=6)
    style.label(axes, x="circuit without a subset", y="model without it")
    style.title(axes, "Completeness (orange: all of it)", 9.5)


def _minimal(axes: Axes, result: CircuitResult, n: int) -> None:
    means = result.removal.mean(0)
    order = np.argsort(-np.abs(means), kind="stable")[:n]
    axes.barh(range(n), means[order], color=style.BLUE, height=0.6)
    names = [result.removed[i] + ("*" if result.minimal_with[i] else "") for i in order]
    axes.set_yticks(range(n), names)
    axes.invert_yaxis()
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    some = "" if n == len(result.removed) else f", {n} largest"
    style.label(axes, x="adds to the circuit", y="component")
    style.title(axes, f"Minimality{some}", 9.5)
