"""What claims on heads and on sets of cells have in common. No claim is registered here."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_interp.adapters.sites import parse_site
from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.ratios import known_facts, shares
from pytest_interp.claims.terms import Terms, least_effect
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
    return decide_heads(trace, claim, {trace.place(name): name}, inside, outside, terms)


def decide_heads(
    trace: HeadTrace,
    claim: str,
    named: dict[tuple[int, int], str],
    least: float,
    most: float | None,
    terms: Terms,
) -> Verdict:
    """Whether each named head moves enough, and every other one little."""
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
