"""Means over samples of facts, as verdicts state them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pytest_interp.claims.verdict import Estimate
from pytest_interp.results.base import Floats
from pytest_interp.results.samples import Sample


class Measured(NamedTuple):
    """A mean over a sample, and what its interval counts."""

    mean: Estimate
    units: str
    """What decides the width: facts, entities, templates."""
    n_units: int

    @property
    def interval(self) -> str:
        """What the interval counts, in words; empty where there is none."""
        if self.n_units < 2:
            return ""
        counted = f"by {self.units}: {self.n_units} of them"
        if " and " in self.units:  # the degrees of freedom of a sum lie in between
            return f"{counted}, of the scarcer"
        freedom = self.n_units - 1
        return f"{counted}, {freedom} degree{'s' if freedom > 1 else ''} of freedom"


def measure(
    sample: Sample, values: Floats, places: Sequence[str], confidence: float, seed: int
) -> list[Measured]:
    """The mean at each place, from values [fact, place] of the facts of a sample."""
    found = sample.mean_intervals(values, confidence, seed)
    where = "" if sample.wording is None else f", template {sample.wording!r}"
    sides = np.stack([found.mean, found.low, found.high], axis=-1).reshape(-1, 3).tolist()
    counted = [found.counts[i] for i in np.ravel(found.by)]
    return [
        Measured(Estimate(mean, low, high, f"{place}{where}"), *units)
        for (mean, low, high), place, units in zip(sides, places, counted, strict=True)
    ]
