"""Experiments: written once, above the one primitive. torch is imported when one is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_interp.experiments.lens import logit_lens
    from pytest_interp.experiments.tracing import causal_trace, causal_traces

_LAZY = {
    "causal_trace": "tracing",
    "causal_traces": "tracing",
    "logit_lens": "lens",
}
__all__ = ["causal_trace", "causal_traces", "logit_lens"]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = found
    return found
