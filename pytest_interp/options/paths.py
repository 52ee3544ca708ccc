"""The options of path patching, as one value from the spec to the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args

from pytest_interp.errors import UnknownNameError
from pytest_interp.options.ablation import check_counts
from pytest_interp.options.corruptions import Corruption, Interchange, corruption_of
from pytest_interp.options.metrics import LOGIT_DIFF, Metric, metric_of
from pytest_interp.options.trace import Direction


@dataclass(frozen=True, kw_only=True)
class PathOptions:
    """Which run is patched, and what is measured.

    Raises:
        UnknownNameError: an unknown direction, metric or corruption.
        ExperimentError: a number that makes no sense.
    """

    direction: Direction = "noise"
    """``noise``: senders of the corrupt run into the clean one, as in Wang et al. 2022; ``denoise``
    the reverse."""
    # factories: pydantic cannot write objects as defaults into a JSON Schema
    metric: Metric = field(default_factory=lambda: LOGIT_DIFF)
    corruption: Corruption = field(default_factory=Interchange)
    seed: int = 0
    """Of a corruption that draws."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "metric", metric_of(self.metric))
        object.__setattr__(self, "corruption", corruption_of(self.corruption))
        if self.direction not in get_args(Direction):
            raise UnknownNameError.of("direction", self.direction, get_args(Direction))
        check_counts(seed=(self.seed, 0))

    def to_json(self) -> dict[str, Any]:
        """As the JSON of a result has them."""
        return {"direction": self.direction, **self.corruption.to_json()}
