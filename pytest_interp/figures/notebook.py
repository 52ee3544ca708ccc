"""What a notebook shows of a result: its findings, how it came about, and its figure."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from pytest_interp.figures.registry import figure_of
from pytest_interp.results.base import Result
from pytest_interp.results.notebook import table_html

_MADE = ("model", "backend", "device", "dtype", "fingerprint")


def result_html(result: Result) -> str:
    """A small table, text that is shown, and the figure as SVG.

    Errors as for :func:`~.registry.figure_of`.
    """
    html = table_html(type(result).__name__, _rows(result))
    if texts := result.texts():
        html += f"<pre>{escape(texts)}</pre>"
    figure = figure_of(result)
    if figure is None:
        return html
    from pytest_interp.figures.export import exported

    svg = exported(figure, "svg").decode()
    return html + svg[svg.index("<svg") :]  # a page has no second prolog


def _rows(result: Result) -> Iterator[tuple[str, object]]:
    if summary := result.summary():
        yield "found", summary
    for name, value in result.to_json().items():
        if not isinstance(value, list | dict):
            yield name, value
    for name in _MADE if result.provenance else ():
        yield name, getattr(result.provenance, name)
