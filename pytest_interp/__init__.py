"""Claims about the insides of language models, as tests.

Everything that a spec or a script needs is here; torch and the backends are imported when a name
that needs them is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_interp.lazy import lazy_names
from pytest_interp.prompts import FactPrompt

if TYPE_CHECKING:
    from pytest_interp.claims import (
        assert_backends_agree,
        assert_crystallises,
        assert_fact_localized,
        assert_handoff,
        assert_necessary,
        assert_no_effect,
        assert_sufficient,
    )
    from pytest_interp.experiments import (
        causal_trace,
        causal_traces,
        known_facts,
        logit_lens,
        trace_facts,
    )
    from pytest_interp.facts import load_facts
    from pytest_interp.factsets import FactSet
    from pytest_interp.models import load_model
    from pytest_interp.results import LensResult, TraceResult
    from pytest_interp.tracesets import TraceSet

_LAZY = {
    "FactSet": "factsets",
    "LensResult": "results",
    "TraceResult": "results",
    "TraceSet": "tracesets",
    "assert_backends_agree": "claims",
    "assert_crystallises": "claims",
    "assert_fact_localized": "claims",
    "assert_handoff": "claims",
    "assert_necessary": "claims",
    "assert_no_effect": "claims",
    "assert_sufficient": "claims",
    "causal_trace": "experiments",
    "causal_traces": "experiments",
    "known_facts": "experiments",
    "load_facts": "facts",
    "load_model": "models",
    "logit_lens": "experiments",
    "trace_facts": "experiments",
}
__all__ = [
    "FactPrompt",
    "FactSet",
    "LensResult",
    "TraceResult",
    "TraceSet",
    "assert_backends_agree",
    "assert_crystallises",
    "assert_fact_localized",
    "assert_handoff",
    "assert_necessary",
    "assert_no_effect",
    "assert_sufficient",
    "causal_trace",
    "causal_traces",
    "known_facts",
    "load_facts",
    "load_model",
    "logit_lens",
    "trace_facts",
]


__getattr__ = lazy_names(__name__, _LAZY)
