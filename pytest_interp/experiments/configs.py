"""The experiments of this package, as the registry and YAML files see them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator

from pytest_interp.adapters.sites import parse_kind
from pytest_interp.errors import ExperimentError, UnknownNameError
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.results.lens import LensResult
from pytest_interp.results.lenses import LensSet
from pytest_interp.results.trace import Direction, TraceResult
from pytest_interp.results.traces import TraceSet

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


def _known_site(name: str) -> str:
    try:
        return str(parse_kind(name))
    except UnknownNameError as error:
        raise ValueError(str(error)) from None  # the form in which pydantic adds the key


SiteName = Annotated[str, AfterValidator(_known_site)]
MetricName = Literal["logit_diff", "answer_prob"]
"""The keys of ``metrics.METRICS``, which stands among functions of torch."""


@register_experiment("logit_lens")
@dataclass(frozen=True)
class LogitLens:
    """Logit lens: what would the model predict if it stopped after this layer?"""

    fact: FactPrompt | None = None
    """Its clean prompt and answer are read; or give the next two."""
    prompt: str | None = None
    answer: str | None = None
    position: int = -1
    layers: tuple[int, ...] | None = None
    """All by default."""

    def __post_init__(self) -> None:
        given = (self.prompt is not None, self.answer is not None)
        if given != (self.fact is None,) * 2:
            raise ExperimentError("give either a fact, or both a prompt and an answer")

    def run(self, adapter: ModelAdapter) -> LensResult:
        from pytest_interp.experiments.lens import logit_lens

        prompt = self.fact.clean_prompt if self.fact else self.prompt
        answer = self.fact.answer if self.fact else self.answer
        return logit_lens(adapter, prompt or "", answer or "", self.position, self.layers)


@register_experiment("causal_trace")
@dataclass(frozen=True)
class CausalTrace:
    """Causal trace: patch one site at every layer and position; where does a fact sit?"""

    fact: FactPrompt
    site: SiteName = "resid_post"
    direction: Direction = "denoise"
    metric: MetricName = "logit_diff"
    corruption: Literal["interchange", "gaussian"] = "interchange"
    layers: tuple[int, ...] | None = None
    """All by default."""
    noise_scale: float = 3.0
    samples: int = 8
    seed: int = 0
    """Of the noise; the seed of the spec by default."""
    controls: bool = True
    """Run the cheap controls, so that verdicts name them."""

    def run(self, adapter: ModelAdapter) -> TraceResult:
        from pytest_interp.experiments.controls import cheap_controls
        from pytest_interp.experiments.tracing import causal_trace

        trace = causal_trace(
            adapter,
            self.fact,
            self.site,
            self.direction,
            self.metric,
            self.corruption,
            self.layers,
            noise_scale=self.noise_scale,
            samples=self.samples,
            seed=self.seed,
        )
        return cheap_controls(adapter, trace) if self.controls else trace


@register_experiment("causal_traces")
@dataclass(frozen=True)
class CausalTraces:
    """Causal traces of many facts, for claims about all of them, with their intervals."""

    facts: FactSet
    site: SiteName = "resid_post"
    direction: Direction = "denoise"
    metric: MetricName = "logit_diff"
    corruption: Literal["interchange", "gaussian"] = "interchange"
    layers: tuple[int, ...] | None = None
    """All by default."""
    noise_scale: float = 3.0
    samples: int = 8
    seed: int = 0
    """Of the noise; the seed of the spec by default."""
    controls: bool = True
    """Run the cheap controls, so that verdicts name them."""

    def run(self, adapter: ModelAdapter) -> TraceSet:
        from pytest_interp.experiments.controls import cheap_controls
        from pytest_interp.experiments.tracing import trace_facts

        traces = trace_facts(
            adapter,
            self.facts,
            self.site,
            self.direction,
            self.metric,
            self.corruption,
            self.layers,
            noise_scale=self.noise_scale,
            samples=self.samples,
            seed=self.seed,
        )
        return cheap_controls(adapter, traces) if self.controls else traces


@register_experiment("logit_lenses")
@dataclass(frozen=True)
class LogitLenses:
    """Logit lenses of many facts, for claims about all of them, with their intervals."""

    facts: FactSet
    """The clean prompt and the answer of each are read."""
    layers: tuple[int, ...] | None = None
    """All by default."""

    def run(self, adapter: ModelAdapter) -> LensSet:
        from pytest_interp.experiments.lens import lens_facts

        return lens_facts(adapter, self.facts, self.layers)
