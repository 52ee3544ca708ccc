"""Induction, previous-token and duplicate-token scores of every head."""

from __future__ import annotations

from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from pytest_interp.figures import head_maps, style
from pytest_interp.results.head_scores import SCORES, HeadScores

_NAMED, _LEAST = 8, 0.4


def head_scores_figure(result: HeadScores) -> Figure:
    """A map of heads for each score, means over sequences; heads of 0.4 or more are named."""
    each = head_maps.height(result.n_heads)
    figure = Figure(figsize=(style.WIDTH, len(SCORES) * (each + 0.35) + 0.9), layout="constrained")
    panels = figure.subplots(len(SCORES), 1, sharex=True)
    for axes, name in zip(panels, SCORES, strict=True):
        values = result.score(name).mean(0)
        image = head_maps.head_map(axes, values, result.layers, Normalize(0, 1), head_maps.SHARES)
        head_maps.name_heads(axes, values, result.layers, _LEAST, _NAMED)
        largest = result.control(name).mean(0).max()
        said = f"{name.replace('_', '-')} score (largest control {largest:.2f})"
        style.title(axes, said, size=9.5)
    style.label(panels[-1], x="layer")
    style.colour_bar(figure, image, list(panels), "share of attention")
    said = f"{result.n} sequences of {result.length} random tokens, twice over"
    figure.suptitle(style.of_model(result, said), x=0.01, ha="left", size=10.5)
    return figure
