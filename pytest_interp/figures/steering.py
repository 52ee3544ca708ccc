"""Doses of a direction: what the model says, beside random directions of the same length."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.figures.trajectories import COLOURS, DASHES
from pytest_interp.results.steering import AblationResult, SteerResult


def steer_figure(result: SteerResult) -> Figure:
    """Mean log-odds of abstaining by dose and class, and what is lost.

    On the left the bands are the range of the random directions, around the same starting points.
    On the right are the share of right answers, and how far neutral text changes; the band is again
    that of the random directions.
    """
    figure = Figure(figsize=(style.WIDTH, 4.6), layout="constrained")
    panels = figure.subplot_mosaic([["odds", "right"], ["odds", "kl"]], width_ratios=(1.6, 1))
    odds, right, kl = (panels[name] for name in ("odds", "right", "kl"))
    for label, colour, dashes in zip(result.classes, COLOURS, DASHES, strict=False):
        which = result.of(label)
        drawn: dict[str, Any] = {
            "color": colour,
            "linestyle": dashes,
            "marker": "o",
            "markersize": 4,
        }
        start = result.log_odds[result.at(0), which].mean()
        random = start + result.random_shift[:, :, which].mean(2)
        band: dict[str, Any] = {"color": colour, "alpha": 0.15, "linewidth": 0}
        odds.fill_between(
            result.doses, random.min(0), random.max(0), label=f"{label}, random directions", **band
        )
        odds.plot(result.doses, result.log_odds[:, which].mean(1), label=label, **drawn)
        answered = result.right[:, which]
        answered = answered[:, ~np.isnan(answered).any(0)]
        if answered.size:
            right.plot(result.doses, answered.mean(1), **drawn)
    low, high = result.random_neutral_kl.min(0), result.random_neutral_kl.max(0)
    kl.fill_between(result.doses, low, high, color="0.85", linewidth=0)
    kl.plot(result.doses, result.neutral_kl, color=style.GREY, marker="o", markersize=4)
    style.label(odds, x="dose", y="log-odds of abstaining (logits)")
    style.label(right, y="share answered rightly")
    style.label(kl, x="dose", y="neutral text (nats)")
    right.set_ylim(-0.04, 1.04)
    kl.set_ylim(bottom=0)
    layers = ", ".join(map(str, result.layers))
    said = f"steering at layer {layers}, {len(result.ids)} prompts of “{result.name}”"
    bands = f"Bands: {len(result.random_log_odds)} random directions of the same length"
    head = f"{style.of_model(result, said)}\n{bands}"
    figure.suptitle(head, x=0.01, ha="left", size=10.5)
    for axes in panels.values():
        axes.axvline(0, color="0.8", linewidth=0.8, zorder=0)
        style.tidy(axes, grid=True)
    handles, labels = odds.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", fontsize=8.5, frameon=False, ncols=4)
    return figure


def ablation_figure(result: AblationResult) -> Figure:
    """The log-odds of abstaining of every prompt, before and after the projection."""
    figure = Figure(figsize=(5.0, 4.2), layout="constrained")
    axes = figure.subplots()
    for label, colour in zip(result.classes, COLOURS, strict=False):
        which = np.array([one == label for one in result.labels])
        axes.scatter(
            result.before[which], result.after[which], s=14, color=colour, alpha=0.7, label=label
        )
    _diagonal(axes, np.concatenate([result.before, result.after]))
    style.label(axes, x="log-odds of abstaining before", y="log-odds of abstaining after")
    said = f"a direction projected out\n{len(result.ids)} prompts of “{result.name}”"
    style.title(axes, style.of_model(result, said))
    style.tidy(axes, grid=True)
    axes.legend(fontsize=8.5, frameon=False)
    return figure


def _diagonal(axes: Axes, values: np.ndarray) -> None:
    ends = [float(values.min()), float(values.max())]
    axes.plot(ends, ends, color="0.8", linewidth=0.8, zorder=0)
    axes.axhline(0, color=style.GREY, linewidth=0.8, zorder=0)
    axes.axvline(0, color=style.GREY, linewidth=0.8, zorder=0)
