"""The fact sits here, in these layers, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

from pytest_interp.claims.evidence import (
    MIN_KNOWN,
    Evidence,
    column,
    gather,
    layer_span,
    other_columns,
    parse_place,
)
from pytest_interp.claims.requirements import Requirement, Terms, asserting, decide, unusable
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results import TraceResult
from pytest_interp.tracesets import TraceSet


def check_fact_localized(
    trace: TraceResult | TraceSet,
    site: str,
    layer_range: range | tuple[int, int] | int | None = None,
    *,
    inside: float = 0.8,
    outside: float = 0.3,
    edge: int = 0,
    split: float | None = None,
    **terms: Unpack[Terms],
) -> Verdict:
    """Check that a fact sits at a site in a range of layers, and nowhere else.

    At the site's position, patching any one layer of the range moves at least ``inside`` of the
    gap. Any layer outside of the range at that position, and any other position in the layers
    of the range, moves at most ``outside``. For a set of facts this holds of the mean: the lower
    bound of its interval inside, the upper bound outside.

    Positions: ``subject`` is the strongest single token of the subject at each layer,
    ``subject_last`` its last token, ``last`` the last token of the prompt, a number a token.
    Patches are of one cell, so a fact that needs two tokens at once is not localized at either.

    Args:
        trace: a trace, or the traces of a fact set.
        site: ``kind@position``; the kind is the one that was traced.
        layer_range: a ``range``, an inclusive pair ``(first, last)``, or one layer. None with
            ``split``.
        inside: least effect inside.
        outside: most effect outside.
        edge: layers next to each end of the range about which nothing is claimed. Over many
            facts a hand-off is gradual.
        split: find the range on this share of the facts, and check it on the others.
        **terms: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: the claim is badly stated.
    """
    place = parse_place(trace, site)
    if (layer_range is None) == (split is None):
        raise ClaimError("give either a layer_range, or split= to find it on a part of the facts")
    if layer_range is None:
        return _check_found_range(
            trace, site, split or 0.0, inside=inside, outside=outside, edge=edge, **terms
        )
    span = layer_span(trace, layer_range)
    claim = (
        f"the fact sits at {place.kind}@{place.position} in {layers_in_words(span)}, and "
        f"nowhere else (inside at least {inside:.2f}, outside at most {outside:.2f})"
    )
    evidence = gather(trace, terms.get("min_gap"), terms.get("controls", ()))
    refused = unusable(claim, evidence, terms.get("min_known", MIN_KNOWN))
    if refused is not None:
        return refused
    target, others = column(evidence, place.position), other_columns(evidence, [place.position])
    beyond = tuple(
        layer for layer in evidence.layers if layer < span[0] - edge or layer > span[-1] + edge
    )
    requirements = [
        Requirement(target, span, "at least", inside),
        Requirement(target, beyond, "at most", outside),
        *(Requirement(other, span, "at most", outside) for other in others),
    ]
    return decide(
        claim,
        evidence,
        requirements,
        region=(target, span),
        confidence=terms.get("confidence", 0.95),
        seed=terms.get("seed", 0),
    )


assert_fact_localized = asserting(check_fact_localized)


def _check_found_range(
    trace: TraceResult | TraceSet,
    site: str,
    split: float,
    *,
    inside: float,
    outside: float,
    edge: int,
    **terms: Unpack[Terms],
) -> Verdict:
    """Find the range on one part of the facts, check it on the other."""
    if not isinstance(trace, TraceSet):
        raise ClaimError("split= needs a set of facts: trace a FactSet")
    finding, checking = trace.split(split, terms.get("seed", 0))
    position = parse_place(trace, site).position
    found = gather(finding, terms.get("min_gap"), ())
    claim = f"the fact sits at {site} in a range of layers found on {len(finding)} facts"
    refused = unusable(claim, found, terms.get("min_known", MIN_KNOWN))
    if refused is not None:
        return refused
    span = longest_range(found, position, inside)
    if span is None:
        return Verdict(
            claim=claim,
            status=Status.FAILED,
            sentence=f"At {site} no layer has a mean effect of {inside:.2f} on those facts.",
            n_prompts=len(found.traces),
            n_clusters=found.n_clusters,
        )
    verdict = check_fact_localized(
        checking, site, span, inside=inside, outside=outside, edge=edge, **terms
    )
    return replace(verdict, claim=f"{verdict.claim}; range found on {len(finding)} other facts")


def longest_range(evidence: Evidence, position: str | int, inside: float) -> tuple[int, int] | None:
    """First and last of the longest run of layers whose mean effect is at least ``inside``."""
    mean = column(evidence, position).effect.mean(axis=0)
    runs: list[list[int]] = [[]]
    for layer, value in zip(evidence.layers, mean, strict=True):
        if value < inside:
            runs.append([])
        else:
            runs[-1].append(layer)
    best = max(runs, key=len)
    return (best[0], best[-1]) if best else None


def layers_in_words(span: tuple[int, ...]) -> str:
    """A range of layers as it is spoken."""
    return f"layer {span[0]}" if len(span) == 1 else f"layers {span[0]} to {span[-1]}"
