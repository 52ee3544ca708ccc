"""Estimated effects of all cells, and beside them those that were computed exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pytest_interp.figures import style
from pytest_interp.figures.trace import WORDS
from pytest_interp.results.base import Floats
from pytest_interp.results.estimates import Estimates

COLOURS = (style.BLUE, style.ORANGE, "#009E73", "#CC79A7", style.GREY, "#000000")
"""Okabe and Ito 2008: one for each site."""
MARKERS = "os^Dvx"
_TALLEST = 2.6
"""Inches of one map."""
_MOST_NAMES = 24
"""Rows of a map that are named one by one."""


def estimates_figure(result: Estimates) -> Figure:
    """Maps of the mean estimate, one for each site: tokens or heads down, layers across.

    Where some cells were computed exactly, the panel on the right shows the estimate of each
    against the exact number, mean over facts: on the grey line the two are equal.
    """
    sites = list(result.change)
    heights = [_height(len(result.labels(site))) for site in sites]
    errors = {site: result.largest_error(site) for site in sites}
    checked = any(error is not None for error in errors.values())
    figure = Figure(
        figsize=(style.WIDTH, max(sum(heights) + 1.1, 3.6 if checked else 0)), layout="constrained"
    )
    mosaic: list[Any] = [[site, "exact"] if checked else [site] for site in sites]
    panels = figure.subplot_mosaic(
        mosaic, height_ratios=heights, width_ratios=(1.7, 1) if checked else None
    )
    for site in sites:
        axes = panels[site]
        image = style.heat_map(axes, result.means(site).T, Normalize(-1.0, 1.0))
        _name_rows(axes, result, site)
        style.layer_ticks(axes, result.layers)
        axes.tick_params(labelsize=8, length=2)
        style.label(axes, y=site)
    style.label(panels[sites[-1]], x="layer")
    measured, ends, patched = WORDS[result.direction]
    maps = [panels[site] for site in sites]
    style.colour_bar(figure, image, maps, f"estimated {measured} ({ends})")
    if checked:
        _against_exact(panels["exact"], result)
    taken = "one gradient" if result.options.steps == 1 else f"{result.options.steps} gradients"
    over = style.quoted(result.facts.prompts[0].clean_prompt, 50)
    if len(result) > 1:
        over = f"mean over {len(result)} facts of “{style.on_one_line(result.facts.name, 40)}”"
    head = style.of_model(result, f"attribution patching by {taken}\n{patched}, {over}")
    figure.suptitle(head, x=0.01, ha="left", size=10.5)
    return figure


def _height(rows: int) -> float:
    return min(0.2 * rows + 0.4, _TALLEST)


def _name_rows(axes: Axes, result: Estimates, site: str) -> None:
    labels = list(result.labels(site))
    if result.is_by_token(site) and len(result) == 1:
        labels = [style.token_label(token) for token in result.str_tokens[0]]
    step = max(1, -(-len(labels) // _MOST_NAMES))
    axes.set_yticks(range(0, len(labels), step), labels[::step])


def _against_exact(axes: Axes, result: Estimates) -> None:
    reach = 0.05
    for i, site in enumerate(result.change):
        exact, estimates = _pairs(result, site)
        if not exact.size:
            continue
        error = result.largest_error(site)
        axes.scatter(
            exact,
            estimates,
            s=16,
            alpha=0.75,
            color=COLOURS[i % len(COLOURS)],
            marker=MARKERS[i % len(MARKERS)],
            label=f"{site}, off by up to {error:.2f}",
        )
        finite = np.abs([*exact, *estimates])
        reach = max(reach, float(np.nanmax(finite)) if np.isfinite(finite).any() else 0.0)
    ends = [-1.08 * reach, 1.08 * reach]
    axes.plot(ends, ends, color="0.8", linewidth=0.8, zorder=0)
    axes.set(xlim=ends, ylim=ends)
    axes.set_box_aspect(1)
    style.label(axes, x="computed exactly", y="estimated")
    style.tidy(axes, grid=True)
    axes.legend(fontsize=7.5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2))


def _pairs(result: Estimates, site: str) -> tuple[Floats, Floats]:
    """Mean over facts of exact number and estimate, of the cells that have both [cell]."""
    exact, estimates = result.exact_effect(site), result.effect(site)
    there = ~np.isnan(exact)
    count = there.sum(0)
    means = [
        np.where(there, one, 0.0).sum(0)[count > 0] / count[count > 0] for one in (exact, estimates)
    ]
    return means[0], means[1]
