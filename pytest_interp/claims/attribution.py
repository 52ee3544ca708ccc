"""A component writes towards the answer itself, by so much or by such a share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np

from pytest_interp.adapters.components import Component, components_of
from pytest_interp.claims.groups import require, share as as_share
from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.ratios import known_facts, shares
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms, number
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.attribution import Attribution
from pytest_interp.results.control import Control

MOST_ON_CORRUPT = 0.5
"""Most that a component may add after the corrupt prompts, as a share of what it adds after the
clean ones: one that adds the same to both says nothing of the fact."""


@checking
def check_direct_effect(
    attribution: Attribution,
    component: Component | str | Sequence[Component | str],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    share: float | None = None,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check how much a component adds to the logit difference itself, not by way of later ones.

    It passes where the mean over facts keeps to the right side of each limit that is given, with
    its whole interval. The control is what the component adds towards the same answers after the
    corrupt prompts: one that adds half as much there, or more, does not speak of the fact, and the
    verdict is inconclusive. Where it is only said to add little, there is no control.

    Args:
        attribution: what :func:`pytest_interp.direct_logit_attribution` returns.
        component: as ``head.9.6``, ``mlp_out.5`` or ``attn_out.9``; or several, taken together.
        at_least: least contribution, in logits.
        at_most: largest contribution, in logits; below 0 for a head that writes against the answer.
        share: least share of the logit difference (before a cap of the logits, where there is one),
            from 0 to 1: of the ratio of the means.
        **given: terms that all claims share.

    Raises:
        ClaimError: it is no attribution, has no such component, no limit is given, or an argument
            makes no sense.
        ExperimentError: a component cannot be read.
    """
    require(attribution, Attribution, "direct_logit_attribution(adapter, facts)")
    terms = Terms.of(check_direct_effect, given)
    if at_least is at_most is share is None:
        raise ClaimError("give at least one of at_least= and at_most= (logits) and share=")
    parts = components_of(component)  # read once: an iterator is empty the second time
    values, total = attribution.of(parts), attribution.total
    names = list(map(str, parts))
    name = " and ".join(names if len(names) <= 4 else [*names[:2], f"{len(names) - 2} more"])
    demands, said = [], []
    if at_least is not None:
        demands.append(Demand(name, values, "at least", number("at_least", at_least)))
        said.append(f"at least {at_least:g} logits")
    if at_most is not None:
        demands.append(Demand(name, values, "at most", number("at_most", at_most)))
        said.append(f"at most {at_most:g} logits")
    if share is not None:
        least = as_share("share", share)
        of_total = shares(attribution, terms, values, total)
        demands.append(Demand(f"share of {name}", of_total, "at least", least))
        said.append(f"at least {share:.0%} of the whole")
    adds = "itself adds" if len(names) == 1 else "themselves add"
    cap = attribution.softcap
    before = "" if cap is None else f", before the cap of the logits at {cap:g}"
    # where it is said to add little, it may well add as little to another prompt
    writes = at_least is not None or share is not None or (at_most is not None and at_most < 0)
    known = known_facts(attribution, terms)
    return decide_over_facts(
        f"{name} {adds} to the logit difference {' and '.join(said)}{before}",
        attribution,
        demands,
        terms,
        controls=[_on_corrupt(attribution, parts, known)] if writes else [],
        metric="direct logit attribution",
        also=f"  of {total[known].mean():.2f} logits (mean), {name} adds {values[known].mean():.2f}"
        if known
        else "",
    )


assert_direct_effect = register_claim("direct_effect")(asserting(check_direct_effect))


def _on_corrupt(
    attribution: Attribution,
    parts: Sequence[Component],
    known: list[int],
) -> Control:
    """What it adds after the corrupt prompts, as a share of what it does after the clean ones."""
    name, limit = "after the corrupt prompts", MOST_ON_CORRUPT
    if attribution.on_corrupt is None or not known:
        return Control(name, None, limit, "there are none")
    there = attribution.on_corrupt[np.ix_(known, attribution.members(parts))].sum(1).mean()
    here = attribution.of(parts)[known].mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(there / here)
    return Control(name, ratio, limit, f"{there:+.2f} logits there, {here:+.2f} after clean ones")
