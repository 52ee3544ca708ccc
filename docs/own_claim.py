"""One position outdoes another: a claim of one's own, with intervals, controls, three outcomes."""

from dataclasses import replace
from typing import Unpack

from pytest_interp import TraceResult, TraceSet
from pytest_interp.claims import (
    GivenTerms,
    Layers,
    Requirement,
    Terms,
    Verdict,
    asserting,
    checking,
    column,
    decide,
    gather,
    layer_span,
    least_effect,
    other_columns,
    register_claim,
)
from pytest_interp.errors import ClaimError


@checking
def check_outdoes(
    trace: TraceResult | TraceSet,
    position: str,
    other: str,
    layer_range: Layers,
    *,
    at_least: float = 0.5,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that patching one position moves more of the gap than patching another."""
    terms = Terms.of(check_outdoes, given)  # confidence, min_known, seed, ...
    evidence = gather(trace, terms)  # the facts that the model knows, and word of the others
    layers, limit = layer_span(evidence, layer_range), least_effect("at_least", at_least)
    ours, theirs = column(evidence, position), column(evidence, other)
    if ours.members != theirs.members:
        raise ClaimError(f"some facts have no token at {position} or at {other}: name others")
    # fact by fact: the interval is that of the mean difference
    lead = replace(ours, name=f"{position} - {other}", effect=ours.effect - theirs.effect)
    return decide(
        f"{position} outdoes {other} by {limit:.2f} of the gap or more",
        evidence,
        [Requirement(lead, layers, "at least", limit)],
        terms,
        others=other_columns(evidence, [position, other]),  # for the table of a failure
    )


assert_outdoes = register_claim("outdoes")(asserting(check_outdoes))
