"""Sufficient, necessary, without effect, handed over: claims about one or two columns of a map."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from pytest_interp.claims.evidence import column, gather, other_columns
from pytest_interp.claims.head_effects import joint_effect
from pytest_interp.claims.places import (
    Layers,
    layer_span,
    layers_in_words,
    must_be_traced,
    not_traced,
    parse_place,
)
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import Requirement, asserting, decide
from pytest_interp.claims.terms import GivenTerms, Terms, least_effect, most_effect, whole_number
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.options.trace import Direction
from pytest_interp.results.joint_trace import JointTrace
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet

Trace = TraceResult | TraceSet


@checking
def check_sufficient(
    trace: Trace | JointTrace,
    site: str,
    layer_range: Layers | None = None,
    *,
    at_least: float = 0.8,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that any one layer of the range restores the fact in the corrupt run.

    Of cells that are patched together: that their set does.

    Args:
        trace: made with ``direction="denoise"``.
        site: ``kind@position``; of a joint trace the name of a set.
        layer_range: a ``range``, an inclusive pair, or one layer; None for a joint trace.
        at_least: least effect, as a share of the gap.
        **given: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: the claim is badly stated, or the trace has the other direction.
    """
    return _check_effect(check_sufficient, "denoise", trace, site, layer_range, at_least, given)


@checking
def check_necessary(
    trace: Trace | JointTrace,
    site: str,
    layer_range: Layers | None = None,
    *,
    at_least: float = 0.8,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that corrupting any one layer of the range destroys the fact in the clean run.

    Arguments and errors as for :func:`check_sufficient`, with ``direction="noise"``.
    """
    return _check_effect(check_necessary, "noise", trace, site, layer_range, at_least, given)


@checking
def check_no_effect(
    trace: Trace,
    site: str,
    layer_range: Layers,
    *,
    at_most: float = 0.1,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that patching any layer of the range changes next to nothing, either way.

    The whole interval of each mean effect lies between ``-at_most`` and ``at_most``: absence of
    evidence is not enough to pass. Where the position has several tokens, each token's effect is
    meant. Arguments and errors as for :func:`check_sufficient`; either direction.
    """
    terms = Terms.of(check_no_effect, given)
    evidence = gather(trace, terms)
    place, span = parse_place(evidence, site), layer_span(evidence, layer_range)
    limit = most_effect("at_most", at_most)
    target = column(evidence, place.position, either_way=True)
    return decide(
        f"{site} has no effect on the fact in {layers_in_words(span)} (at most {limit:.2f} "
        "either way)",
        evidence,
        [Requirement(target, span, "within", limit)],
        terms,
        others=other_columns(evidence, [place.position]),
    )


@checking
def check_handoff(
    trace: Trace,
    source: str,
    target: str,
    layer: int,
    *,
    within: int = 0,
    inside: float = 0.8,
    outside: float = 0.3,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that the fact moves from one position to another at a layer.

    In every traced layer before ``layer`` the source has at least ``inside`` and the target at
    most ``outside``. From ``layer`` on it is the other way round: ``layer`` is the first one at
    which the target holds the fact. Both layers next to the hand-off must have been traced; the
    claim names all layers that were not.

    Args:
        trace: of a residual site, with the layers on both sides of the hand-off.
        source: position that loses the fact: ``kind@position``, or the position alone.
        target: position that receives it.
        layer: first layer at which the target holds the fact.
        within: layers on each side about which nothing is claimed: over many facts a hand-off is
            gradual. The claim then is that it happens in ``layer - within .. layer + within``.
        inside: least effect of the position that holds the fact.
        outside: most effect of the other.
        **given: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: the claim is badly stated, or a layer next to the hand-off was not traced.
    """
    terms = Terms.of(check_handoff, given)
    evidence = gather(trace, terms)
    layer, within = whole_number("layer", layer), whole_number("within", within)
    inside = least_effect("inside", inside)
    outside = most_effect("outside", outside, inside, f"inside={inside:g}")
    kind = evidence.any_trace.site
    sites = [name if "@" in str(name) else f"{kind}@{name}" for name in (source, target)]
    giver, taker = (parse_place(evidence, site) for site in sites)
    if giver.position == taker.position:
        raise ClaimError(f"a hand-off needs two positions, got {source!r} and {target!r}")
    at = f"layer {layer}" if not within else f"layer {layer} +/- {within}"
    next_to_it = [layer - within - 1, layer + within]
    must_be_traced(
        evidence, next_to_it, f"a hand-off at {at} is a claim about the layers on both sides"
    )
    before = tuple(n for n in evidence.layers if n < layer - within)
    after = tuple(n for n in evidence.layers if n >= layer + within)
    claim = (
        f"the fact moves from {sites[0]} to {sites[1]} at {at} "
        f"(holding it: at least {inside:.2f}, not: at most {outside:.2f}{not_traced(evidence)})"
    )
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
        terms,
        region=(gives, before),
        others=other_columns(evidence, [giver.position, taker.position]),
    )


assert_sufficient = register_claim("sufficient")(asserting(check_sufficient))
assert_necessary = register_claim("necessary")(asserting(check_necessary))
assert_no_effect = register_claim("no_effect")(asserting(check_no_effect))
assert_handoff = register_claim("handoff")(asserting(check_handoff))


def _check_effect(
    check: Callable[..., Verdict],
    direction: Direction,
    trace: Trace | JointTrace,
    site: str,
    layer_range: Layers | None,
    at_least: float,
    given: GivenTerms,
) -> Verdict:
    """Check that one column, or one set of cells, has an effect in a trace of one direction."""
    word = check.__name__.removeprefix("check_")
    if isinstance(trace, JointTrace):
        if layer_range is not None:
            raise ClaimError(f"the cells of {site!r} name their layers: give no layer_range")
        return joint_effect(check, direction, trace, site, at_least, given)
    if layer_range is None:
        raise ClaimError(f"give the layers in which {site!r} is {word}, as layer_range=(0, 22)")
    terms = Terms.of(check, given)
    evidence = gather(trace, terms)
    found = evidence.any_trace.direction
    if found != direction:
        raise ClaimError(
            f"whether a site is {word} is shown by direction={direction!r}, but the trace was "
            f"made with direction={found!r}: trace again with the other one"
        )
    place, span = parse_place(evidence, site), layer_span(evidence, layer_range)
    limit = least_effect("at_least", at_least)
    target = column(evidence, place.position)
    return decide(
        f"{site} is {word} for the fact in {layers_in_words(span)} (effect at least {limit:.2f})",
        evidence,
        [Requirement(target, span, "at least", limit)],
        terms,
        region=(target, span),
        others=other_columns(evidence, [place.position]),
    )
