"""The fact sits here, in these layers, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Unpack

from pytest_interp.claims.evidence import Evidence, column, gather, other_columns
from pytest_interp.claims.head_effects import head_localized
from pytest_interp.claims.places import (
    Layers,
    layer_span,
    layers_in_words,
    must_be_traced,
    not_traced,
    parse_place,
    runs,
)
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import Requirement, asserting, decide, undecided
from pytest_interp.claims.terms import (
    GivenTerms,
    Terms,
    least_effect,
    most_effect,
    number,
    whole_number,
)
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.head_trace import HeadTrace
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet


@checking
def check_fact_localized(
    trace: TraceResult | TraceSet | HeadTrace,
    site: str,
    layer_range: Layers | None = None,
    *,
    inside: float = 0.8,
    outside: float = 0.3,
    edge: int = 0,
    split: float | None = None,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that a fact sits at a site in a range of layers, and nowhere else.

    At the site's position, patching any one layer of the range moves at least ``inside`` of the
    gap. Any layer outside of the range at that position, and any other position in the layers
    of the range, moves at most ``outside``. For a set of facts this holds of the mean: the lower
    bound of its interval inside, the upper bound outside. An end of the range that is not the
    model's own end needs a traced layer outside of it; the claim names layers that were not
    traced.

    Positions: ``subject`` is the strongest single token of the subject at each layer,
    ``subject_last`` its last token, ``last`` the last token of the prompt, a number a token.
    Patches are of one cell, so a fact that needs two tokens at once is not localized at either.

    A trace of heads takes one head as its site, ``head.23.4@last``, and no range: no other traced
    head moves more than ``outside``.

    Args:
        trace: a trace, the traces of a fact set, or a trace of heads.
        site: ``kind@position``; the kind is the one that was traced.
        layer_range: a ``range``, an inclusive pair ``(first, last)``, or one layer. None with
            ``split``, and for heads.
        inside: least effect inside.
        outside: most effect outside.
        edge: layers next to each end of the range about which nothing is claimed. Over many
            facts a hand-off is gradual.
        split: find the range on this share of the facts, and check it on the others.
        **given: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: the claim is badly stated, or no layer outside of the range was traced.
    """
    terms = Terms.of(check_fact_localized, given)
    if isinstance(trace, HeadTrace):
        if layer_range is not None or split is not None or edge:
            raise ClaimError(f"{site!r} names its layer: give no layer_range, edge or split")
        inside = least_effect("inside", inside)
        outside = most_effect("outside", outside, inside, f"inside={inside:g}")
        return head_localized(trace, site, inside, outside, terms)
    evidence = gather(trace, terms)
    place, edge = parse_place(evidence, site), whole_number("edge", edge)
    inside = least_effect("inside", inside)
    outside = most_effect("outside", outside, inside, f"inside={inside:g}")
    if split is not None and layer_range is None:
        limits = {"inside": inside, "outside": outside, "edge": edge}
        return _check_found_range(evidence, site, split, terms, limits)
    if split is not None or layer_range is None:
        raise ClaimError("give either a layer_range, or split= to find it on a part of the facts")
    span = layer_span(evidence, layer_range)
    open_layers, beyond = _around(evidence, span, edge)
    left_open = f"; open: {layers_in_words(open_layers)}" if open_layers else ""
    claim = (
        f"the fact sits at {place.kind}@{place.position} in {layers_in_words(span)}, and "
        f"nowhere else (inside at least {inside:.2f}, outside at most {outside:.2f}"
        f"{left_open}{not_traced(evidence)})"
    )
    target, others = column(evidence, place.position), other_columns(evidence, [place.position])
    requirements = [
        Requirement(target, span, "at least", inside),
        Requirement(target, beyond, "at most", outside),
        *(Requirement(other, span, "at most", outside) for other in others),
    ]
    return decide(claim, evidence, requirements, terms, region=(target, span))


assert_fact_localized = register_claim("fact_localized")(asserting(check_fact_localized))


def _around(
    evidence: Evidence, span: tuple[int, ...], edge: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Traced layers next to the range about which nothing is claimed, and those outside of it."""
    first, last = span[0] - edge, span[-1] + edge
    ends = [first - 1] if span[0] > 0 else []
    if evidence.n_layers is None or span[-1] < evidence.n_layers - 1:
        ends.append(last + 1)
    without = f" (edge={edge})" if edge else ""
    must_be_traced(evidence, ends, f"'nowhere else' is a claim about layers outside{without}")
    rest = [layer for layer in evidence.layers if layer not in span]
    near = tuple(layer for layer in rest if first <= layer <= last)
    return near, tuple(layer for layer in rest if layer not in near)


def _check_found_range(
    evidence: Evidence, site: str, split: float, terms: Terms, limits: dict[str, Any]
) -> Verdict:
    """Find the range on one part of the facts, check it on the other."""
    if not evidence.is_set:
        raise ClaimError("split= needs a set of facts: trace a FactSet")
    if not 0 < number("split", split) < 1:
        raise ClaimError(f"split={split!r}: give the share of facts to find the range on, as 0.5")
    inside: float = limits["inside"]
    finding, checking = evidence.asked.split(split, terms.seed)
    found = gather(finding, replace(terms, controls=()))
    position = parse_place(found, site).position
    claim = f"the fact sits at {site} in a range of layers found on {len(finding)} facts"
    target = column(found, position)
    refused = undecided(claim, found, terms, inside, [(target, found.layers)])
    if refused.sentence:
        return refused
    strong = [n for n, e in zip(found.layers, target.effect.mean(0), strict=True) if e >= inside]
    if not strong:
        sentence = f"At {site} no layer has a mean effect of {inside:.2f} on those facts."
        return replace(refused, status=Status.FAILED, sentence=sentence)
    longest = max(runs(strong), key=len)
    verdict = check_fact_localized(
        checking, site, (longest[0], longest[-1]), **limits, **vars(terms)
    )
    return replace(verdict, claim=f"{verdict.claim}; range found on {len(finding)} other facts")
