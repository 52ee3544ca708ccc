"""What results of patching share that have one number per fact and patch. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pytest_interp.options.trace import Direction, TraceOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.over_facts import OverFacts


@dataclass(frozen=True, eq=False, kw_only=True)
class Patchings(OverFacts):
    """Patches of the runs of each fact, with what they do to the metric.

    A subclass says which patches there are. The *effect* of a patch is the share of the gap
    between the clean and the corrupt prompt that it moves: 0 does nothing, 1 moves all of it,
    in both directions.
    """

    options: TraceOptions = field(default_factory=TraceOptions)
    """What was asked."""
    patched: Floats
    """The metric with each patch [fact, ...]."""

    _by_fact = ("patched",)

    @property
    def direction(self) -> Direction:
        """``denoise`` or ``noise``."""
        return self.options.direction

    @property
    def prefers_counterfactual(self) -> bool:
        return self.options.corruption.prefers_counterfactual

    @property
    def gap(self) -> Floats:
        """Clean minus corrupt metric [fact]: what there is to restore or to destroy."""
        assert self.corrupt is not None  # patching has both runs
        return np.asarray(self.clean - self.corrupt)

    @property
    def moved(self) -> Floats:
        """How far each patch moves the metric towards the other run [fact, ...]."""
        assert self.corrupt is not None
        base = self.corrupt if self.direction == "denoise" else self.clean
        sign = 1.0 if self.direction == "denoise" else -1.0
        each = (len(self), *[1] * (self.patched.ndim - 1))
        return np.asarray(sign * (self.patched - base.reshape(each)))

    @property
    def effect(self) -> Floats:
        """The share of its fact's gap that each patch moves [fact, ...]; NaN without a gap."""
        each = (len(self), *[1] * (self.patched.ndim - 1))
        gap = np.where(np.abs(self.gap) > 1e-5 * np.abs(self.clean), self.gap, np.nan)
        return np.asarray(self.moved / gap.reshape(each))

    @property
    def mean_effect(self) -> Floats:
        """Mean move by mean gap, over the facts that the model knows; over all where it knows none.

        A mean of shares would hang on the facts of the smallest gap.
        """
        known = [i for i, why in enumerate(self.unknown_because()) if why is None]
        rows = known or list(range(len(self)))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.moved[rows].mean(0) / self.gap[rows].mean())
