"""Figures of results: drawn with matplotlib's Agg, without pyplot and its global state."""

from pytest_interp.figures.draw import figure_of
from pytest_interp.figures.lens import lens_figure
from pytest_interp.figures.render import Drawing, draw, picture, raster
from pytest_interp.figures.trace import trace_figure
from pytest_interp.figures.traces import traces_figure

__all__ = [
    "Drawing",
    "draw",
    "figure_of",
    "lens_figure",
    "picture",
    "raster",
    "trace_figure",
    "traces_figure",
]
