"""Does a result show that the model knows its fact? Controls, claims and figures ask alike."""

from __future__ import annotations

import numpy as np

from pytest_interp.facts.known import why_unknown
from pytest_interp.results.lens import LensResult
from pytest_interp.results.trace import TraceResult

LEAST_LEAD = 0.5
"""Logits by which an answer has to lead at the last layer: a random model has a top token too."""


def unknown_because(trace: TraceResult, min_gap: float | None = None) -> str | None:
    """Why this trace cannot carry a claim, or None: :func:`~pytest_interp.facts.known.why_unknown`.

    Which answer is preferred counts in logits, whatever the metric; the gap in the metric's unit.
    """
    prompt = trace.fact.clean_prompt
    clean, corrupt = trace.clean_metric, trace.corrupt_metric
    found = f"{trace.metric} is {clean:.3g} clean and {corrupt:.3g} corrupt"
    if not np.isfinite([clean, corrupt]).all():
        return f"{prompt!r}: the metric is not finite: {found}"
    if trace.is_degenerate:
        return f"{prompt!r}: clean and corrupt do not differ, so recovery is undefined: {found}"
    if trace.preferences is None:
        return f"{prompt!r}: logit_diffs= does not say which answer the model prefers: {found}"
    clean_diff, corrupt_diff = trace.preferences
    if trace.metric != "logit_diff":
        found += f"; logit_diff {clean_diff:.3g} and {corrupt_diff:.3g}"
    reason = why_unknown(
        trace.fact,
        clean_diff,
        corrupt_diff,
        gap=trace.gap,
        least_gap=trace.options.metric.least_gap if min_gap is None else min_gap,
        prefers_counterfactual=trace.options.corruption.prefers_counterfactual,
    )
    return reason and f"{prompt!r}: {reason} ({found})"


def is_answered(lens: LensResult, least_lead: float = LEAST_LEAD) -> bool:
    """Whether the answer stays on top to the last layer, and leads there by so many logits."""
    return lens.settled_layer.reached and bool(lens.answer_margin[-1] >= least_lead)
