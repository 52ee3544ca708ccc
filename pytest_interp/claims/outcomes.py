"""Holds, is false, or is undecided: what a claim comes to, and what would decide it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_interp.claims.cells import Cell, listed
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.results.control import Control
from pytest_interp.stats import units_needed


def broken_of(cells: Sequence[Cell]) -> list[Cell]:
    """Those that do not hold, or are undecided."""
    # not "margin < 0", which an undefined margin is not either
    return [cell for cell in cells if not cell.margin >= 0]


def decided(
    verdict: Verdict,
    cells: Sequence[Cell],
    controls: Sequence[Control],
    confidence: float,
    more: Sequence[str] = (),
) -> Verdict:
    """The verdict, once the numbers decide.

    Args:
        verdict: with its claim and scope.
        cells: all that must hold, at least one.
        controls: one above its limit makes what holds inconclusive.
        confidence: of the intervals.
        more: lines for a person, below those about broken cells.
    """
    broken = broken_of(cells)
    # where one is false, that one decides, and not one that is further off but undecided
    tightest = min([c for c in broken if c.false] or cells, key=lambda cell: cell.margin)
    status, sentence = outcome_of(cells, broken, controls, confidence)
    false, open_ = ([cell for cell in broken if cell.false is kind] for kind in (True, False))
    lines = [
        *listed("cells that break the claim", false, 4, " cells"),
        *listed("cells that are undecided", open_, 4, " cells"),
        *more,
    ]
    return replace(
        verdict,
        status=status,
        sentence=sentence,
        effect=tightest.mean,
        threshold=tightest.limit,
        margin=tightest.margin,
        claimed=tightest.claimed,
        controls=tuple(controls),
        interval=tightest.found.interval,
        details="\n".join(lines),
    )


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
