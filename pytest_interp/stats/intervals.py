"""Confidence intervals of means over units that are not independent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pytest_interp.stats.clusters import Floats, Names, cells, clusters
from pytest_interp.stats.quantiles import student

RESAMPLES = 1999
"""Bootstrap resamples and permutations: enough for p-values down to 0.0005."""
SMALLEST_ERROR = 0.5
"""Least standard error of a resample, as a share of the sample's own: a resample that misses the
one outlying fact would otherwise make the interval arbitrarily long."""
BLOCK = 2**21
"""Numbers that one block of resamples holds."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Means with a two-sided confidence interval each; the arrays share one shape."""

    mean: Floats
    low: Floats
    high: Floats
    by: npt.NDArray[np.int64]
    """Which way of counting decides: an index of ``counts``."""
    counts: tuple[tuple[str, int], ...]
    """What was counted, and how many there are: facts, each way, and both ways together, of which
    the scarcer counts."""


class _Reach(NamedTuple):
    """How far an interval reaches by one way of counting; all of shape [column]."""

    variance: Floats
    above: Floats
    below: Floats
    skew: tuple[Floats, Floats]
    """How much further than Student's, above and below."""


def mean_intervals(
    values: npt.ArrayLike,
    shared: Mapping[str, Sequence[Names]] | None = None,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Confidence interval of the mean of every column, over units that share things.

    Units are clustered in several ways at once (Cameron, Gelbach and Miller 2011), and one may
    belong to several clusters of one way, as a fact that sets two entities against one another
    (Aronow, Samii and Assenova 2015). By each way the standard error is the jackknife's (CR3: Bell
    and McCaffrey 2002): all units that touch a cluster are left out together. It counts a unit once
    for each of its clusters, so that it is too large, by up to the root of two for pairs, where
    units are independent in truth. On each side the interval is the widest of:

    - by the units and by each way: the wider of Student's, with one degree of freedom less than
      there are clusters (too short where values are skewed), and the studentized bootstrap of whole
      clusters (Efron and Tibshirani 1993, ch. 12.5; too short where clusters are few);
    - by all ways together: variances are added, less that of the clusters in both; the degrees of
      freedom are those of a sum (Satterthwaite 1946), and the skew is the largest found by one way.

    Args:
        values: [unit, ...]; units are facts.
        shared: ways of clustering by name, at most two: for each unit what it may share with
            others. A way in which no two units differ, or none share
            anything, takes no part.
        confidence: confidence of the two-sided interval.
        resamples: number of bootstrap resamples.
        seed: seed of the resamples, which are the same for every column.

    Returns:
        Arrays of the shape of one unit. With a single unit, the interval is that value alone.
    """
    data = np.asarray(values, dtype=float)
    flat, shape = data.reshape(len(data), -1), data.shape[1:]
    mean = flat.mean(0)
    ways = {name: clusters(way) for name, way in (shared or {}).items()}
    # clusters of one unit each are the units
    ways = {name: way for name, way in ways.items() if way.size and way.sum(0).max() > 1}
    ways = {"facts": np.eye(len(data))} | ways
    counts = [(name, way.shape[1]) for name, way in ways.items()]
    if len(data) == 1:
        reaches = [_Reach(*(np.zeros_like(mean),) * 3, skew=(mean, mean))]
    else:
        tail, rng = (1 - confidence) / 2, np.random.default_rng(seed)
        reaches = [_reach(flat, mean, way, tail, resamples, rng) for way in ways.values()]
    if len(ways) > 2:
        counts.append((" and ".join(list(ways)[1:]), min(n for _, n in counts[1:])))
        shares = cells(*list(ways.values())[1:])
        reaches.append(_together(reaches, counts, _variance(flat, mean, shares), tail))
    above = np.stack([reach.above for reach in reaches])
    below = np.stack([reach.below for reach in reaches])
    by = np.maximum(above, below).argmax(0)
    sides = (mean, mean - below.max(0), mean + above.max(0))
    mean, low, high = (side.reshape(shape) for side in sides)
    return Intervals(mean, low, high, by.reshape(shape), tuple(counts))


def units_needed(reach: float, units: int, wanted: float, confidence: float = 0.95) -> int | None:
    """How many units like these an interval needs, to reach no further than wanted from its mean.

    By Student's interval. None where more than 10,000 would be needed, or where no number helps.

    Args:
        reach: of the interval as it is.
        units: how many there are.
        wanted: distance of the mean from the limit.
        confidence: of the interval.
    """
    if units < 2 or not wanted > 0:
        return None
    more = np.arange(units, 10_001)
    factors = student((1 + confidence) / 2, more - 1)
    enough = reach * (factors / factors[0]) * np.sqrt(units / more) <= wanted
    return int(more[enough.argmax()]) if enough.any() else None


def _reach(
    data: Floats, mean: Floats, way: Floats, tail: float, resamples: int, rng: np.random.Generator
) -> _Reach:
    """By one way: Student's interval and the studentized bootstrap of data [unit, column]."""
    variance, n_clusters = _variance(data, mean, way), way.shape[1]
    found = np.concatenate(
        [
            _studentized(
                data, way, rng.multinomial(n_clusters, np.full(n_clusters, 1 / n_clusters), n)
            )
            for n in _blocks(resamples, max(n_clusters, data.shape[1]))
        ]
    )
    # the mean of resamples lies off by as much as the mean of the sample lies off from the truth
    t_low, t_high = np.quantile(found, [tail, 1 - tail], axis=0)
    factor, error = student(1 - tail, n_clusters - 1), np.sqrt(variance)
    above, below = np.maximum(-t_low, factor), np.maximum(t_high, factor)
    return _Reach(variance, error * above, error * below, (above / factor, below / factor))


def _together(
    reaches: Sequence[_Reach], counts: Sequence[tuple[str, int]], both: Floats, tail: float
) -> _Reach:
    """By two ways at once, less the variance of what is in both."""
    parts = np.stack([reach.variance for reach in reaches[1:]])
    degrees = np.array([n - 1 for _, n in counts[1 : 1 + len(parts)]])[:, None]
    whole = parts.sum(0)
    spread = (parts**2 / degrees).sum(0)
    joint = np.divide(whole**2, spread, out=np.ones_like(whole), where=spread > 0)
    variance = np.maximum(whole - both, 0)
    error = np.sqrt(variance) * student(1 - tail, joint)
    above, below = (np.max([reach.skew[side] for reach in reaches[1:]], 0) for side in (0, 1))
    return _Reach(variance, error * above, error * below, (above, below))


def _variance(data: Floats, mean: Floats, way: Floats) -> Floats:
    """Variance of the mean [column]: how far it moves as each cluster is left out."""
    sums, counts = _sums(data - mean, way)
    moved = sums / (len(data) - counts)[:, None]
    variance: Floats = (moved**2).sum(0)
    return variance


def _sums(data: Floats, way: Floats) -> tuple[Floats, Floats]:
    """Data [unit, column] as sums [cluster, column] and counts [cluster]."""
    return way.T @ data, way.sum(0)


def _studentized(data: Floats, way: Floats, drawn: npt.NDArray[np.int64]) -> Floats:
    """How many standard errors the mean of each resample lies off [resample, column].

    A resample draws whole clusters, ``drawn`` [resample, cluster] times each, as if they shared no
    unit: the sum of what clusters add is divided by its own root mean square.
    """
    sums, counts = _sums(data, way)
    centre = sums.sum(0) / counts.sum()
    sums = sums - centre * counts[:, None]
    total = drawn @ counts
    off = drawn @ sums / total[:, None]
    # the sum over clusters of ((sum - off * count) / (total - count)) ** 2, as matrix products
    share = np.zeros(drawn.shape)
    np.divide(drawn, (total[:, None] - counts) ** 2, out=share, where=drawn > 0)
    squares = share @ sums**2 - 2 * off * (share @ (sums * counts[:, None]))
    squares += off**2 * (share @ counts**2)[:, None]
    whole = np.sqrt(((sums / (counts.sum() - counts)[:, None]) ** 2).sum(0))
    floor = np.maximum(SMALLEST_ERROR * whole, 1e-12)
    found: Floats = off / np.maximum(np.sqrt(np.maximum(squares, 0)), floor)
    return found


def _blocks(resamples: int, width: int) -> list[int]:
    """Numbers of resamples to draw at once, so that memory is bounded."""
    size = max(1, min(resamples, BLOCK // width))
    return [size] * (resamples // size) + ([resamples % size] if resamples % size else [])
