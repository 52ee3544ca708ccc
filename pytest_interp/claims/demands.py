"""The common core of claims about means: what must hold of which number?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pytest_interp.claims.cells import Cell, judge, listed
from pytest_interp.claims.measured import measure
from pytest_interp.claims.outcomes import decided, too_few_known
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.verdict import Verdict
from pytest_interp.results.base import Floats
from pytest_interp.results.claimed import Sense
from pytest_interp.results.samples import Scope


@dataclass(frozen=True, eq=False)
class Demand:
    """The mean over units of one number keeps to one side of a limit."""

    where: str
    """What is measured, as it stands in a failure: ``head.9.6@last``."""
    values: Floats
    """One number for each unit of the result, in its order [unit]; units are facts, or prompts."""
    sense: Sense
    """``at least``, ``at most``, or ``within``: between ``-limit`` and ``limit``."""
    limit: float
    """In the unit of the values."""


@dataclass(frozen=True)
class Units:
    """What means are taken over: facts, prompts or sequences, in the order of a result."""

    scope: Scope
    """What they share, of all of them."""
    names: tuple[str, ...]
    """Each as it stands in a failure."""
    left_out: tuple[str | None, ...]
    """Why each counts for nothing, or None where it counts."""
    what: str = "facts"
    """What they are, in the plural."""

    @property
    def chosen(self) -> list[int]:
        """The indices of those that count."""
        return [i for i, reason in enumerate(self.left_out) if reason is None]


def decide_demands(
    verdict: Verdict, units: Units, demands: Sequence[Demand], terms: Terms, also: str = ""
) -> Verdict:
    """Compare the mean of every demanded number with its limit.

    The whole interval of each mean must lie on the right side; one that lies wholly on the wrong
    side makes the claim false. What is between, a control that does not hold, a number that is not
    finite, or too few units that count make it inconclusive.

    Args:
        verdict: its claim, what was measured, and its controls, which count; the rest is filled in.
        units: what the means are over.
        demands: what must hold, at least one.
        terms: what the claim was asked with.
        also: lines for a person, below those about broken cells.
    """
    chosen = units.chosen
    scope, left_out = (
        Scope.of(units.scope, chosen),
        [one for one in units.left_out if one is not None],
    )
    verdict = replace(
        verdict,
        **_counts(scope),
        threshold=demands[0].limit,
        confidence=terms.confidence if len(chosen) > 1 else None,
        n_left_out=len(left_out),
    )
    if not chosen or len(chosen) < terms.min_known * len(units.names):
        first, *more = left_out
        return replace(
            verdict,
            sentence=too_few_known(len(chosen), len(units.names), terms.min_known, first),
            **_counts(units.scope),
            details="\n".join(listed("left out as well", more, 2)),
        )
    if few := scope.too_few():
        return replace(verdict, sentence=f"There is no interval: {few}.")
    values = np.stack([demand.values[chosen] for demand in demands], axis=1)
    if not np.isfinite(values).all():
        unit, at = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        said = f"{demands[at].where} is {values[unit, at]:g} in {units.names[chosen[unit]]}"
        return replace(verdict, sentence=f"Undefined is not zero, and {said}.")
    cells = _cells(scope, values, demands, terms, units.what)
    return decided(verdict, cells, verdict.controls, terms.confidence, [also] if also else [])


def _counts(scope: Scope) -> dict[str, Any]:
    """For the verdict; units without answers are about none."""
    return {**scope.counts, "n_entities": scope.counts["n_entities"] or None}


def _cells(
    scope: Scope, values: Floats, demands: Sequence[Demand], terms: Terms, what: str
) -> list[Cell]:
    """Each demanded number: in the sample of units, or in each template the one that is worst."""
    places = [demand.where for demand in demands]
    by_sample = [
        measure(one, values[list(one.members)], places, terms.confidence, terms.seed)
        for one in scope.samples()
    ]
    worst = []
    for demand, found in zip(demands, zip(*by_sample, strict=True), strict=True):
        named = [one._replace(units=what) if one.units == "facts" else one for one in found]
        judged = [judge(one, demand.sense, demand.limit, demand.where, None) for one in named]
        # one that is false decides, however far another is from being decided
        worst.append(min(judged, key=lambda cell: (not cell.false, cell.margin)))
    return worst
