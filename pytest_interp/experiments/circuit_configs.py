"""The experiments on components and circuits, as the registry and YAML files see them.

No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.ablation import AblationOptions
from pytest_interp.options.circuit import CircuitOptions
from pytest_interp.options.metrics import LOGIT_DIFF, Metric
from pytest_interp.results.ablations import Ablations
from pytest_interp.results.circuit import CircuitResult

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


@dataclass(frozen=True, kw_only=True)
class GivenFacts:
    """One fact or a set of them."""

    fact: FactPrompt | None = None
    facts: FactSet | None = None

    def __post_init__(self) -> None:
        if (self.fact is None) == (self.facts is None):
            raise ExperimentError("give either a fact, or facts")

    @property
    def asked(self) -> FactPrompt | FactSet:
        """What was given."""
        given = self.fact or self.facts
        assert given is not None  # checked when it was made
        return given


@register_experiment("ablate")
@dataclass(frozen=True, kw_only=True)
class Ablate(AblationOptions, GivenFacts):
    """Ablation: what does the model say without a component, or without a set of them?"""

    components: tuple[str, ...] = ()
    """Each is ablated alone, as ``head.9.6`` or ``mlp_out.5``."""
    sets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Components that are ablated together, by the name of each set."""
    reference: tuple[str, ...] | str | None = None
    """The prompts that replacements come from: texts, or ``clean`` or ``corrupt`` for these
    prompts of the facts."""

    def __post_init__(self) -> None:
        AblationOptions.__post_init__(self)
        GivenFacts.__post_init__(self)

    def run(self, adapter: ModelAdapter) -> Ablations:
        from pytest_interp.experiments import ablate

        values = {f.name: getattr(self, f.name) for f in fields(AblationOptions)}
        return ablate(
            adapter,
            self.asked,
            self.components,
            sets=self.sets,
            reference=self.reference,
            options=AblationOptions(**values),
        )


@register_experiment("knock_out_attention")
@dataclass(frozen=True, kw_only=True)
class KnockOutAttention(GivenFacts):
    """Attention knocked out: does the answer need what some tokens read from others?"""

    from_: str | int
    """The tokens that look, as ``last``."""
    to: str | int
    """The tokens that are looked at, as ``subject``."""
    layers: tuple[int, ...] | None = None
    """All by default."""
    window: int | None = None
    """Cut it in this many layers around each of these in turn, not in all of them at once."""
    metric: Metric = field(default_factory=lambda: LOGIT_DIFF)
    random: int = 5
    """Draws of as many other tokens, as a control; 0 for none."""
    seed: int = 0
    """Of these draws."""

    def run(self, adapter: ModelAdapter) -> Ablations:
        from pytest_interp.experiments import knock_out_attention

        return knock_out_attention(
            adapter,
            self.asked,
            self.from_,
            self.to,
            layers=self.layers,
            window=self.window,
            metric=self.metric,
            random=self.random,
            seed=self.seed,
        )


@register_experiment("circuit")
@dataclass(frozen=True, kw_only=True)
class Circuit(CircuitOptions, GivenFacts):
    """Circuit: do some heads and MLPs do by themselves what the whole model does?"""

    keep: tuple[str, ...]
    """The circuit: heads, as ``head.9.6``, or ``head.9`` for all of a layer; and MLPs, as
    ``mlp_out.5``."""
    subsets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Parts of the circuit for completeness, by name."""
    minimal_with: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """For a component, what else is left out when its share is measured."""
    reference: tuple[str, ...] | str | None = None
    """The prompts that replacements come from: texts, or ``clean`` or ``corrupt`` for these
    prompts of the facts."""

    def __post_init__(self) -> None:
        CircuitOptions.__post_init__(self)
        GivenFacts.__post_init__(self)

    def run(self, adapter: ModelAdapter) -> CircuitResult:
        from pytest_interp.experiments import circuit

        values = {f.name: getattr(self, f.name) for f in fields(CircuitOptions)}
        return circuit(
            adapter,
            self.asked,
            self.keep,
            reference=self.reference,
            subsets=self.subsets,
            minimal_with=self.minimal_with,
            options=CircuitOptions(**values),
        )
