"""The size of figures for a paper, as a person writes it. No matplotlib here."""

from __future__ import annotations

import re
from typing import Final

from pytest_interp.errors import ReportError

_SMALLEST: Final = 0.5
_LARGEST: Final = 100.0
"""Inches."""


def parse_size(text: str) -> tuple[float, float | None]:
    """Read ``6.5`` or ``6.5x4``: inches.

    Raises:
        ReportError: the text is no size, or one that cannot be drawn.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:x\s*(\d+(?:\.\d+)?))?\s*", text)
    sides = [float(side) for side in found.groups() if side] if found else []
    if not sides or not all(_SMALLEST <= side <= _LARGEST for side in sides):
        raise ReportError(
            f"cannot read the size of figures {text!r}: write WIDTH or WIDTHxHEIGHT in inches, "
            f"each from {_SMALLEST:g} to {_LARGEST:g}, as in 6.5x4"
        )
    return sides[0], sides[1] if len(sides) > 1 else None
