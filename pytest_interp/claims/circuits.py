"""A circuit does what the model does, holds all that does it, and nothing else.

Wang et al. 2022 (IOI, arXiv 2211.00593). All three are shares of what all heads and MLPs do
together, and all of them hang on the kind of ablation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

import numpy as np

from pytest_interp.claims.groups import positive, require
from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.ratios import known_facts, shares
from pytest_interp.claims.registry import register_claim
from pytest_interp.claims.requirements import asserting
from pytest_interp.claims.terms import GivenTerms, Terms, number
from pytest_interp.claims.unread import checking
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError
from pytest_interp.results.circuit import CircuitResult
from pytest_interp.results.control import Control

MAKER = "circuit(adapter, facts, keep, ablation=...)"
LEFT_LIMIT = 0.5
"""Share of the metric that may be left with all heads and MLPs ablated: what is left is not theirs,
and a share of the rest says little."""


@checking
def check_faithful(
    circuit: CircuitResult,
    *,
    at_least: float = 0.8,
    at_most: float | None = 1.2,
    **given: Unpack[GivenTerms],
) -> Verdict:
    """Check that a circuit does by itself what the whole model does.

    Faithfulness is (m(C) - m(none)) / (m(model) - m(none)), means over facts. Random circuits of as
    many heads and MLPs must not do as well: where their median is above half of ``at_least`` the
    verdict is inconclusive.

    Args:
        circuit: what :func:`pytest_interp.circuit` returns.
        at_least: least faithfulness.
        at_most: largest faithfulness; None for any. A circuit that does far more than the model
            has lost what holds it back.
        **given: terms of the claim.

    Raises:
        ClaimError: it is no circuit, or an argument makes no sense; or it is the whole model.
    """
    _require_a_part(circuit, "faithful")
    terms, least = Terms.of(check_faithful, given), positive("at_least", at_least)
    if at_most is not None and number("at_most", at_most) <= least:
        raise ClaimError(f"at_most={at_most!r}: give more than at_least={at_least!r}, or None")
    values = shares(circuit, terms, circuit.kept - circuit.none, circuit.whole)
    demands = [Demand("faithfulness", values, "at least", least)]
    if at_most is not None:
        demands.append(Demand("faithfulness", values, "at most", at_most))
    limits = f"at least {least:.2f}" + ("" if at_most is None else f" and at most {at_most:.2f}")
    return decide_over_facts(
        f"{_named(circuit)} is faithful: {limits} of what all heads and MLPs do",
        circuit,
        demands,
        terms,
        controls=[*_controls(circuit, terms), _random_circuits(circuit, terms, least)],
    )


@checking
def check_complete(
    circuit: CircuitResult, *, at_most: float = 0.2, **given: Unpack[GivenTerms]
) -> Verdict:
    """Check that the model without parts of a circuit does what the circuit does without them.

    It passes where for every subset K that was measured |m(C without K) - m(model without K)|,
    means over facts, is at most ``at_most`` of what all heads and MLPs do. Among the subsets is the
    whole circuit: a model that does the task without it has something that the circuit lacks.

    Args:
        circuit: what :func:`pytest_interp.circuit` returns.
        at_most: largest difference, as a share.
        **given: terms of the claim.

    Raises:
        ClaimError: it is no circuit, or an argument makes no sense; or it is the whole model.
    """
    _require_a_part(circuit, "complete")
    terms, most = Terms.of(check_complete, given), positive("at_most", at_most)
    if not circuit.subsets:
        raise ClaimError(f"the circuit has no subsets to leave out: measure it with {MAKER}")
    differences = circuit.circuit_without - circuit.model_without
    return decide_over_facts(
        f"{_named(circuit)} is complete: without each of {len(circuit.subsets)} subsets it and the "
        f"model differ by at most {most:.2f}",
        circuit,
        [
            Demand(f"without {name}", _share(circuit, terms, values), "within", most)
            for name, values in zip(circuit.subset_names, differences.T, strict=True)
        ],
        terms,
        controls=_controls(circuit, terms),
        also="\n".join(_told(circuit)),
    )


@checking
def check_minimal(
    circuit: CircuitResult, *, at_least: float = 0.05, **given: Unpack[GivenTerms]
) -> Verdict:
    """Check that every component of a circuit adds something to it.

    It passes where removing each changes the mean of the metric, up or down, by at least
    ``at_least`` of what all heads and MLPs do. What was left out beside it (``minimal_with``) is
    left out before and after.

    Args:
        circuit: what :func:`pytest_interp.circuit` returns.
        at_least: least change, as a share.
        **given: terms of the claim.

    Raises:
        ClaimError: it is no circuit, or an argument makes no sense.
    """
    require(circuit, CircuitResult, MAKER)
    terms, least = Terms.of(check_minimal, given), positive("at_least", at_least)
    if not circuit.removed:
        raise ClaimError(
            "the circuit was measured with minimality=False, without leaving any component out: "
            "measure it again without that"
        )
    known = known_facts(circuit, terms)
    demands = []
    for name, beside, values in zip(
        circuit.removed, circuit.minimal_with, circuit.removal.T, strict=True
    ):
        # what holds the answer back counts as what brings it forth
        sign = -1.0 if known and values[known].mean() < 0 else 1.0
        where = f"change without {name}" + (f" (beside {', '.join(beside)})" if beside else "")
        demands.append(Demand(where, _share(circuit, terms, sign * values), "at least", least))
    return decide_over_facts(
        f"{_named(circuit)} is minimal: each component changes at least {least:.2f}",
        circuit,
        demands,
        terms,
        controls=_controls(circuit, terms),
    )


assert_faithful = register_claim("faithful")(asserting(check_faithful))
assert_complete = register_claim("complete")(asserting(check_complete))
assert_minimal = register_claim("minimal")(asserting(check_minimal))


def _require_a_part(circuit: CircuitResult, claimed: str) -> None:
    """Raise unless a circuit leaves something out.

    Raises:
        ClaimError: it is no circuit, or it is the whole model.
    """
    require(circuit, CircuitResult, MAKER)
    if len(circuit.keep) >= circuit.n_nodes:
        raise ClaimError(
            f"the circuit is all {circuit.n_nodes} heads and MLPs of the model: that it is "
            f"{claimed} holds of any model, and says nothing. Leave out what the task does not need"
        )


def _named(circuit: CircuitResult) -> str:
    kind = circuit.how.get("ablation", "")
    return f"the circuit of {len(circuit.keep)} of {circuit.n_nodes} under {kind} ablation"


def _share(circuit: CircuitResult, terms: Terms, values: np.ndarray) -> np.ndarray:
    return shares(circuit, terms, values, circuit.whole)


def _controls(circuit: CircuitResult, terms: Terms) -> list[Control]:
    """Whether the metric is a matter of heads and MLPs at all."""
    known = known_facts(circuit, terms)
    left = float(circuit.none[known].mean() / circuit.clean[known].mean()) if known else np.nan
    note = "share of the metric that is left, of what no circuit can claim"
    return [Control("all heads and MLPs ablated", left, LEFT_LIMIT, note)]


def _random_circuits(circuit: CircuitResult, terms: Terms, least: float) -> Control:
    name, limit, known = "random circuits", least / 2, known_facts(circuit, terms)
    if not circuit.random_circuits or not known:
        return Control(name, None, limit, "there are none to compare with")
    found = circuit.pick(known).random_faithfulness
    note = f"median faithfulness of {len(found)} as large; the largest {found.max():.2f}"
    return Control(name, float(np.median(found)), limit, note)


def _told(circuit: CircuitResult) -> Iterable[str]:
    """What the subsets are, where a person has to know."""
    for name, members in zip(circuit.subset_names, circuit.subsets, strict=True):
        if name.startswith("sample"):
            yield f"    {name}: {', '.join(members)}"
