"""Intervals of means and permutation p-values, by SciPy and NumPy. No torch here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
RESAMPLES = 1999
"""Bootstrap resamples and permutations: enough for p-values down to 0.0005."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Means with a two-sided confidence interval each; the arrays share one shape."""

    mean: Floats
    low: Floats
    high: Floats


def mean_intervals(
    values: npt.ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Intervals:
    """Confidence interval of the mean of every column.

    Studentized bootstrap (Efron and Tibshirani 1993, ch. 12.5), which keeps its coverage on few
    and skewed values where the percentile and BCa intervals are too short. Where there are at
    least two clusters, whole clusters are resampled and the standard error is that of clusters.

    Args:
        values: [unit, ...]; units are facts.
        clusters: the cluster of each unit; without it every unit is its own.
        confidence: of the two-sided interval.
        resamples: number of bootstrap resamples.
        seed: of the resampling; the same resamples for every column.

    Returns:
        Arrays of the shape of one unit. With a single unit, the interval is that value alone.
    """
    data = np.asarray(values, dtype=float)
    sums, counts = _by_cluster(data.reshape(len(data), -1), clusters)
    n = sums.shape[1]
    mean = sums.sum(1) / counts.sum()
    if n == 1:
        return Intervals(*(mean.reshape(data.shape[1:]) for _ in range(3)))
    from scipy import stats

    error = _standard_error(sums, counts, mean)
    tail = (1 - confidence) / 2
    shape = data.shape[1:]
    if n < FEWEST:
        reach = stats.t.ppf(1 - tail, n - 1) * error
        return Intervals(*((mean + s * reach).reshape(shape) for s in (0, -1, 1)))

    def studentized(total: Floats, count: Floats, axis: int = -1) -> Floats:
        centre = total.sum(axis) / count.sum(axis)
        spread = _standard_error(total, count, centre)
        floor = np.maximum(SMALLEST_ERROR * error, 1e-12)
        result: Floats = (centre - _like(mean, centre)) / np.maximum(spread, _like(floor, centre))
        return result

    found = stats.bootstrap(
        (sums, np.broadcast_to(counts, sums.shape)),
        studentized,
        paired=True,
        vectorized=True,
        axis=-1,
        n_resamples=resamples,
        method="percentile",
        batch=200,
        rng=np.random.default_rng(seed),
    ).bootstrap_distribution
    t_low, t_high = np.quantile(found, [tail, 1 - tail], axis=-1)
    return Intervals(
        mean.reshape(shape),
        (mean - t_high * error).reshape(shape),
        (mean - t_low * error).reshape(shape),
    )


FEWEST = 8
"""With fewer units or clusters a bootstrap has too few distinct resamples; the interval is then
Student's, with one degree of freedom less than there are units."""
SMALLEST_ERROR = 0.5
"""Standard errors of resamples are not let below this share of the sample's own: a resample that
misses the one outlying fact would otherwise make the interval arbitrarily long."""


def _by_cluster(data: Floats, clusters: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """Sums [column, cluster] and counts [cluster]; units themselves when clusters are no help."""
    names = list(dict.fromkeys(clusters)) if clusters is not None else []
    if len(names) < 2 or clusters is None:
        return data.T, np.ones(len(data))
    member = np.array([[c == name for c in clusters] for name in names], dtype=float)
    return data.T @ member.T, member.sum(1)


def _standard_error(sums: Floats, counts: Floats, mean: Floats) -> Floats:
    """Of a ratio of sums, by linearization; for single units the usual one of a mean."""
    n = sums.shape[-1]
    rest = sums - mean[..., None] * counts
    error: Floats = np.sqrt(n / (n - 1) * (rest**2).sum(-1)) / counts.sum(-1)
    return error


def _like(column: Floats, resampled: Floats) -> Floats:
    """Give values of columns the trailing axis of resamples."""
    return column if resampled.ndim == column.ndim else column[:, None]


def region_p_value(
    maps: npt.ArrayLike,
    layers: Sequence[int],
    column: int,
    permutations: int = RESAMPLES,
    seed: int = 0,
) -> float:
    """How often a region of this size would do as well if effects sat at random cells.

    The statistic is the mean effect over facts inside the region: some layers of one column.
    Under the null hypothesis the cells of each fact's map are exchangeable. Each permutation
    gives the best of *all* contiguous regions of that height in all columns, so that the value
    is corrected for every region that could have been picked (maxT, Westfall and Young 1993).

    Args:
        maps: effects [fact, layer, column]; NaN marks cells that a fact does not have.
        layers: indices of the region's layers.
        column: index of the region's column.
        permutations: number of permutations.
        seed: of the permutations.

    Returns:
        (1 + number of permutations at least as good) / (1 + permutations).
    """
    data = np.asarray(maps, dtype=float)
    n_layers, n_columns = data.shape[1:]
    height = len(layers)
    rng = np.random.default_rng(seed)
    observed = float(np.nanmean(data, axis=0)[list(layers), column].mean())
    there = [~np.isnan(one).ravel() for one in data]
    filled = [one.ravel()[mask] for one, mask in zip(data, there, strict=True)]
    count = np.maximum(np.sum(there, axis=0), 1)
    total = np.zeros((permutations, n_layers * n_columns))
    for mask, cells in zip(there, filled, strict=True):
        total[:, mask] += rng.permuted(np.tile(cells, (permutations, 1)), axis=1)
    means = (total / count).reshape(permutations, n_layers, n_columns)
    sums = np.concatenate([np.zeros((permutations, 1, n_columns)), means.cumsum(1)], axis=1)
    best = (sums[:, height:] - sums[:, :-height]).max(axis=(1, 2)) / height
    # rounding must not make a permutation that equals the observation lose to it
    beaten = int((best >= observed - 1e-9).sum())
    return (1 + beaten) / (1 + permutations)
