"""How well numbers tell two classes apart: the area under the ROC curve, with its interval.

The area (AUROC) is the share of pairs, one prompt of each class, in which the first class has the
larger number; a tie counts one half. 0.5 is chance, 1 is perfect. No torch here.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import cast

import numpy as np
import numpy.typing as npt

from pytest_interp.errors import ClaimError
from pytest_interp.stats.quantiles import normal, student

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Areas:
    """Areas with a two-sided confidence interval each; the arrays share one shape."""

    area: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Units:
    """Which prompts are of the first class, and which group each belongs to.

    Raises:
        ClaimError: a class has fewer than two groups, which leaves no interval.
    """

    first: Bools
    """Whether a prompt is of the first class [prompt]."""
    groups: tuple[Hashable, ...]
    """Prompts of one group are not independent."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", np.asarray(self.first, dtype=bool))
        if len(self.groups) != len(self.first):
            raise ClaimError(f"{len(self.groups)} groups for {len(self.first)} prompts: one each")
        if min(self.n_groups) < 2:
            counts = " and ".join(map(str, self.n_groups))
            raise ClaimError(
                f"the two classes have {counts} groups: an interval needs two of each at least"
            )

    @property
    def n_groups(self) -> tuple[int, int]:
        """Groups with a prompt of the first class, and with one of the second."""
        pairs = list(zip(self.groups, self.first.tolist(), strict=True))
        return len({g for g, one in pairs if one}), len({g for g, one in pairs if not one})

    @property
    def members(self) -> Floats:
        """1 where a prompt is of a group [group, prompt]."""
        names = dict.fromkeys(self.groups)
        return np.array([[g == name for g in self.groups] for name in names], dtype=float)


def area(scores: npt.ArrayLike, first: npt.ArrayLike) -> Floats:
    """The area of each row of scores.

    Args:
        scores: [..., prompt].
        first: whether a prompt is of the first class [prompt].

    Returns:
        [...]; NaN where a score of the row is not a number.
    """
    return cast(Floats, _placements(scores, first)[0].mean(-1))


def areas(scores: npt.ArrayLike, units: Units, confidence: float = 0.95) -> Areas:
    """The area of each row with its interval, the wider on each side of two.

    One is the Wald interval with the variance of clustered placements (DeLong, DeLong and
    Clarke-Pearson 1988; for groups: Obuchowski 1997) and Student's t. It has no width where the
    classes are parted without a mistake. The other is the score interval of Newcombe (2006, method
    5) for as many independent prompts as there are groups, which has.

    Args:
        scores: [..., prompt].
        units: the classes and the groups.
        confidence: of the two-sided interval.

    Returns:
        Arrays [...], clipped to 0 .. 1; NaN where a score of the row is not a number.
    """
    above, below = _placements(scores, units.first)
    found = np.asarray(above.mean(-1))
    error = np.sqrt(_variance(above, below, units))
    wald = _student(units, confidence) * error
    low, high = _newcombe(found, units.n_groups, confidence)
    return Areas(
        found,
        np.clip(np.fmin(found - wald, low), 0.0, 1.0) + 0 * found,
        np.clip(np.fmax(found + wald, high), 0.0, 1.0) + 0 * found,
    )


def area_differences(
    scores: npt.ArrayLike, baseline: npt.ArrayLike, units: Units, confidence: float = 0.95
) -> Areas:
    """By how much the area of the scores exceeds that of a baseline on the same prompts.

    The wider on each side of two intervals: that of the paired placements (DeLong et al. 1988,
    Obuchowski 1997), and the one that is joined from the two single intervals as if they were
    independent (Zou and Donner 2008), which has a width where both areas are perfect.

    Args:
        scores: [..., prompt].
        baseline: [..., prompt], of the same shape or one that broadcasts to it.
        units: the classes and the groups.
        confidence: of the two-sided interval.
    """
    one, other = np.broadcast_arrays(np.asarray(scores, float), np.asarray(baseline, float))
    parts = [_placements(side, units.first) for side in (one, other)]
    above, below = (mine - theirs for mine, theirs in zip(*parts, strict=True))
    difference = np.asarray(above.mean(-1))
    wald = _student(units, confidence) * np.sqrt(_variance(above, below, units))
    a, b = (areas(side, units, confidence) for side in (one, other))
    down = np.hypot(a.area - a.low, b.high - b.area)
    up = np.hypot(a.high - a.area, b.area - b.low)
    return Areas(difference, difference - np.maximum(wald, down), difference + np.maximum(wald, up))


def _placements(scores: npt.ArrayLike, first: npt.ArrayLike) -> tuple[Floats, Floats]:
    """For each prompt of the first class the share of the second that it exceeds, and reversely.

    [..., first prompts] and [..., second prompts]; both have the area as their mean.
    """
    values, is_first = np.asarray(scores, dtype=float), np.asarray(first, dtype=bool)
    gaps = values[..., is_first][..., :, None] - values[..., ~is_first][..., None, :]
    won = np.where(np.isnan(gaps), np.nan, (gaps > 0) + 0.5 * (gaps == 0))
    return won.mean(-1), won.mean(-2)


def _variance(above: Floats, below: Floats, units: Units) -> Floats:
    """Variance of an area [...] from its placements, groups being the units."""
    members = units.members
    total = np.zeros((*above.shape[:-1], len(members)))
    for placed, chosen in ((above, units.first), (below, ~units.first)):
        centred = placed - placed.mean(-1, keepdims=True)
        total += centred @ members[:, chosen].T / placed.shape[-1]
    n = len(members)
    return cast(Floats, (total**2).sum(-1) * n / (n - 1))


def _student(units: Units, confidence: float) -> float:
    return float(student((1 + confidence) / 2, min(units.n_groups) - 1))


def _newcombe(found: Floats, counts: tuple[int, int], confidence: float) -> tuple[Floats, Floats]:
    """The areas that the found one is not significantly off from, by bisection on each side."""
    m, n = counts
    z = normal((1 + confidence) / 2)
    middle = (m + n) / 2 - 1

    def off(theta: Floats) -> Floats:
        spread = 1 + middle * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        return cast(
            Floats, np.abs(found - theta) - z * np.sqrt(theta * (1 - theta) * spread / (m * n))
        )

    sides = []
    for end in (0.0, 1.0):
        outer, inner = np.full_like(found, end), found.copy()
        for _ in range(60):
            centre = (outer + inner) / 2
            outside = off(centre) > 0
            outer, inner = np.where(outside, centre, outer), np.where(outside, inner, centre)
        sides.append(inner)
    return sides[0], sides[1]
