"""The common core of claims about results over facts: what must hold of which number?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pytest_interp.claims.cells import Cell, judge, listed
from pytest_interp.claims.measured import measure
from pytest_interp.claims.outcomes import outcome_of, too_few_known
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.results.base import Floats
from pytest_interp.results.claimed import Sense
from pytest_interp.results.control import Control
from pytest_interp.results.over_facts import OverFacts
from pytest_interp.results.samples import Scope


@dataclass(frozen=True, eq=False)
class Demand:
    """The mean over facts of one number keeps to one side of a limit."""

    where: str
    """What is measured, as it stands in a failure: ``head.9.6@last``."""
    values: Floats
    """One number for each fact of the result, in its order [fact]."""
    sense: Sense
    """``at least``, ``at most``, or ``within``: between ``-limit`` and ``limit``."""
    limit: float
    """In the unit of the values."""


def decide_over_facts(
    claim: str,
    result: OverFacts,
    demands: Sequence[Demand],
    terms: Terms,
    *,
    controls: Iterable[Control] = (),
    direction: str | None = None,
    also: str = "",
) -> Verdict:
    """Compare the mean of every demanded number with its limit.

    The rules are those of :func:`~pytest_interp.claims.decide`: the whole interval of each mean
    must lie on the right side; one that lies wholly on the wrong side makes the claim false. What
    is between, a control that does not hold, a number that is not finite, or too few facts that the
    model knows make it inconclusive. Facts that the model does not know are left out.

    Args:
        claim: in plain words.
        result: what is judged.
        demands: what must hold, at least one.
        terms: what the claim was asked with; its controls join those of the result.
        controls: controls of the claim itself.
        direction: for the verdict, where patches have one.
        also: lines for a person, below those about broken cells.
    """
    reasons = result.unknown_because(terms.min_gap)
    known = [i for i, reason in enumerate(reasons) if reason is None]
    left_out = [reason for reason in reasons if reason is not None]
    scope = scope_of(result, known)
    all_controls = (*result.controls, *terms.controls, *controls)
    verdict = Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        **scope.counts,
        threshold=demands[0].limit,
        confidence=terms.confidence if len(known) > 1 else None,
        direction=direction,
        metric=result.metric.name,
        controls=all_controls,
        n_left_out=len(left_out),
    )
    if not known or len(known) < terms.min_known * len(result):
        first, *more = left_out
        return replace(
            verdict,
            sentence=too_few_known(len(known), len(result), terms.min_known, first),
            **scope_of(result, range(len(result))).counts,
            details="\n".join(listed("left out as well", more, 2)),
        )
    if few := scope.too_few():
        return replace(verdict, sentence=f"There is no interval: {few}.")
    values = np.stack([demand.values[known] for demand in demands], axis=1)
    if not np.isfinite(values).all():
        fact, at = (int(i) for i in np.argwhere(~np.isfinite(values))[0])
        prompt = result.facts.prompts[known[fact]].clean_prompt
        said = f"{demands[at].where} is {values[fact, at]:g} in {prompt!r}"
        return replace(verdict, sentence=f"Undefined is not zero, and {said}.")
    cells = _cells(scope, values, demands, terms)
    broken = [cell for cell in cells if not cell.margin >= 0]
    tightest = min([c for c in broken if c.false] or cells, key=lambda cell: cell.margin)
    status, sentence = outcome_of(cells, broken, all_controls, terms.confidence)
    false, open_ = ([cell for cell in broken if cell.false is kind] for kind in (True, False))
    lines = [
        *listed("cells that break the claim", false, 4, " cells"),
        *listed("cells that are undecided", open_, 4, " cells"),
        *([also] if also else []),
    ]
    return replace(
        verdict,
        status=status,
        sentence=sentence,
        effect=tightest.mean,
        threshold=tightest.limit,
        margin=tightest.margin,
        claimed=tightest.claimed,
        interval=tightest.found.interval,
        details="\n".join(lines),
    )


def scope_of(result: OverFacts, members: Sequence[int]) -> Scope:
    """How facts of a result are counted: those at these indices."""
    by_fact = (result.templates, result.entities, result.answers)
    templates, entities, answers = (tuple(field[i] for i in members) for field in by_fact)
    return Scope(templates, entities, answers)  # type: ignore[arg-type]


def _cells(scope: Scope, values: Floats, demands: Sequence[Demand], terms: Terms) -> list[Cell]:
    """Each demanded number: in the sample of facts, or in each template the one that is worst."""
    places = [demand.where for demand in demands]
    by_sample = [
        measure(one, values[list(one.members)], places, terms.confidence, terms.seed)
        for one in scope.samples()
    ]
    worst = []
    for demand, found in zip(demands, zip(*by_sample, strict=True), strict=True):
        judged = [judge(one, demand.sense, demand.limit, demand.where, None) for one in found]
        # one that is false decides, however far another is from being decided
        worst.append(min(judged, key=lambda cell: (not cell.false, cell.margin)))
    return worst
