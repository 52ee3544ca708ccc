"""The experiments on components, as the registry and YAML files see them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_interp.adapters.sites import HEAD, SiteKind
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.configs import AskedTrace
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.facts.prompts import FactPrompt
from pytest_interp.facts.sets import FactSet
from pytest_interp.results.attention import AttentionPatterns
from pytest_interp.results.attribution import Attribution
from pytest_interp.results.head_scores import HeadScores
from pytest_interp.results.head_trace import HeadTrace
from pytest_interp.results.joint_trace import JointTrace

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


@register_experiment("direct_logit_attribution")
@dataclass(frozen=True, kw_only=True)
class DirectLogitAttribution:
    """Direct logit attribution: how much does each component write towards the answer?"""

    fact: FactPrompt | None = None
    """One fact; or give ``facts``."""
    facts: FactSet | None = None
    """Several, for claims about all of them, with their intervals."""

    def __post_init__(self) -> None:
        one_of(fact=self.fact, facts=self.facts)

    def run(self, adapter: ModelAdapter) -> Attribution:
        from pytest_interp.experiments import direct_logit_attribution

        return direct_logit_attribution(adapter, one_of(fact=self.fact, facts=self.facts))


@register_experiment("attention_patterns")
@dataclass(frozen=True, kw_only=True)
class ReadAttention:
    """Attention patterns: where does each head look, in each prompt?"""

    fact: FactPrompt | None = None
    """One fact, of which the clean prompt is read; or give ``facts`` or ``texts``."""
    facts: FactSet | None = None
    texts: tuple[str, ...] | None = None
    """Plain prompts."""
    layers: tuple[int, ...] | None = None
    """Layers to read; all by default."""

    def __post_init__(self) -> None:
        one_of(fact=self.fact, facts=self.facts, texts=self.texts)

    def run(self, adapter: ModelAdapter) -> AttentionPatterns:
        from pytest_interp.experiments import attention_patterns

        asked = one_of(fact=self.fact, facts=self.facts, texts=self.texts)
        return attention_patterns(adapter, asked, self.layers)


@register_experiment("induction_scores")
@dataclass(frozen=True, kw_only=True)
class InductionScores:
    """Induction scores: which heads look back to what followed a token before?"""

    n: int = 10
    """Sequences of random tokens."""
    length: int = 30
    """Tokens of a copy; every sequence has two."""
    seed: int = 0
    """Seed of the tokens. The spec's seed is the default."""
    bos: bool | None = None
    """Begin with the token that begins a text; by default where the tokenizer puts one."""

    def run(self, adapter: ModelAdapter) -> HeadScores:
        from pytest_interp.experiments import induction_scores

        return induction_scores(adapter, self.n, self.length, self.seed, self.bos)


@register_experiment("trace_heads")
@dataclass(frozen=True, kw_only=True)
class TraceHeads(AskedTrace):
    """Traces of single heads: which heads of which layers carry a fact?"""

    fact: FactPrompt | None = None
    """One fact; or give ``facts``."""
    facts: FactSet | None = None
    """Several, for claims about all of them, with their intervals."""
    site: SiteKind = field(default_factory=lambda: HEAD)
    """``head``, ``q``, ``k``, ``v``, ``pattern`` or ``mlp_neurons``."""
    position: str | int = "last"
    """Where heads are patched: ``last``, ``subject``, ``subject_last``, an index or ``all``."""
    heads: tuple[int, ...] | None = None
    """Numbers of heads, key-value heads or neurons; all by default."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(fact=self.fact, facts=self.facts)

    def run(self, adapter: ModelAdapter) -> HeadTrace:
        from pytest_interp.experiments import trace_heads

        return trace_heads(
            adapter,
            one_of(fact=self.fact, facts=self.facts),
            self.options,
            position=self.position,
            heads=self.heads,
            controls=self.controls,
        )


@register_experiment("trace_joint")
@dataclass(frozen=True, kw_only=True)
class TraceJoint(AskedTrace):
    """Traces of sets of cells: what do several cells carry together?"""

    fact: FactPrompt | None = None
    """One fact; or give ``facts``."""
    facts: FactSet | None = None
    """Several, for claims about all of them, with their intervals."""
    sets: dict[str, tuple[str, ...]]
    """By a name, cells that are patched together, as ``mlp_out.5-14@subject``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        one_of(fact=self.fact, facts=self.facts)

    def run(self, adapter: ModelAdapter) -> JointTrace:
        from pytest_interp.experiments import trace_joint

        asked = one_of(fact=self.fact, facts=self.facts)
        return trace_joint(adapter, asked, self.sets, self.options, controls=self.controls)


def one_of(**given: Any) -> Any:
    """The one input that is given.

    Raises:
        ExperimentError: none is, or several.
    """
    there = {name: value for name, value in given.items() if value is not None}
    if len(there) != 1:
        named = " and ".join(there) or "none"
        raise ExperimentError(f"give one of {', '.join(given)}, and not {named}")
    return next(iter(there.values()))
