"""Sufficient, necessary, without effect, handed over: claims about one or two columns of a map."""

from __future__ import annotations

from typing import Unpack

from pytest_interp.claims.evidence import (
    MIN_KNOWN,
    column,
    gather,
    layer_span,
    other_columns,
    parse_place,
)
from pytest_interp.claims.localized import layers_in_words
from pytest_interp.claims.requirements import Requirement, Terms, asserting, decide, unusable
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results import Direction, TraceResult
from pytest_interp.tracesets import TraceSet

Trace = TraceResult | TraceSet
Layers = range | tuple[int, int] | int


def check_sufficient(
    trace: Trace,
    site: str,
    layer_range: Layers,
    *,
    at_least: float = 0.8,
    **terms: Unpack[Terms],
) -> Verdict:
    """Check that any one layer of the range restores the fact in the corrupt run.

    Args:
        trace: made with ``direction="denoise"``.
        site: ``kind@position``.
        layer_range: a ``range``, an inclusive pair, or one layer.
        at_least: least effect, as a share of the gap.
        **terms: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: the claim is badly stated, or the trace has the other direction.
    """
    _must_be(trace, "denoise", "sufficient")
    return _check_effect(trace, site, layer_range, "is sufficient for the fact", at_least, terms)


def check_necessary(
    trace: Trace,
    site: str,
    layer_range: Layers,
    *,
    at_least: float = 0.8,
    **terms: Unpack[Terms],
) -> Verdict:
    """Check that corrupting any one layer of the range destroys the fact in the clean run.

    Arguments and errors as for :func:`check_sufficient`, with ``direction="noise"``.
    """
    _must_be(trace, "noise", "necessary")
    return _check_effect(trace, site, layer_range, "is necessary for the fact", at_least, terms)


def check_no_effect(
    trace: Trace,
    site: str,
    layer_range: Layers,
    *,
    at_most: float = 0.1,
    **terms: Unpack[Terms],
) -> Verdict:
    """Check that patching any layer of the range changes next to nothing, either way.

    The whole interval of each mean effect lies between ``-at_most`` and ``at_most``: absence of
    evidence is not enough to pass. Arguments and errors as for :func:`check_sufficient`; either
    direction.
    """
    place, span = parse_place(trace, site), layer_span(trace, layer_range)
    claim = (
        f"{site} has no effect on the fact in {layers_in_words(span)} (at most {at_most:.2f} "
        "either way)"
    )
    evidence = gather(trace, terms.get("min_gap"), terms.get("controls", ()))
    refused = unusable(claim, evidence, terms.get("min_known", MIN_KNOWN))
    if refused is not None:
        return refused
    return decide(
        claim,
        evidence,
        [Requirement(column(evidence, place.position), span, "within", at_most)],
        others=other_columns(evidence, [place.position]),
        confidence=terms.get("confidence", 0.95),
        seed=terms.get("seed", 0),
    )


def check_handoff(
    trace: Trace,
    source: str,
    target: str,
    layer: int,
    *,
    within: int = 0,
    inside: float = 0.8,
    outside: float = 0.3,
    **terms: Unpack[Terms],
) -> Verdict:
    """Check that the fact moves from one position to another at a layer.

    In every traced layer before ``layer`` the source has at least ``inside`` and the target at
    most ``outside``; from ``layer`` on it is the other way round. ``layer`` is thus the first one
    at which the target holds the fact.

    Args:
        trace: of a residual site, with all layers that the claim speaks of.
        source: position that loses the fact: ``kind@position``, or the position alone.
        target: position that receives it.
        layer: first layer at which the target holds the fact.
        within: layers on each side about which nothing is claimed: over many facts a hand-off is
            gradual. The claim then is that it happens in ``layer - within .. layer + within``.
        inside: least effect of the position that holds the fact.
        outside: most effect of the other.
        **terms: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: the claim is badly stated, or leaves no layer on one side.
    """
    sites = [name if "@" in name else f"{_one(trace).site}@{name}" for name in (source, target)]
    giver, taker = (parse_place(trace, site) for site in sites)
    layer_span(trace, layer)
    traced = _one(trace).layers
    before = tuple(n for n in traced if n < layer - within)
    after = tuple(n for n in traced if n >= layer + within)
    if not before or not after or giver.position == taker.position:
        raise ClaimError(
            f"a hand-off from {source!r} to {target!r} at layer {layer} within {within} needs two "
            f"positions and layers on both sides; the trace has layers {traced[0]} to {traced[-1]}"
        )
    gap = "" if not within else f", give or take {within},"
    claim = (
        f"the fact moves from {sites[0]} to {sites[1]} at layer {layer}{gap} "
        f"(holding it: at least {inside:.2f}, not: at most {outside:.2f})"
    )
    evidence = gather(trace, terms.get("min_gap"), terms.get("controls", ()))
    refused = unusable(claim, evidence, terms.get("min_known", MIN_KNOWN))
    if refused is not None:
        return refused
    gives, takes = (column(evidence, place.position) for place in (giver, taker))
    return decide(
        claim,
        evidence,
        [
            Requirement(gives, before, "at least", inside),
            Requirement(takes, before, "at most", outside),
            Requirement(gives, after, "at most", outside),
            Requirement(takes, after, "at least", inside),
        ],
        region=(gives, before),
        others=other_columns(evidence, [giver.position, taker.position]),
        confidence=terms.get("confidence", 0.95),
        seed=terms.get("seed", 0),
    )


assert_sufficient = asserting(check_sufficient)
assert_necessary = asserting(check_necessary)
assert_no_effect = asserting(check_no_effect)
assert_handoff = asserting(check_handoff)


def _one(trace: Trace) -> TraceResult:
    return trace.traces[0] if isinstance(trace, TraceSet) else trace


def _must_be(trace: Trace, direction: Direction, word: str) -> None:
    found = _one(trace).direction
    if found != direction:
        raise ClaimError(
            f"whether a site is {word} is shown by direction={direction!r}, but the trace was "
            f"made with direction={found!r}: trace again with the other one"
        )


def _check_effect(
    trace: Trace, site: str, layer_range: Layers, says: str, at_least: float, terms: Terms
) -> Verdict:
    place, span = parse_place(trace, site), layer_span(trace, layer_range)
    claim = f"{site} {says} in {layers_in_words(span)} (effect at least {at_least:.2f})"
    evidence = gather(trace, terms.get("min_gap"), terms.get("controls", ()))
    refused = unusable(claim, evidence, terms.get("min_known", MIN_KNOWN))
    if refused is not None:
        return refused
    target = column(evidence, place.position)
    return decide(
        claim,
        evidence,
        [Requirement(target, span, "at least", at_least)],
        region=(target, span),
        others=other_columns(evidence, [place.position]),
        confidence=terms.get("confidence", 0.95),
        seed=terms.get("seed", 0),
    )
