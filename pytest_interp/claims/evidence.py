"""One trace or a set of them, as claims read it: effects by column, and who knows the fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pytest_interp.controls import Control
from pytest_interp.errors import ClaimError
from pytest_interp.results import Floats, TraceResult
from pytest_interp.sites import Kind, SiteAt, parse_site
from pytest_interp.tracesets import TraceSet, role_effect, role_positions

MIN_GAP = {"logit_diff": 1.0, "answer_prob": 0.1}
"""The least gap between clean and corrupt that can be measured, in the metric's own unit: a
factor e in the odds of the two answers, or a tenth of all probability."""
MIN_KNOWN = 0.8
"""The least share of a fact set that the model must know."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Traces of facts that the model knows, and word of those that it does not."""

    traces: tuple[TraceResult, ...]
    clusters: tuple[str, ...]
    controls: tuple[Control, ...]
    n_asked: int
    reasons: tuple[str, ...]
    """Why facts were left out, one line each."""
    is_set: bool

    @property
    def any_trace(self) -> TraceResult:
        """A trace to read the common settings from."""
        return self.traces[0]

    @property
    def layers(self) -> tuple[int, ...]:
        """The traced layers."""
        return self.any_trace.layers

    @property
    def n_clusters(self) -> int:
        """Distinct templates."""
        return len(set(self.clusters))


def unknown_because(trace: TraceResult, min_gap: float | None = None) -> str | None:
    """Why this trace cannot carry a claim, or None.

    The clean run must prefer the answer and, under interchange, the corrupt run the
    counterfactual answer; their gap must exceed ``min_gap``.
    """
    prompt = trace.fact.clean_prompt
    clean, corrupt = trace.clean_metric, trace.corrupt_metric
    found = f"{trace.metric} is {clean:.3g} clean and {corrupt:.3g} corrupt"
    if not np.isfinite([clean, corrupt]).all():
        return f"{prompt!r}: the metric is not finite: {found}"
    if trace.is_degenerate:
        return f"{prompt!r}: clean and corrupt do not differ, so recovery is undefined: {found}"
    least = MIN_GAP.get(trace.metric, 0.0) if min_gap is None else min_gap
    if trace.metric == "logit_diff" and clean <= 0:
        return f"{prompt!r}: the model does not prefer {trace.fact.answer!r}: {found}"
    if trace.metric == "logit_diff" and trace.corruption == "interchange" and corrupt >= 0:
        return (
            f"{trace.fact.corrupt_prompt!r}: the model does not prefer "
            f"{trace.fact.counterfactual_answer!r}: {found}"
        )
    if trace.gap < least:
        return f"{prompt!r}: the gap {trace.gap:.3g} is below the least of {least:.3g}: {found}"
    return None


def gather(
    trace: TraceResult | TraceSet, min_gap: float | None, controls: Sequence[Control]
) -> Evidence:
    """Sort the traces into evidence and facts that the model does not know."""
    given = (
        trace
        if isinstance(trace, TraceSet)
        else TraceSet((trace,), ("prompt",), ("0",), trace.controls)
    )
    reasons = [unknown_because(one, min_gap) for one in given]
    known = (
        given.pick(i for i, reason in enumerate(reasons) if reason is None)
        if (None in reasons)
        else None
    )
    kept = known or given
    return Evidence(
        traces=kept.traces if known else (),
        clusters=kept.templates if known else (),
        controls=(*given.controls, *controls),
        n_asked=len(given),
        reasons=tuple(reason for reason in reasons if reason is not None),
        is_set=len(given) > 1,
    )


def parse_place(trace: TraceResult | TraceSet, site: str) -> SiteAt:
    """Read ``kind@position`` and check that the traces are of that kind of site.

    Raises:
        ClaimError: another form, another kind than was traced, or an index into prompts that
            differ in length.
    """
    place = parse_site(site)
    one = trace.traces[0] if isinstance(trace, TraceSet) else trace
    if place.layer is not None or place.head is not None:
        raise ClaimError(
            f"write the site {site!r} without a number, as {place.kind!s}@{place.position}: "
            "layer_range says which layers are meant"
        )
    if place.kind is not Kind(one.site):
        raise ClaimError(
            f"the claim is about '{place.kind}', but the trace patched {one.site!r}: "
            f"trace with site='{place.kind}'"
        )
    if isinstance(trace, TraceSet) and isinstance(place.position, int) and trace.positions_differ:
        raise ClaimError(
            f"token {place.position} means different things in prompts of different shape: use "
            "subject, subject_last or last"
        )
    return place


def layer_span(
    trace: TraceResult | TraceSet, layer_range: range | tuple[int, int] | int
) -> tuple[int, ...]:
    """The layers of a range, or of an inclusive pair, all of them traced.

    Raises:
        ClaimError: the range is empty, steps over layers, or has layers that were not traced.
    """
    traced = (trace.traces[0] if isinstance(trace, TraceSet) else trace).layers
    if isinstance(layer_range, int):
        span = range(layer_range, layer_range + 1)
    elif isinstance(layer_range, range):
        span = layer_range
    else:
        first, last = layer_range
        span = range(first, last + 1)
    if not span or span.step != 1:
        raise ClaimError(
            f"layer_range {layer_range!r} holds no layers, or skips some: give a range with step "
            "1, or the first and the last layer as a pair"
        )
    absent = [layer for layer in span if layer not in traced]
    if absent:
        raise ClaimError(
            f"layers {_short(absent)} of layer_range {layer_range!r} were not traced; the trace "
            f"has layers {_short(traced)}"
        )
    return tuple(span)


def _short(layers: Sequence[int]) -> str:
    if len(layers) > 2 and list(layers) == list(range(layers[0], layers[-1] + 1)):
        return f"{layers[0]} to {layers[-1]}"
    return ", ".join(map(str, layers))


@dataclass(frozen=True, eq=False)
class Column:
    """A position, or a role, over all facts and layers."""

    name: str
    effect: Floats
    """[fact, layer]; facts that have no such token are left out."""
    clusters: tuple[str, ...]
    members: tuple[int, ...]
    """Which facts these are."""


def column(evidence: Evidence, role: str | int, name: str | None = None) -> Column:
    """The effects of a role, or of a token index, over all facts that have it."""
    have = [i for i, trace in enumerate(evidence.traces) if role_positions(trace, role)]
    effect = [role_effect(evidence.traces[i], role) for i in have]
    return Column(
        name=name or str(role),
        effect=np.stack(effect) if effect else np.empty((0, len(evidence.layers))),
        clusters=tuple(evidence.clusters[i] for i in have),
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
        names = (str(p) if evidence.is_set else f"{p} {trace.str_tokens[p]!r}" for p in rest)
        return tuple(
            column(evidence, p, name) for p, name in zip(rest, names, strict=True) if p not in taken
        )
    left = ["before"]
    if "subject_last" in roles:
        left.append("subject_rest")
    elif "subject" not in roles:
        left.append("subject")
    left += [name for name in ("between", "last") if name not in roles]
    found = (column(evidence, name) for name in left)
    return tuple(c for c in found if len(c.effect))
