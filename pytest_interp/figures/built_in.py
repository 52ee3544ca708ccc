"""The figures of this package's results. Each is imported when it is drawn, matplotlib with it."""

from pytest_interp.figures.registry import register_figure
from pytest_interp.results.lens import LensResult
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet

register_figure(LensResult, "pytest_interp.figures.lens:lens_figure")
register_figure(LensSet, "pytest_interp.figures.lenses:lenses_figure")
register_figure(TraceResult, "pytest_interp.figures.trace:trace_figure")
register_figure(TraceSet, "pytest_interp.figures.traces:traces_figure")
