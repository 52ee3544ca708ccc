"""Experiments on estimates and paths, as the registry and YAML files see them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pytest_interp.experiments.circuit_configs import GivenFacts
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.options.estimates import EstimateOptions
from pytest_interp.options.paths import PathOptions
from pytest_interp.results.estimates import Estimates
from pytest_interp.results.paths import PathResult

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


@register_experiment("attribution_patching")
@dataclass(frozen=True, kw_only=True)
class AttributionPatching(EstimateOptions, GivenFacts):
    """Attribution patching: by the gradient, what would patching each cell do?"""

    def __post_init__(self) -> None:
        EstimateOptions.__post_init__(self)
        GivenFacts.__post_init__(self)

    def run(self, adapter: ModelAdapter) -> Estimates:
        from pytest_interp.experiments import attribution_patching

        values = {f.name: getattr(self, f.name) for f in fields(EstimateOptions)}
        return attribution_patching(adapter, self.asked, EstimateOptions(**values))


@register_experiment("path_patching")
@dataclass(frozen=True, kw_only=True)
class PathPatching(PathOptions, GivenFacts):
    """Path patching: does a part reach the answer by what another reads from it?"""

    senders: tuple[str, ...] = ()
    """As ``head.9.6``, ``mlp_out.5`` or ``embed``; all heads and MLPs before the first receiver
    by default."""
    receivers: tuple[str, ...] = ("output",)
    """As ``q.10.2``, ``k.10.0`` (key-value head), ``mlp_out.10`` or ``output``; at a position as
    ``v.10.0@subject``."""

    def __post_init__(self) -> None:
        PathOptions.__post_init__(self)
        GivenFacts.__post_init__(self)

    def run(self, adapter: ModelAdapter) -> PathResult:
        from pytest_interp.experiments import path_patching

        values = {f.name: getattr(self, f.name) for f in fields(PathOptions)}
        return path_patching(
            adapter, self.asked, self.senders, self.receivers, options=PathOptions(**values)
        )
