"""The common core of claims about results over facts: what must hold of which number?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_interp.claims.demands import Demand as Demand, Units, decide_demands
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.results.control import Control
from pytest_interp.results.over_facts import OverFacts
from pytest_interp.results.samples import Scope


def decide_over_facts(
    claim: str,
    result: OverFacts,
    demands: Sequence[Demand],
    terms: Terms,
    *,
    controls: Iterable[Control] = (),
    direction: str | None = None,
    metric: str | None = None,
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
        metric: for the verdict, where what is demanded is not in the metric of the result.
        also: lines for a person, below those about broken cells.
    """
    verdict = Verdict(
        claim=claim,
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=len(result),
        n_clusters=len(set(result.templates)),
        direction=direction,
        metric=metric or result.metric.name,
        controls=(*result.controls, *terms.controls, *controls),
    )
    units = Units(
        scope_of(result, range(len(result))),
        tuple(repr(prompt.clean_prompt) for prompt in result.facts.prompts),
        tuple(result.unknown_because(terms.min_gap)),
    )
    return decide_demands(verdict, units, demands, terms, also)


def scope_of(result: OverFacts, members: Sequence[int]) -> Scope:
    """How facts of a result are counted: those at these indices."""
    return Scope.of(result, members)
