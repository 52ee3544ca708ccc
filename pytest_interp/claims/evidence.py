"""One trace or a set of them, as claims read it: effects by column, and who knows the fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np

from pytest_interp.claims.terms import Terms
from pytest_interp.errors import ClaimError
from pytest_interp.provenance import Provenance
from pytest_interp.results.base import Floats
from pytest_interp.results.control import Control
from pytest_interp.results.known import unknown_because
from pytest_interp.results.roles import Role, role_effect, role_positions
from pytest_interp.results.samples import Scope
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet


@dataclass(frozen=True, eq=False)
class Evidence:
    """Traces of facts that the model knows, and why the others are left out.

    :func:`gather` makes it. A claim takes its columns from it and hands it on to
    :func:`~pytest_interp.claims.decide`.
    """

    asked: TraceSet
    """All traces, of known facts or not."""
    known: tuple[int, ...]
    """Indices of those that the claim may rest on."""
    controls: tuple[Control, ...]
    reasons: tuple[str, ...]
    """Why the others were left out, one line each."""

    @property
    def traces(self) -> tuple[TraceResult, ...]:
        """Traces of known facts."""
        return tuple(self.asked.traces[i] for i in self.known)

    @property
    def provenance(self) -> Provenance | None:
        """How the traces came about."""
        return self.asked.provenance

    @cached_property
    def scope(self) -> Scope:
        """What the known facts are, and what they share."""
        return Scope.of(self.asked, self.known)

    @property
    def any_trace(self) -> TraceResult:
        """A trace to read the common terms from."""
        return self.asked.traces[0]

    @property
    def layers(self) -> tuple[int, ...]:
        """The traced layers."""
        return self.any_trace.layers

    @property
    def n_layers(self) -> int | None:
        """Depth of the model."""
        return self.any_trace.n_layers

    @property
    def is_set(self) -> bool:
        """Whether the claim is about several facts."""
        return len(self.asked) > 1


def gather(trace: TraceResult | TraceSet, terms: Terms) -> Evidence:
    """Tell traces of facts that the model knows from the others.

    Every check about traces begins here. One trace counts as a set of one fact.

    Args:
        trace: what the check was given.
        terms: the terms of the claim. ``min_gap`` says which facts are known; ``controls`` join
            those of the traces.

    Raises:
        ClaimError: it is neither a trace nor a set of them.
    """
    given: object = trace
    if isinstance(given, TraceResult):
        given = TraceSet((given,), ("prompt",), ("0",), given.controls)
    if not isinstance(given, TraceSet):
        raise ClaimError(
            f"expected a causal trace or a TraceSet, got {type(trace).__name__}: a claim about "
            "effects reads what causal_trace(adapter, fact) or trace_facts(adapter, facts) returns"
        )
    reasons = [unknown_because(one, terms.min_gap) for one in given]
    known = tuple(i for i, reason in enumerate(reasons) if reason is None)
    controls = (*given.controls, *terms.controls)
    return Evidence(given, known, controls, tuple(filter(None, reasons)))


@dataclass(frozen=True, eq=False)
class Column:
    """A position, or a role, over all facts and layers.

    A claim may make its own by ``dataclasses.replace``, as the difference of two columns of the
    same members: any number about one fact at one layer.
    """

    name: str
    """As it stands in a failure."""
    effect: Floats
    """[fact, layer], in the order of ``members`` and of ``Evidence.layers``."""
    members: tuple[int, ...]
    """Indices of these facts in ``Evidence.traces``; facts without such a token are left out."""


def column(
    evidence: Evidence, role: str | int, name: str | None = None, *, either_way: bool = False
) -> Column:
    """The effects of a role, or of a token index, over all facts that have it.

    Where a role has several tokens, the one with the largest effect at each layer counts; with
    ``either_way``, the one with the largest in either direction.

    Raises:
        ClaimError: there is no such role, or a prompt has no such token.
    """
    have = [i for i, trace in enumerate(evidence.traces) if role_positions(trace, role)]
    effect = [role_effect(evidence.traces[i], role, either_way=either_way) for i in have]
    return Column(
        name=name or str(role),
        effect=np.reshape(effect, (len(have), len(evidence.layers))),
        members=tuple(have),
    )


def other_columns(evidence: Evidence, roles: Sequence[str | int]) -> tuple[Column, ...]:
    """The rest of the map: token by token for one prompt, role by role for a set.

    Tokens before the corruption are left out: they are the same in both runs.
    """
    if not evidence.is_set or any(isinstance(role, int) for role in roles):
        trace = evidence.any_trace
        taken = {p for role in roles for p in role_positions(trace, role)}
        rest = range(min(trace.corrupted_positions), trace.n_positions)
        return tuple(
            column(evidence, p, str(p) if evidence.is_set else f"{p} {trace.str_tokens[p]!r}")
            for p in rest
            if p not in taken
        )
    subject = "subject_rest" if "subject_last" in roles else "subject"
    found = [column(evidence, r) for r in ("before", subject, "between", "last") if r not in roles]
    return tuple(c for c in found if c.members)


def place_of(column: Column) -> str | int | None:
    """The role or the token index that a column is named after; None for one of another name."""
    head = column.name.partition(" ")[0]
    if head.removeprefix("-").isdecimal():
        return int(head)
    return head if head in get_args(Role) else None
