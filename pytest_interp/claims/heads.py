"""Which heads carry a fact; and what sets of cells do that are patched together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Unpack

import numpy as np

from pytest_interp.adapters.components import Component
from pytest_interp.adapters.sites import parse_site
from pytest_interp.claims.groups import require
from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.ratios import known_facts, shares
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms, least_effect, most_effect
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.options.trace import Direction
from pytest_interp.results.base import Floats
from pytest_interp.results.control import Control
from pytest_interp.results.head_trace import HeadTrace
from pytest_interp.results.joint_trace import JointTrace
from pytest_interp.results.patchings import Patchings

OTHERS_LIMIT = 0.5
"""Share of what is claimed: most heads do less than half of that, where nothing is said of them."""


@checking
def check_heads_matter(
    trace: HeadTrace,
    heads: Component | str | Iterable[Component | str],
    *,
    at_least: float,
    others_at_most: float | None = None,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that each of these heads carries a share of the fact, and perhaps that no other does.

    Patching any one of them moves at least ``at_least`` of the gap between the clean and the
    corrupt prompt, and patching any other traced head moves at most ``others_at_most``: the mean
    move by the mean gap, with its whole interval. Where nothing is claimed of the others, the head
    in the middle of them must move less than half of ``at_least``.

    A head that moves nothing when it is patched alone may still matter: others may do the same.

    Args:
        trace: what :func:`pytest_interp.trace_heads` returns.
        heads: one or several, as ``head.23.4``; ``k.9.2`` where key-value heads were traced.
        at_least: least effect of each.
        others_at_most: most effect of every other traced head; None claims nothing of them.
        **given: terms of the claim.

    Raises:
        ClaimError: it is no trace of heads, a head was not traced, or an argument makes no sense.
    """
    require(trace, HeadTrace, "trace_heads(adapter, facts)")
    terms, least = Terms.of(check_heads_matter, given), least_effect("at_least", at_least)
    listed = [heads] if isinstance(heads, str | Component) else list(heads)
    if not listed:
        raise ClaimError("no head is named: give at least one, as 'head.23.4'")
    named = {trace.place(head): str(head) for head in listed}
    most = None
    if others_at_most is not None:
        most = most_effect("others_at_most", others_at_most, least, f"at_least={least:g}")
    said = ", ".join(named.values())
    claim = f"{said} at {trace.position} each move at least {least:.2f} of the gap"
    if most is not None:
        claim += f", and every other {trace.unit} at most {most:.2f}"
    return _decide_heads(trace, claim, named, least, most, terms)


def head_localized(
    trace: HeadTrace, site: str, inside: float, outside: float, terms: Terms
) -> Verdict:
    """Whether a fact sits at one head, and at no other traced one.

    Raises:
        ClaimError: the text names no head, or another position than that of the trace.
    """
    place = parse_site(site)
    if place.layer is None or place.head is None:
        raise ClaimError(f"{site!r} names no head: write 'head.23.4@{trace.position}'")
    if str(place.position) != str(trace.position):
        raise ClaimError(
            f"{site!r} is about another position: heads were patched at {trace.position!r}. Trace "
            f"them at the other one, position={place.position!r}"
        )
    name = f"{place.kind}.{place.layer}.{place.head}"
    claim = (
        f"the fact sits at {site}, and at no other {trace.unit} (inside at least {inside:.2f}, "
        f"outside at most {outside:.2f})"
    )
    return _decide_heads(trace, claim, {trace.place(name): name}, inside, outside, terms)


def _decide_heads(
    trace: HeadTrace,
    claim: str,
    named: dict[tuple[int, int], str],
    least: float,
    most: float | None,
    terms: Terms,
) -> Verdict:
    rows, columns = range(len(trace.layers)), range(len(trace.heads))
    others = [(r, c) for r in rows for c in columns if (r, c) not in named]

    def values(cell: tuple[int, int]) -> Floats:
        return shares(trace, terms, trace.moved[(slice(None), *cell)], trace.gap)

    demands = [
        Demand(f"{name}@{trace.position}", values(cell), "at least", least)
        for cell, name in named.items()
    ]
    controls = []
    if most is not None:
        demands += [
            Demand(f"{trace.name(*cell)}@{trace.position}", values(cell), "at most", most)
            for cell in others
        ]
    elif others:
        controls = [_other_heads(trace, others, least, terms)]
    return decide_over_facts(
        claim, trace, demands, terms, controls=controls, direction=trace.direction
    )


def _other_heads(
    trace: HeadTrace, others: list[tuple[int, int]], least: float, terms: Terms
) -> Control:
    known = known_facts(trace, terms)
    value = None
    if known:
        means = trace.moved[known].mean(0) / trace.gap[known].mean()
        value = float(np.median([means[cell] for cell in others])) / least
    note = f"median effect of the {len(others)} others, as a share of what is claimed"
    return Control("other heads", value, OTHERS_LIMIT, note)


def joint_effect(
    claim: Any, wanted: Direction, trace: JointTrace, name: str, at_least: float, given: Any
) -> Verdict:
    """Whether patching a set of cells together moves enough of the gap.

    Raises:
        ClaimError: the patches have the other direction.
        UnknownNameError: the set was not patched.
    """
    terms, least = Terms.of(claim, given), least_effect("at_least", at_least)
    must_have_direction(trace, wanted)
    at = trace.index(name)
    said = "restores" if wanted == "denoise" else "destroys"
    return decide_over_facts(
        f"patching {name} together {said} at least {least:.2f} of the fact",
        trace,
        [Demand(name, shares(trace, terms, trace.moved[:, at], trace.gap), "at least", least)],
        terms,
        direction=trace.direction,
    )


def must_have_direction(trace: Patchings, wanted: Direction) -> None:
    """Refuse patches of the other direction."""
    if trace.direction != wanted:
        raise ClaimError(
            f"this claim needs direction={wanted!r}, and the patches have {trace.direction!r}"
        )


assert_heads_matter = register_claim("heads_matter")(asserting(check_heads_matter))
