"""Claims over checkpoints: a line for each claim, above zero where it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pytest_interp.figures.style import BLUE, GREY, ORANGE, WIDTH, on_one_line, tidy, title

MOST: Final = 24
"""Claims that one figure shows; the others are counted."""
_MARKS: Final[dict[str, dict[str, Any]]] = {
    "passed": {"marker": "o", "facecolors": BLUE, "edgecolors": BLUE},
    "failed": {"marker": "X", "facecolors": ORANGE, "edgecolors": ORANGE},
    "inconclusive": {"marker": "o", "facecolors": "white", "edgecolors": GREY},
}


@dataclass(frozen=True)
class MarginLine:
    """One claim over the checkpoints."""

    name: str
    margins: tuple[float | None, ...]
    """How far it is on the right side of its threshold, by checkpoint; None where there is no such
    number."""
    statuses: tuple[str | None, ...]
    """``passed``, ``failed`` or ``inconclusive``; None where the claim was not reached."""


def checkpoints_figure(checkpoints: Sequence[str], lines: Sequence[MarginLine]) -> Figure:
    """A row for each claim; each has a scale of its own, since margins have units of their own.

    Args:
        checkpoints: their names, in order.
        lines: the claims. The first :data:`MOST` are drawn.
    """
    shown = lines[:MOST]
    figure = Figure(figsize=(WIDTH, 1.0 + 0.72 * max(1, len(shown))), layout="constrained")
    panels = figure.subplots(max(1, len(shown)), 1, sharex=True, squeeze=False)[:, 0]
    for axes, line in zip(panels, shown, strict=False):
        _row(axes, line)
    last = panels[-1]
    names = [on_one_line(name, 18) for name in checkpoints]
    last.set_xticks(range(len(names)), names, rotation=30 if len(names) > 6 else 0, fontsize=8)
    last.set_xlim(-0.4, len(names) - 0.6)
    left = len(lines) - len(shown)
    more = f" ({left} more claims are not shown)" if left else ""
    said = "margin of each claim; blue holds, orange cross fails, hollow is open"
    figure.supxlabel(f"{said}{more}", fontsize=8.5, color=GREY)
    return figure


def _row(axes: Axes, line: MarginLine) -> None:
    tidy(axes)
    axes.tick_params(labelsize=7)
    axes.axhline(0, color=GREY, linewidth=0.8, linestyle=":")
    title(axes, on_one_line(line.name, 100), size=8)
    # a claim without margins is drawn at its outcome alone
    sign = {"passed": 1.0, "failed": -1.0, "inconclusive": 0.0}
    has_margins = any(margin is not None for margin in line.margins)
    heights: list[float | None] = [
        margin if has_margins else sign.get(status or "")
        for margin, status in zip(line.margins, line.statuses, strict=True)
    ]
    known = [i for i, height in enumerate(heights) if height is not None]
    axes.plot(known, [heights[i] or 0.0 for i in known], color=GREY, linewidth=1.0, zorder=1)
    for status, marks in _MARKS.items():
        of = [i for i in known if line.statuses[i] == status]
        axes.scatter(of, [heights[i] or 0.0 for i in of], s=26, zorder=2, **marks)
    axes.margins(y=0.35)
    if not has_margins:
        axes.set_yticks([])
