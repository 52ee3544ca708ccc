"""The cells that a claim names, and how a failure shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_interp.claims.evidence import Column
from pytest_interp.claims.measured import Measured
from pytest_interp.claims.verdict import Estimate
from pytest_interp.results.claimed import Sense

REACH = 2
"""Layers that a table shows on each side of an edge."""
WIDEST = 14
"""Characters of the head of a column."""


class Cell(NamedTuple):
    """One cell that a requirement speaks of, in one sample."""

    layer: int | None
    """None where what is claimed is of no layer."""
    column: str
    mean: Estimate
    claimed: str
    limit: float
    margin: float
    """Distance of the deciding bound from the limit; negative on the wrong side."""
    false: bool
    """Whether the whole interval lies on the wrong side."""
    lead: float
    """Distance of the mean from the limit; negative on the wrong side."""
    found: Measured

    def __str__(self) -> str:
        return f"{self.mean.where}: {self.mean}, claimed {self.claimed}: off by {-self.margin:.3f}"


def judge(found: Measured, sense: Sense, limit: float, column: str, layer: int | None) -> Cell:
    """Compare a mean and its interval with a limit."""
    mean, claimed = found.mean, f"{sense} {limit:.2f}"
    # distances of the two bounds from the limit, the worse one first, and of the mean
    if sense == "at least":
        worse, better, lead = mean.low - limit, mean.high - limit, mean.value - limit
    elif sense == "at most":
        worse, better, lead = limit - mean.high, limit - mean.low, limit - mean.value
    else:
        worse = limit - max(mean.high, -mean.low)
        better, lead = limit - max(mean.low, -mean.high), limit - abs(mean.value)
        claimed = f"-{limit:.2f} to {limit:.2f}"
    return Cell(layer, column, mean, claimed, limit, worse, better < 0, lead, found)


def listed(title: str, lines: Sequence[object], most: int, what: str = "") -> list[str]:
    """The first lines under a title, and how many more there are; nothing for no lines."""
    shown = [f"  {title}:", *(f"    {line}" for line in lines[:most])] if lines else []
    hidden = len(lines) - most
    return [*shown, f"    ... and {hidden} more{what}"] if hidden > 0 else shown


def table(
    layers: Sequence[int], columns: Sequence[Column], cells: Sequence[Cell], around: Sequence[int]
) -> list[str]:
    """Mean effects near some layers: layers down, columns across.

    ``*`` marks cells that break the claim, ``?`` those that are undecided. Cells that the claim
    names have the interval that decides.
    """
    wanted = [layers.index(layer) for layer in around]
    named = {(cell.layer, cell.column): cell for cell in cells}
    is_set = any(cell.found.n_units > 1 for cell in cells)
    names = [c.name if len(c.name) <= WIDEST else f"{c.name[: WIDEST - 2]}.." for c in columns]
    heads = [name.rjust(22 if is_set else 7) for name in names]
    open_ = ", ? is undecided" if any(not c.false and not c.margin >= 0 for c in cells) else ""
    lines = [
        f"  effect by layer (* breaks the claim{open_}):",
        f"    layer  {'  '.join(heads)}".rstrip(),
    ]
    previous = None
    for i, layer in enumerate(layers):
        if any(abs(i - j) <= REACH for j in wanted):
            if previous not in (None, i - 1):
                lines.append("      ...")
            previous = i
            shown = [
                _entry(named.get((layer, c.name)), float(c.effect[:, i].mean())).rjust(n)
                for c, n in zip(columns, map(len, heads), strict=True)
            ]
            lines.append(f"    {layer:>5}  {'  '.join(shown)}".rstrip())
    return lines


def _entry(cell: Cell | None, mean: float) -> str:
    """A cell of the table: the mean or, where the claim names it, what decides it."""
    if cell is None:
        return f"{mean:.3f} "
    mark = "*" if cell.false else " " if cell.margin >= 0 else "?"
    if cell.found.n_units < 2:
        return f"{cell.mean.value:.3f}{mark}"
    return f"{cell.mean.value:.3f} [{cell.mean.low:.2f}, {cell.mean.high:.2f}]{mark}"
