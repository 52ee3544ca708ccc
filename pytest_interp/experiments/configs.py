"""The experiments of this package, as the registry and YAML files see them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.trace import TraceOptions
from pytest_interp.results.lens import LensResult
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


@register_experiment("logit_lens")
@dataclass(frozen=True)
class LogitLens:
    """Logit lens: what would the model predict if it stopped after this layer?"""

    fact: FactPrompt | None = None
    """Its clean prompt and answer are read. Without it, give ``prompt`` and ``answer``."""
    prompt: str | None = None
    answer: str | None = None
    position: int = -1
    layers: tuple[int, ...] | None = None
    """Layers to read; all by default."""

    def __post_init__(self) -> None:
        given = (self.prompt is not None, self.answer is not None)
        if given != (self.fact is None,) * 2:
            raise ExperimentError("give either a fact, or both a prompt and an answer")

    def run(self, adapter: ModelAdapter) -> LensResult:
        from pytest_interp.experiments import logit_lens

        asked = self.prompt if self.fact is None else self.fact
        return logit_lens(adapter, asked or "", self.answer, self.position, self.layers)


@dataclass(frozen=True, kw_only=True)
class AskedTrace(TraceOptions):
    """The options of a trace, as keys beside the facts."""

    seed: int = 0
    """Seed of corruptions that draw random numbers. The spec's seed is the default."""
    controls: bool = True
    """Run the cheap controls, so that verdicts name them."""

    @property
    def options(self) -> TraceOptions:
        """The options alone, with the seed in the corruption."""
        seeded = {"corruption": self.corruption.seeded(self.seed)}
        return TraceOptions(
            **{f.name: getattr(self, f.name) for f in fields(TraceOptions)} | seeded
        )


@register_experiment("causal_trace")
@dataclass(frozen=True, kw_only=True)
class CausalTrace(AskedTrace):
    """Causal trace: patch one site at every layer and position; where does a fact sit?"""

    fact: FactPrompt

    def run(self, adapter: ModelAdapter) -> TraceResult:
        from pytest_interp.experiments import causal_trace

        return causal_trace(adapter, self.fact, self.options, controls=self.controls)


@register_experiment("causal_traces")
@dataclass(frozen=True, kw_only=True)
class CausalTraces(AskedTrace):
    """Causal traces of many facts, for claims about all of them, with their intervals."""

    facts: FactSet

    def run(self, adapter: ModelAdapter) -> TraceSet:
        from pytest_interp.experiments import trace_facts

        return trace_facts(adapter, self.facts, self.options, controls=self.controls)


@register_experiment("logit_lenses")
@dataclass(frozen=True)
class LogitLenses:
    """Logit lenses of many facts, for claims about all of them, with their intervals."""

    facts: FactSet
    """The clean prompt and the answer of each are read."""
    layers: tuple[int, ...] | None = None
    """All by default."""

    def run(self, adapter: ModelAdapter) -> LensSet:
        from pytest_interp.experiments import lens_facts

        return lens_facts(adapter, self.facts, self.layers)
