"""Ablations: the metric before and after, beside random sets of components."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.results.ablations import Ablations
from pytest_interp.results.over_facts import OverFacts
from pytest_interp.results.samples import Scope

MOST = 24
"""Rows of a figure: of more, those that change the metric most."""


def ablations_figure(result: Ablations) -> Figure:
    """What is left of the metric without each component or set; those that lower it most on top.

    Points are means over facts, with the interval that decides a claim about them. The line is the
    metric as it is, and grey dots are random sets of as many components of the same kinds.
    """
    order = np.argsort(result.ablated.mean(0), kind="stable")
    if len(order) > MOST:
        moved = np.argsort(-np.abs(result.drop.mean(0)), kind="stable")[:MOST]
        order = np.array([i for i in order if i in set(moved.tolist())])
    figure = Figure(figsize=(style.WIDTH, 1.5 + 0.27 * len(order)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    axes.axvline(float(result.clean.mean()), color=style.BLUE, linewidth=1.6)
    for row, i in enumerate(order.tolist()):
        _row(axes, result, row, i)
    axes.set_yticks(range(len(order)), [style.on_one_line(result.what[i], 34) for i in order])
    axes.set_ylim(len(order) - 0.4, -0.6)
    style.tidy(axes)
    style.label(axes, x=f"{result.metric.name} ({result.metric.unit})", y="without")
    n = len(result)
    said = (
        f"{_how(result)}, {n} fact{'s' if n != 1 else ''} of {style.quoted(result.facts.name, 30)}"
    )
    parts = ["Blue: with all of it"]
    if len(order) < len(result.what):
        parts.append(f"the {len(order)} of {len(result.what)} that change it most")
    if result.random_members:
        parts.append("grey: random sets of the same kinds and sizes")
    style.title(axes, style.of_model(result, f"{said}\n{'; '.join(parts)}"))
    return figure


def _row(axes: Axes, result: Ablations, row: int, i: int) -> None:
    values = result.ablated[:, i]
    columns = result.beside(result.what[i])
    random = result.random_ablated[:, columns].mean(0)
    axes.plot(random, np.full(len(random), row), ".", color="0.7", markersize=4, zorder=1)
    mean = float(values.mean())
    axes.plot([float(result.clean.mean()), mean], [row, row], color="0.85", linewidth=1, zorder=0)
    bounds = interval(result, values)
    if bounds is not None:
        axes.plot(bounds, [row, row], color=style.ORANGE, linewidth=2.2)
    axes.plot(mean, row, "o", color=style.ORANGE, markersize=5)


def interval(result: OverFacts, values: np.ndarray) -> tuple[float, float] | None:
    """The 95 % interval of a mean over facts that decides claims; None where there is none."""
    scope = Scope(result.templates, tuple(map(frozenset, result.entities)), result.answers)
    bounds = scope.widest_interval(values[:, None])
    return None if bounds is None else (float(bounds[0][0]), float(bounds[1][0]))


def _how(result: Ablations) -> str:
    how = result.how
    if "from" in how:
        return f"attention from {how['from']} to {how['to']} knocked out"
    at = str(how.get("positions", "all"))
    where = {"all": "all tokens", "last": "the last token", "subject": "the subject"}.get(at, at)
    return f"{how.get('ablation', '')} ablation at {where}"
