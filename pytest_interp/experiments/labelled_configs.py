"""The experiments on labelled prompts, as the registry and YAML files see them. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from pytest_interp.experiments.registry import register_experiment
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.options.probe import ProbeOptions
from pytest_interp.options.steering import SteerOptions, Where
from pytest_interp.results.probe import ProbeResult
from pytest_interp.results.steering import AblationResult, SteerResult
from pytest_interp.results.trajectories import Trajectories

if TYPE_CHECKING:
    from pytest_interp.adapters.base import ModelAdapter


@register_experiment("probe")
@dataclass(frozen=True, kw_only=True)
class Probe(ProbeOptions):
    """Probe: can the class of a prompt be read from what the model holds, layer by layer?"""

    prompts: PromptSet

    def run(self, adapter: ModelAdapter) -> ProbeResult:
        from pytest_interp.experiments import probe

        values = {f.name: getattr(self, f.name) for f in fields(ProbeOptions)}
        return probe(adapter, self.prompts, ProbeOptions(**values))


@register_experiment("trajectories")
@dataclass(frozen=True, kw_only=True)
class FollowTrajectories:
    """Trajectories: over depth, how does the model come to what it says on each prompt?"""

    prompts: PromptSet
    of_answers: bool = False
    """Follow the stated answers, in place of what the model says in the end."""

    def run(self, adapter: ModelAdapter) -> Trajectories:
        from pytest_interp.experiments import trajectories

        return trajectories(adapter, self.prompts, of_answers=self.of_answers)


@dataclass(frozen=True, kw_only=True)
class _Intervention(SteerOptions):
    """The options of an intervention, as keys beside the prompts."""

    prompts: PromptSet
    """The direction is fitted on half of their groups and tried on the other half."""
    layer: int
    """Where the direction is fitted, and added."""

    @property
    def options(self) -> SteerOptions:
        """The options alone."""
        return SteerOptions(**{f.name: getattr(self, f.name) for f in fields(SteerOptions)})


@register_experiment("steer")
@dataclass(frozen=True, kw_only=True)
class Steer(_Intervention):
    """Steering: add the direction between two classes in doses; does the model abstain more?"""

    def run(self, adapter: ModelAdapter) -> SteerResult:
        from pytest_interp.experiments import class_direction, steer

        fitted, tried = self.prompts.split(seed=self.seed)
        return steer(adapter, tried, class_direction(adapter, fitted, self.layer), self.options)


@register_experiment("ablate_direction")
@dataclass(frozen=True, kw_only=True)
class AblateDirection(_Intervention):
    """Ablation of a direction: project it out of all that is written; does abstaining go?"""

    positions: Where = "all"
    """``all`` projects it out at every token, ``last`` at the last one alone."""

    def run(self, adapter: ModelAdapter) -> AblationResult:
        from pytest_interp.experiments import ablate_direction, class_direction

        fitted, tried = self.prompts.split(seed=self.seed)
        direction = class_direction(adapter, fitted, self.layer)
        return ablate_direction(adapter, tried, direction, self.options)
