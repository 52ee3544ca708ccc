"""What the figures share: sizes, colours for colour-blind readers too, tokens as text."""

from __future__ import annotations

from typing import Any, Final

from matplotlib.axes import Axes

WIDTH: Final = 8.0
"""Inches: at 100 dpi a figure is as wide as the text column of a README."""

# Okabe and Ito 2008, "Color Universal Design"
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREY: Final = "#5F5F5F"

DIVERGING: Final = "PuOr_r"
"""Purple below zero, white at zero, orange above: safe for the common colour deficiencies."""

FINDING: Final = "finding"
"""The ``gid`` of what marks a discrete finding. It may flip on a margin inside the noise, so that
rasters leave it out as they leave out text; the numbers tell of it."""

_SMALL: Final = 9.0
_TITLE: Final = 10.5


def shown(token: str) -> str:
    """A token as a label: spaces and line breaks made visible, and nothing read as maths."""
    text = token.replace("\n", "⏎").replace("\t", "⇥")
    text = "␣" if text.strip() == "" and text else text
    return text.replace("$", r"\$")


def quoted(text: str, width: int = 78) -> str:
    """A text in quotation marks on one line, its middle left out where it is too long."""
    line = text.replace("\n", "⏎")
    if len(line) > width:
        keep = (width - 1) // 2
        line = f"{line[:keep]}…{line[-keep:]}"
    return f"“{line}”".replace("$", r"\$")


def tidy(axes: Axes) -> None:
    """Small labels, no box, tokens and layers easy to read off."""
    axes.tick_params(labelsize=_SMALL, length=3, color=GREY)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(GREY)


def title(axes: Axes, text: str) -> None:
    """A title that begins where the axes do."""
    axes.set_title(text, loc="left", fontsize=_TITLE)


def label(axes: Axes, *, x: str | None = None, y: str | None = None) -> None:
    """Axis labels in the common size."""
    small: dict[str, Any] = {"fontsize": _SMALL}
    if x is not None:
        axes.set_xlabel(x, **small)
    if y is not None:
        axes.set_ylabel(y, **small)


def layer_ticks(layers: tuple[int, ...]) -> list[int]:
    """Indices into ``layers`` to label: at most sixteen, evenly spaced, from the first on."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if len(layers) / s <= 16)
    return list(range(0, len(layers), step))
