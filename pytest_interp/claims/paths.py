"""A path: one part reaches the answer by what another reads from it, and others do not."""

from __future__ import annotations

from typing import Unpack

from pytest_interp.adapters.components import Component
from pytest_interp.claims.groups import require
from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms, least_effect, most_effect
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.results.paths import PathResult


@checking
def check_path(
    result: PathResult,
    sender: Component | str,
    receiver: Component | str,
    *,
    at_least: float,
    others_at_most: float | None = None,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that a sender has an effect by a receiver, and that other senders have none by it.

    It passes where the whole interval of the mean effect is at least ``at_least``, and that of
    every other sender of the result, by the same receiver, at most ``others_at_most``. The path of
    a sender that does not change has to move nothing.

    Args:
        result: what :func:`pytest_interp.path_patching` returns.
        sender: as ``head.9.6``.
        receiver: as the result names it: ``q.10.2``, ``v.10.0@subject`` or ``output``.
        at_least: least mean effect, as a share of the gap.
        others_at_most: most effect of each other sender; without it nothing is claimed of them.
        **given: confidence, min_gap, min_known, controls, seed.

    Raises:
        ClaimError: these are no paths, or the claim is badly stated.
        UnknownNameError: this path was not measured.
    """
    require(result, PathResult, "path_patching(adapter, facts, senders, receivers)")
    terms, least = Terms.of(check_path, given), least_effect("at_least", at_least)
    own, to = result.sender_index(sender), result.receiver_index(receiver)
    name = f"{result.senders[own]} to {result.receivers[to]}"
    claim = f"the path from {name} has an effect of at least {least:.2f}"
    demands = [Demand(name, result.effect[:, to, own], "at least", least)]
    if others_at_most is not None:
        most = most_effect("others_at_most", others_at_most, least, f"at_least={least:g}")
        claim += f", those of all others at most {most:.2f}"
        demands += [
            Demand(f"{other} to {result.receivers[to]}", result.effect[:, to, i], "at most", most)
            for i, other in enumerate(result.senders)
            if i != own
        ]
    return decide_over_facts(claim, result, demands, terms, direction=result.direction)


assert_path = register_claim("path")(asserting(check_path))
