"""Holds, is false, or is undecided: what a claim comes to, and what would decide it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_interp.claims.cells import Cell
from pytest_interp.claims.verdict import Status
from pytest_interp.results.control import Control
from pytest_interp.stats import units_needed


def outcome_of(
    cells: Sequence[Cell], broken: Sequence[Cell], controls: Sequence[Control], confidence: float
) -> tuple[Status, str]:
    """The three outcomes, with a sentence.

    Args:
        cells: all that must hold.
        broken: those of them that do not, or are undecided.
        controls: one above its limit makes what holds inconclusive.
        confidence: of the intervals.
    """
    n, false = len(cells), [cell for cell in broken if cell.false]
    wrong = [control.name for control in controls if not control.holds]
    if false:
        return Status.FAILED, f"False in {len(false)} of {n} cells."
    if broken:
        said = f"In {len(broken)} of {n} cells the interval crosses the limit"
        return Status.INCONCLUSIVE, f"{said}: {_what_would_decide(broken, confidence)}."
    if wrong:
        said = f"All {n} cells hold, but a control does not: {', '.join(wrong)}."
        return Status.INCONCLUSIVE, said
    return Status.PASSED, f"Holds in all {n} cells."


def _what_would_decide(broken: Sequence[Cell], confidence: float) -> str:
    """What an undecided claim lacks, by the cell that is furthest from being decided."""
    one = min(broken, key=lambda cell: cell.margin)
    if not one.lead > 0:
        return f"at {one.mean.where} the mean itself misses it, claim less"
    needed = units_needed(one.lead - one.margin, one.found.n_units, one.lead, confidence)
    about = "" if needed is None else f", about {needed} would do if they are like these"
    n, units = one.found.n_units, one.found.units
    return f"at {one.mean.where} there are {n} {units}{about}; add {units}, or claim less"


def too_few_known(known: int, asked: int, least: float, first: str) -> str:
    """Says that the model knows too few of the facts, and why the first of the others is none."""
    return (
        f"The model knows {known} of {asked} facts; at least {least:.0%} are needed. "
        f"Left out: {first}."
    )
