"""What results over facts share in which one run of a pair is patched into the other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pytest_interp.options.corruptions import Corruption, Interchange
from pytest_interp.options.trace import Direction
from pytest_interp.results.base import Floats
from pytest_interp.results.over_facts import OverFacts


@dataclass(frozen=True, eq=False, kw_only=True)
class PairedFacts(OverFacts):
    """Facts whose clean and corrupt runs were both made, and patched in one direction."""

    direction: Direction = "denoise"
    """``denoise`` patches clean into corrupt, ``noise`` corrupt into clean."""
    corruption: Corruption = field(default_factory=Interchange)

    @property
    def gap(self) -> Floats:
        """Metric of the source run minus that of the base run [fact]; NaN where there is none.

        What a patch changes, divided by it, is the effect: 0 does nothing, 1 moves all of the gap.
        """
        assert self.corrupt is not None
        gap = self.clean - self.corrupt
        scale = np.maximum(np.maximum(np.abs(self.clean), np.abs(self.corrupt)), 1e-6)
        gap = np.where(np.abs(gap) > 1e-5 * scale, gap, np.nan)
        return np.asarray(gap if self.direction == "denoise" else -gap)

    @property
    def prefers_counterfactual(self) -> bool:
        return self.corruption.prefers_counterfactual
