"""Which heads carry a fact."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Unpack

from pytest_interp.adapters.components import Component
from pytest_interp.claims.groups import require
from pytest_interp.claims.head_effects import decide_heads
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms, least_effect, most_effect, shown
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.head_trace import HeadTrace


@checking
def check_heads_matter(
    trace: HeadTrace,
    heads: Component | str | Sequence[Component | str],
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
    given_heads: object = heads
    if not isinstance(given_heads, str | Component | Iterable):
        raise ClaimError(f"heads={shown(heads)}: give one or several, as 'head.23.4'")
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
    return decide_heads(trace, claim, named, least, most, terms)


assert_heads_matter = register_claim("heads_matter")(asserting(check_heads_matter))
