"""Experiments on estimates and paths, as the registry and YAML files see them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pytest_interp.experiments.circuit_configs import GivenFacts
from pytest_interp.experiments.registry import register_experiment
from pytest_interp.options.estimates import EstimateOptions
from pytest_interp.results.estimates import Estimates

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
        from pytest_interp.experiments.estimates import attribution_patching

        values = {f.name: getattr(self, f.name) for f in fields(EstimateOptions)}
        return attribution_patching(adapter, self.asked, EstimateOptions(**values))
