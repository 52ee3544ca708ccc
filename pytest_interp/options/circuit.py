"""The options of a circuit, as one value from the spec to the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pytest_interp.errors import ExperimentError
from pytest_interp.options.ablation import (
    KINDS_IN_WORDS,
    AblationOptions,
    Kind,
    check_counts,
    check_random,
)
from pytest_interp.options.metrics import LOGIT_DIFF, Metric


@dataclass(frozen=True, kw_only=True)
class CircuitOptions:
    """How all that is outside of a circuit is ablated, and what the circuit is compared with.

    Raises:
        UnknownNameError: an unknown kind of ablation, or metric.
        ExperimentError: no kind of ablation is named, or a number makes no sense.
    """

    ablation: Kind | None = None
    """``zero``, ``mean`` or ``resample``, as for :class:`AblationOptions`; it must be named."""
    # a factory: pydantic cannot write objects as defaults into a JSON Schema
    metric: Metric = field(default_factory=lambda: LOGIT_DIFF)
    over_positions: bool = False
    """Take means over all tokens of the reference prompts, which may then have any length."""
    draws: int = 4
    """Reference prompts drawn for each fact, over which resampled values are averaged."""
    sampled: int = 10
    """Random subsets of the circuit for completeness, each component in it or not by chance."""
    minimality: bool = True
    """Measure the circuit without each of its components; most of the runs of a large circuit."""
    random: int = 10
    """Random circuits of as many heads and MLPs, as a control; 0 for none."""
    seed: int = 0
    """Of resampling, of subsets and of random circuits."""

    def __post_init__(self) -> None:
        if self.ablation is None:
            raise ExperimentError(
                f"a circuit needs ablation= named: {KINDS_IN_WORDS}. How faithful a circuit is "
                "hangs on it (Miller et al. 2024, arXiv 2407.08734), so that there is no default",
                about="ablation",
            )
        check_counts(sampled=(self.sampled, 0))
        check_random(self.random)
        object.__setattr__(self, "metric", self.replacing.metric)

    @property
    def replacing(self) -> AblationOptions:
        """What takes the place of all that is ablated.

        Raises:
            UnknownNameError: an unknown kind of ablation, or metric.
            ExperimentError: a number makes no sense.
        """
        assert self.ablation is not None  # checked when it was made
        return AblationOptions(
            kind=self.ablation,
            metric=self.metric,
            over_positions=self.over_positions,
            draws=self.draws,
            random=0,
            seed=self.seed,
        )

    def to_json(self) -> dict[str, Any]:
        """As the JSON of a result has them; only those that count for the kind."""
        return self.replacing.to_json()
