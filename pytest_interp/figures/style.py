"""What the figures share: sizes, colours for colour-blind readers too, tokens as text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from pytest_interp.results.base import Floats, Result
from pytest_interp.results.samples import Scope

WIDTH: Final = 8.0
"""Inches: at 100 dpi a figure is as wide as the text column of a README."""

# Okabe and Ito 2008, "Color Universal Design"
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREY: Final = "#5F5F5F"

DIVERGING: Final = "PuOr_r"
"""Purple below zero, white at zero, orange above: safe for the common colour deficiencies."""

FINDING: Final = "finding"
"""The ``gid`` of what marks a discrete finding. It may flip on a margin inside the noise, so
rasters leave it out as they leave out text. The numbers are compared for it."""


def drawable(text: str) -> str:
    """The text with the escape of each sign that the font lacks, as in CJK or emoji prompts.

    A font that has them is used where matplotlib's ``font.family`` names one first.
    """
    return "".join(
        sign if ord(sign) in _signs() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )


@cache
def _signs() -> frozenset[int]:
    """What the font of the figures can draw."""
    file = font_manager.findfont(font_manager.FontProperties())
    return frozenset(font_manager.get_font(file).get_charmap())


def token_label(token: str) -> str:
    """A token as a label: spaces and line breaks made visible, and nothing read as maths."""
    text = token.replace("\n", "⏎").replace("\t", "⇥")
    text = "␣" if text.strip() == "" and text else text
    return drawable(text).replace("$", r"\$")


def quoted(text: str, width: int = 66) -> str:
    """A text in quotation marks on one line, its middle left out where it is too long."""
    return f"“{on_one_line(text, width)}”"


def on_one_line(text: str, width: int) -> str:
    """A text of at most so many characters, its middle left out where it is too long."""
    line = drawable(text.replace("\n", "⏎"))
    if len(line) > width:
        keep = (width - 1) // 2
        line = f"{line[:keep]}…{line[-keep:]}"
    return line.replace("$", r"\$")


def of_model(result: Result, text: str) -> str:
    """A title that begins with the model, where it is known."""
    if result.provenance is None:
        return text[:1].upper() + text[1:]
    return f"{on_one_line(result.provenance.model, 40)}: {text}"


def widest_of(scope: Scope) -> str:
    """Of what an interval is the widest, where each template has to hold on its own."""
    return f", widest of {len(set(scope.templates))} templates" if scope.in_each_template else ""


def heat_map(axes: Axes, values: Floats, norm: Normalize) -> AxesImage:
    """Draw values [row, column] in diverging colours; undefined cells are grey."""
    axes.set_facecolor("0.8")  # undefined cells are transparent
    return axes.imshow(values, aspect="auto", interpolation="nearest", cmap=DIVERGING, norm=norm)


def colour_bar(
    figure: Figure, image: AxesImage, beside: Axes | list[Axes], text: str, aspect: float = 24
) -> Colorbar:
    """The key to the colours of a map, to the right of it."""
    bar = figure.colorbar(image, ax=beside, extend="both", pad=0.01, aspect=aspect)
    bar.ax.tick_params(labelsize=8)
    bar.set_label(text, fontsize=8.5)
    return bar


def tidy(axes: Axes, *, grid: bool = False) -> None:
    """Small labels, no box, and lines across at the ticks where ``grid`` asks for them."""
    axes.tick_params(labelsize=9, length=3, color=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    if grid:
        axes.grid(axis="y", color="0.9", linewidth=0.8)
        axes.set_axisbelow(True)


def title(axes: Axes, text: str, size: float = 10.5) -> None:
    """A title that begins where the axes do."""
    axes.set_title(text, loc="left", fontsize=size)


def label(axes: Axes, **texts: str) -> None:
    """Label the axes ``x`` and ``y`` in the common size."""
    for axis, text in texts.items():
        getattr(axes, f"set_{axis}label")(text, fontsize=9)


def note(
    axes: Axes,
    text: str,
    at: tuple[float, float],
    colour: str,
    offset: tuple[float, float] = (0, 0),
    **place: Any,
) -> None:
    """Write on the figure, ``offset`` points away from ``at``; ``place`` is the alignment."""
    axes.annotate(
        text,
        at,
        xytext=offset,
        textcoords="offset points",
        color=colour,
        fontsize=9.5,
        weight="bold",
        **place,
    )


def layer_ticks(axes: Axes, layers: Sequence[int], every: int = 1) -> None:
    """Name at most sixteen layers, evenly spaced, from the first on; or every second of those."""
    step = next(s for s in (1, 2, 5, 10, 20, 50, 100) if len(layers) / s <= 16) * every
    shown_at = range(0, len(layers), step)
    axes.set_xticks(shown_at, [str(layers[i]) for i in shown_at])
