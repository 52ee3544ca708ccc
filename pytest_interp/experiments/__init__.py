"""Experiments: written once, above the one primitive. torch is imported when one is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_interp.lazy import lazy_names

if TYPE_CHECKING:
    from pytest_interp.experiments.controls import (
        cheap_controls,
        identity_control,
        shuffled_adapter,
        shuffled_control,
        unrelated_control,
    )
    from pytest_interp.experiments.knowledge import Knowledge, known_facts
    from pytest_interp.experiments.lens import logit_lens
    from pytest_interp.experiments.tracing import causal_trace, causal_traces, trace_facts

_LAZY = {
    "Knowledge": "knowledge",
    "causal_trace": "tracing",
    "causal_traces": "tracing",
    "cheap_controls": "controls",
    "identity_control": "controls",
    "known_facts": "knowledge",
    "logit_lens": "lens",
    "shuffled_adapter": "controls",
    "shuffled_control": "controls",
    "trace_facts": "tracing",
    "unrelated_control": "controls",
}
__all__ = [
    "Knowledge",
    "causal_trace",
    "causal_traces",
    "cheap_controls",
    "identity_control",
    "known_facts",
    "logit_lens",
    "shuffled_adapter",
    "shuffled_control",
    "trace_facts",
    "unrelated_control",
]


__getattr__ = lazy_names(__name__, _LAZY)
