"""A head looks from some tokens to others."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.claims.demands import Demand, Units, decide_demands
from pytest_interp.claims.groups import attention_share, require
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Status, Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.attention import AttentionPatterns, Where
from pytest_interp.results.control import Control
from pytest_interp.results.samples import Scope


@checking
def check_attends(
    patterns: AttentionPatterns,
    head: Component | str,
    from_: Where,
    to: Where,
    *,
    at_least: float,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check how much of its attention a head gives from some tokens to others.

    Attention to several tokens is added; from several it is averaged. The claim passes where the
    mean over prompts is at least ``at_least`` with its whole interval. The control is a head that
    looks at all earlier tokens alike: where that would reach the limit too, as in short prompts,
    the verdict is inconclusive. Facts that the model does not know are left out.

    Args:
        patterns: what :func:`pytest_interp.attention_patterns` returns.
        head: as ``head.9.6``.
        from_: the tokens that look: ``last``, ``first``, for facts ``subject``, ``subject_first``,
            ``subject_last`` or ``between`` (after the subject and before the last token); the text
            of a token; or an index, where all prompts have one length.
        to: the tokens that are looked at, in the same words.
        at_least: least share of the attention, above 0 and at most 1.
        **given: terms that all claims share.

    Raises:
        ClaimError: these are no patterns; the head was not read, a prompt has no such token, no
            token of ``to`` comes as early as one of ``from_``, or an argument makes no sense.
    """
    require(patterns, AttentionPatterns, "attention_patterns(adapter, prompts)")
    terms = Terms.of(check_attends, given)
    least = attention_share("at_least", at_least)
    values, even = patterns.attention(head, from_, to), patterns.uniform(from_, to)
    if not even.all():
        prompt = patterns.prompts[int(np.argmin(even))]
        raise ClaimError(
            f"in {prompt!r} {to!r} comes after {from_!r}, and no token attends to a later one: "
            "exchange the two"
        )
    units = Units(
        Scope.of(patterns, range(len(patterns.prompts))),
        tuple(map(repr, patterns.prompts)),
        tuple(patterns.unknown_because(terms.min_gap)),
        "prompts" if patterns.facts is None else "facts",
    )
    known = units.chosen or range(len(patterns.prompts))
    alike = float(even[known].mean())
    note = "what a head gives that looks at all earlier tokens alike"
    verdict = Verdict(
        claim=f"{head} gives at least {least:.0%} of its attention from {from_!r} to {to!r}",
        status=Status.INCONCLUSIVE,
        sentence="",
        n_prompts=len(patterns.prompts),
        n_clusters=len(set(patterns.templates)),
        metric="attention",
        controls=(*terms.controls, Control("even attention", alike, least, note)),
    )
    everywhere = patterns.mean_attention(from_, to)
    reach = int((everywhere >= least).sum())
    also = (
        f"  {reach} of {everywhere.size} heads reach {least:.2f} in the mean; the middle one has "
        f"{np.median(everywhere):.3f}"
    )
    demand = Demand(f"{head}, {from_!r} to {to!r}", values, "at least", least)
    return decide_demands(verdict, units, [demand], terms, also)


assert_attends = register_claim("attends")(asserting(check_attends))
