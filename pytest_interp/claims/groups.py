"""Means over groups of prompts, and what a claim needs of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from pytest_interp.claims.terms import number
from pytest_interp.claims.verdict import Estimate, Status
from pytest_interp.errors import ClaimError
from pytest_interp.results.base import Floats
from pytest_interp.results.control import Control
from pytest_interp.stats import mean_intervals
from pytest_interp.stats.separation import Bools

FEWEST_GROUPS = 4
"""Independent groups of prompts below which an interval says nothing."""


@dataclass(frozen=True)
class Needed:
    """One number, and the side of a limit on which its whole interval has to lie."""

    estimate: Estimate
    limit: float
    side: Literal["at least", "at most"] = "at least"

    @property
    def margin(self) -> float:
        """Distance of the deciding bound from the limit; negative on the wrong side."""
        if self.side == "at least":
            return self.estimate.low - self.limit
        return self.limit - self.estimate.high

    @property
    def false(self) -> bool:
        """Whether the whole interval lies on the wrong side."""
        if self.side == "at least":
            return self.estimate.high < self.limit
        return self.estimate.low > self.limit

    def __str__(self) -> str:
        return f"{self.estimate.where}: {self.estimate}, claimed {self.side} {self.limit:.3g}"


def outcome(
    needed: Sequence[Needed], controls: Sequence[Control], passed: str
) -> tuple[Status, str]:
    """The three outcomes of a claim that needs several numbers, with its sentence."""
    # not "margin < 0", which an undefined margin is not either
    broken = [one for one in needed if not one.margin >= 0]
    if false := [one for one in broken if one.false]:
        return Status.FAILED, f"False: {false[0]}."
    if broken:
        said = f"The interval crosses the limit: {broken[0]}. Use more groups, or claim less."
        return Status.INCONCLUSIVE, said
    if wrong := [control.name for control in controls if not control.holds]:
        said = f"The numbers hold, but a control does not: {', '.join(wrong)}."
        return Status.INCONCLUSIVE, said
    return Status.PASSED, passed


def group_mean(
    values: Floats,
    groups: Sequence[Sequence[str]],
    name: str,
    confidence: float,
    seed: int = 0,
) -> Estimate:
    """The mean of values [unit] with its interval; units that share a group are not independent.

    Args:
        values: one number for each unit.
        groups: the groups of each unit.
        name: what the mean is of.
        confidence: of the interval.
        seed: of resampling.
    """
    found = mean_intervals(values, {"groups": groups}, confidence, seed=seed)
    return Estimate(float(found.mean), float(found.low), float(found.high), name)


def group_share(
    happened: Floats,
    groups: Sequence[Sequence[str]],
    name: str,
    confidence: float,
    seed: int = 0,
) -> Estimate:
    """The share of units to which something happened, with its interval.

    On each side the wider of :func:`group_mean` and Wilson's interval (1927) for as many
    independent units as there are groups, which has a width where it happened to all or to none.
    Arguments as for :func:`group_mean`.
    """
    found = group_mean(happened, groups, name, confidence, seed)
    n, p = len(set(groups)), found.value
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    low, high = min(found.low, middle - reach), max(found.high, middle + reach)
    return Estimate(p, float(max(0.0, low)), float(min(1.0, high)), name)


def groups_of(groups: Sequence[str], which: Bools) -> list[tuple[str]]:
    """The groups of the chosen units, as :func:`group_mean` takes them."""
    return [(group,) for group, one in zip(groups, which.tolist(), strict=True) if one]


def share(name: str, value: object) -> float:
    """A share from 0 to 1. Errors as for :func:`number`."""
    found = number(name, value)
    if not 0 <= found <= 1:
        raise ClaimError(f"{name}={value!r}: give a share from 0 to 1")
    return found


def attention_share(name: str, value: object) -> float:
    """A share of attention: above 0 and at most 1. Errors as for :func:`number`."""
    found = number(name, value)
    if not 0 < found <= 1:
        raise ClaimError(f"{name}={value!r}: give a share of attention above 0 and at most 1")
    return found


def positive(name: str, value: object) -> float:
    """A number above 0. Errors as for :func:`number`."""
    found = number(name, value)
    if found <= 0:
        raise ClaimError(f"{name}={value!r}: give a number above 0")
    return found


def require(given: object, kind: type[object], maker: str) -> None:
    """Raise unless a claim was given the result that it reads.

    Raises:
        ClaimError: it is of another kind; the message names what makes one.
    """
    if not isinstance(given, kind):
        raise ClaimError(f"expected what {maker} returns, got {type(given).__name__}")
