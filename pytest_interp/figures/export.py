"""Figures as files for a paper: vectors or pixels, of a stated size, the same in every run."""

from __future__ import annotations

import io
from typing import Any, Final, Literal

import matplotlib
from matplotlib.figure import Figure

Form = Literal["svg", "pdf", "png"]

_DPI: Final = 300
"""Of PNG files, as journals ask for."""
_UNDATED: Final[dict[Form, dict[str, Any]]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""A date would make each file another one."""


def exported(figure: Figure, form: Form, inches: tuple[float, float | None] | None = None) -> bytes:
    """The figure as the bytes of a file. Changes its size.

    Args:
        figure: made without pyplot.
        form: ``svg`` or ``pdf`` for vectors, ``png`` for pixels at 300 dpi.
        inches: width and height; a height of None keeps the ratio of the sides.
    """
    if inches is not None:
        width, height = inches
        before = figure.get_size_inches()
        figure.set_size_inches(width, height or float(width * before[1] / before[0]))
    buffer = io.BytesIO()
    # the ids of an SVG are random without a salt, and journals refuse fonts of Type 3
    with matplotlib.rc_context({"svg.hashsalt": "pytest-interp", "pdf.fonttype": 42}):
        figure.savefig(buffer, format=form, dpi=_DPI, metadata=_UNDATED.get(form))
    return buffer.getvalue()
