"""Doses of a direction: what the model says, beside random directions of the same length."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.results.steering import AblationResult, SteerResult


def steer_figure(result: SteerResult) -> Figure:
    """Mean log-odds of abstaining by dose and class, and what is lost.

    On the left the band is the range of the random directions, around the same starting point. On
    the right are the share of right answers and the divergence of neutral text.
    """
    figure = Figure(figsize=(style.WIDTH, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.5, 1))
    for label, colour in zip(result.classes, (style.BLUE, style.ORANGE), strict=True):
        which = result.of(label)
        start = result.log_odds[result.at(0), which].mean()
        random = start + result.random_shift[:, :, which].mean(2)
        low, high = random.min(0), random.max(0)
        left.fill_between(result.doses, low, high, color=colour, alpha=0.15, linewidth=0)
        mean = result.log_odds[:, which].mean(1)
        left.plot(result.doses, mean, color=colour, marker="o", markersize=4, label=label)
        answered = result.right[:, which]
        answered = answered[:, ~np.isnan(answered).any(0)]
        if answered.size:
            share = answered.mean(1)
            right.plot(result.doses, share, color=colour, marker="o", markersize=4)
    style.label(left, x="dose", y="log-odds of abstaining")
    layers = ", ".join(map(str, result.layers))
    style.title(
        left,
        f"Steering at layer {layers}, “{result.name}”\n"
        f"Bands: {len(result.random_log_odds)} random directions of the same length",
    )
    left.legend(fontsize=8.5, frameon=False)
    right.plot(result.doses, result.neutral_kl, color=style.GREY, linestyle="--")
    right.set_ylim(-0.05, max(1.05, 1.1 * float(result.neutral_kl.max())))
    style.label(right, x="dose", y="share right; nats")
    style.title(right, "Right answers; divergence of\nneutral text (dashed)")
    for axes in (left, right):
        axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        style.tidy(axes, grid=True)
    return figure


def ablation_figure(result: AblationResult) -> Figure:
    """The log-odds of abstaining of every prompt, before and after the projection."""
    figure = Figure(figsize=(5.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for label, colour in zip(result.classes, (style.BLUE, style.ORANGE), strict=True):
        which = np.array([one == label for one in result.labels])
        axes.scatter(
            result.before[which], result.after[which], s=14, color=colour, alpha=0.7, label=label
        )
    _diagonal(axes, np.concatenate([result.before, result.after]))
    style.label(axes, x="log-odds of abstaining before", y="after")
    style.title(axes, f"A direction projected out, “{result.name}”")
    style.tidy(axes, grid=True)
    axes.legend(fontsize=8.5, frameon=False)
    return figure


def _diagonal(axes: Axes, values: np.ndarray) -> None:
    ends = [float(values.min()), float(values.max())]
    axes.plot(ends, ends, color="0.8", linewidth=0.8, zorder=0)
    axes.axhline(0, color=style.GREY, linewidth=0.8, zorder=0)
    axes.axvline(0, color=style.GREY, linewidth=0.8, zorder=0)
