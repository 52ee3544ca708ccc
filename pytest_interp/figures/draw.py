"""From a result to its figure, by the result's type."""

from __future__ import annotations

from functools import singledispatch

from matplotlib.figure import Figure

from pytest_interp.figures.lens import lens_figure
from pytest_interp.figures.trace import trace_figure
from pytest_interp.figures.traces import traces_figure
from pytest_interp.results.lens import LensResult
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet


@singledispatch
def figure_of(result: object) -> Figure | None:
    """The figure of a result, or None where it has none.

    A type of your own gets one by a method ``to_figure()`` that returns a matplotlib ``Figure``
    made without pyplot, or by ``figure_of.register(YourResult)``.
    """
    to_figure = getattr(result, "to_figure", None)
    return None if to_figure is None else to_figure()


figure_of.register(LensResult, lens_figure)
figure_of.register(TraceResult, trace_figure)
figure_of.register(TraceSet, traces_figure)
