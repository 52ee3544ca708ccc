"""What the fixtures ``lens`` and ``trace`` hand to a test: experiments bound to its adapter."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Unpack, overload

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter
    from pytest_interp.facts.prompts import FactPrompt
    from pytest_interp.facts.sets import FactSet
    from pytest_interp.options.trace import TraceAsked, TraceOptions
    from pytest_interp.plugin.session import Models
    from pytest_interp.results.lens import LensResult
    from pytest_interp.results.trace import TraceResult
    from pytest_interp.results.traces import TraceSet

Record = Callable[[str, object], None]
"""Keeps a named value with the test: pytest's ``record_property``."""


@dataclass(frozen=True)
class Lens:
    """The logit lens on the adapter of a test. Equal calls in one session are computed once."""

    models: Models
    adapter: ModelAdapter
    record: Record

    def __repr__(self) -> str:
        return f"<lens on {self.adapter.name} under {self.adapter.backend}>"

    def __call__(
        self, prompt: str, answer: str, position: int = -1, layers: Iterable[int] | None = None
    ) -> LensResult:
        """Run it: arguments, result and errors are those of ``pytest_interp.logit_lens``."""
        from pytest_interp.experiments import logit_lens

        result = self.models.once(
            logit_lens,
            self.adapter,
            prompt=prompt,
            answer=answer,
            position=position,
            layers=None if layers is None else tuple(layers),
        )
        measured = {
            "kind": "logit_lens",
            "prompt": result.prompt,
            "answer": result.answer,
            "crossover_layer": result.crossover_layer.layer,
            "final_prob": round(result.final_prob, 4),
        }
        _record(self.record, result, measured)
        return result


@dataclass(frozen=True)
class Trace:
    """Causal tracing on the adapter of a test. Equal calls in one session are computed once."""

    models: Models
    adapter: ModelAdapter
    record: Record

    def __repr__(self) -> str:
        return f"<trace on {self.adapter.name} under {self.adapter.backend}>"

    @overload
    def __call__(
        self,
        fact: FactPrompt,
        options: TraceOptions | None = ...,
        *,
        controls: bool = ...,
        max_rows: int | None = ...,
        **asked: Unpack[TraceAsked],
    ) -> TraceResult: ...

    @overload
    def __call__(
        self,
        fact: FactSet,
        options: TraceOptions | None = ...,
        *,
        controls: bool = ...,
        max_rows: int | None = ...,
        **asked: Unpack[TraceAsked],
    ) -> TraceSet: ...

    def __call__(
        self,
        fact: FactPrompt | FactSet,
        options: TraceOptions | None = None,
        *,
        controls: bool = True,
        max_rows: int | None = None,
        **asked: Unpack[TraceAsked],
    ) -> TraceResult | TraceSet:
        """Trace one fact, or each fact of a set.

        Arguments, defaults and errors are those of ``pytest_interp.causal_trace``.
        """
        from pytest_interp.experiments import causal_trace, trace_facts
        from pytest_interp.facts import FactSet
        from pytest_interp.options import TraceOptions

        how = {
            "options": TraceOptions.of(options, **asked),
            "controls": controls,
            "max_rows": max_rows,
        }
        if isinstance(fact, FactSet):
            found = self.models.once(trace_facts, self.adapter, facts=fact, **how)
            for one in found:
                _record(self.record, one, _measured(one))
            return found
        result = self.models.once(causal_trace, self.adapter, fact=fact, **how)
        _record(self.record, result, _measured(result))
        return result


def _measured(trace: TraceResult) -> dict[str, Any]:
    peak = trace.peak
    return {
        "kind": "causal_trace",
        "prompt": trace.fact.clean_prompt,
        "site": trace.site,
        "direction": trace.direction,
        "clean_metric": round(trace.clean_metric, 4),
        "corrupt_metric": round(trace.corrupt_metric, 4),
        "peak": None
        if peak is None
        else {"layer": peak.layer, "token": peak.token, "effect": round(peak.effect, 4)},
    }


def _record(record: Record, result: LensResult | TraceResult, measured: dict[str, Any]) -> None:
    """Keep the measured values, and once a test the fingerprint of the weights."""
    if result.provenance is not None:
        record("interp_fingerprint", result.provenance.fingerprint)
    record("interp_result", json.dumps(measured, ensure_ascii=False))
