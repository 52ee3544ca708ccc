"""Intervals of means, permutation p-values and divergences, by SciPy and NumPy. No torch here."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import cast

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

    On each side the wider of two intervals, both with the jackknife standard error of clusters
    (CR3: Bell and McCaffrey 2002; Cameron, Gelbach and Miller 2008): Student's with one degree of
    freedom less than there are clusters, which is too short where values are skewed, and the
    studentized bootstrap of whole clusters (Efron and Tibshirani 1993, ch. 12.5), which is too
    short where clusters are few.

    Args:
        values: [unit, ...]; units are facts.
        clusters: the cluster of each unit; without it, or with only one, every unit is its own.
        confidence: confidence of the two-sided interval.
        resamples: number of bootstrap resamples.
        seed: seed of the resamples, which are the same for every column.

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

    def studentized(total: Floats, count: Floats, axis: int = -1) -> Floats:
        centre = total.sum(axis) / count.sum(axis)
        spread = _standard_error(total, count, centre)
        floor = np.maximum(SMALLEST_ERROR * error, 1e-12)
        off = centre - _like(mean, centre)
        return cast(Floats, off / np.maximum(spread, _like(floor, centre)))

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
    tail = (1 - confidence) / 2
    t_low, t_high = np.quantile(found, [tail, 1 - tail], axis=-1)
    student = stats.t.ppf(1 - tail, n - 1)
    low = mean - np.maximum(t_high, student) * error
    high = mean - np.minimum(t_low, -student) * error
    return Intervals(*(side.reshape(data.shape[1:]) for side in (mean, low, high)))


SMALLEST_ERROR = 0.5
"""Least standard error of a resample, as a share of the sample's own: a resample that misses the
one outlying fact would otherwise make the interval arbitrarily long."""


def _by_cluster(data: Floats, clusters: Sequence[Hashable] | None) -> tuple[Floats, Floats]:
    """Values [unit, column] as sums [column, cluster] and counts [cluster].

    Units themselves where there are fewer than two clusters.
    """
    names = list(dict.fromkeys(clusters)) if clusters is not None else []
    if len(names) < 2 or clusters is None:
        return data.T, np.ones(len(data))
    member = np.array([[c == name for c in clusters] for name in names], dtype=float)
    return data.T @ member.T, member.sum(1)


def _standard_error(sums: Floats, counts: Floats, mean: Floats) -> Floats:
    """Standard error of the mean: how far it moves as each cluster is left out.

    Sums and counts [..., cluster] and means [...] to errors [...]; ``...`` are columns, resamples
    or both, and counts may lack columns.
    """
    total = counts.sum(-1)
    moved = (sums - mean[..., None] * counts) / (total[..., None] - counts)
    return cast(Floats, np.sqrt((moved**2).sum(-1)))


def _like(column: Floats, resampled: Floats) -> Floats:
    """Values [column] to [column, 1] where the resampled ones are [column, resample]."""
    return column if resampled.ndim == column.ndim else column[:, None]


def region_p_value(
    maps: npt.ArrayLike,
    layers: Sequence[int],
    column: int,
    permutations: int = RESAMPLES,
    seed: int = 0,
) -> float:
    """How often a region of this size would do as well if the facts shared no place.

    The statistic is the mean effect over facts inside the region: some layers of one column.
    Under the null hypothesis the effects of each fact sit at a place of their own, independently
    of the other facts. A permutation shifts the map of each fact by a random number of layers, in
    a circle, and permutes its columns: neighbouring layers stay neighbours, since their effects
    resemble one another. Each permutation gives the best of *all* contiguous regions of that
    height in all columns, so that the value is corrected for every region that could have been
    picked (maxT, Westfall and Young 1993).

    A small value says that the facts agree on the place. It does not say that the place stands
    out in the map of one fact, nor that it has to do with what is asked: whatever all facts share
    is found. With one fact there is nothing to agree on and the value says nothing.

    Args:
        maps: effects [fact, layer, column]; a column with NaN is one that the fact does not have.
        layers: indices of the region's layers.
        column: index of the region's column.
        permutations: number of permutations.
        seed: seed of the permutations.

    Returns:
        (1 + number of permutations at least as good) / (1 + permutations); 1 where the region has
        no effect in any fact.
    """
    data = np.asarray(maps, dtype=float)
    there = np.isfinite(data).all(axis=1)  # which columns each fact has [fact, column]
    n_layers, n_columns = data.shape[1:]
    if not there[:, column].any():
        return 1.0
    n_facts = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there[:, None], data, 0.0).sum(axis=0) / n_facts
    observed = mean[list(layers), column].mean()
    rng = np.random.default_rng(seed)
    total = np.zeros((permutations, n_layers, n_columns))
    for one, has in zip(data, there, strict=True):
        own = np.flatnonzero(has)
        shifts = rng.integers(n_layers, size=(permutations, 1))
        rows = (np.arange(n_layers) + shifts) % n_layers
        columns = rng.permuted(np.tile(own, (permutations, 1)), axis=1)
        total[:, :, own] += one[rows[:, :, None], columns[:, None, :]]
    best = _region_means(total / n_facts, len(layers)).max(axis=(1, 2))
    # rounding must not make a permutation that equals the observation lose to it
    beaten = int((best >= observed - 1e-9).sum())
    return (1 + beaten) / (1 + permutations)


def _region_means(means: Floats, height: int) -> Floats:
    """Means [..., layer, column] to those of all contiguous regions [..., first layer, column]."""
    sums = np.insert(means.cumsum(-2), 0, 0.0, axis=-2)
    return cast(Floats, (sums[..., height:, :] - sums[..., :-height, :]) / height)


def kl_divergence(first: Floats, second: Floats) -> Floats:
    """Kullback-Leibler divergence of next-token distributions, in nats; 0 where they are equal.

    Logits [..., vocabulary] to sum over the vocabulary of p * (log p - log q) [...].
    """
    from scipy.special import log_softmax

    p, q = log_softmax(first, axis=-1), log_softmax(second, axis=-1)
    # scipy.special.rel_entr takes probabilities, and is infinite where a tiny q is rounded to 0;
    # rounding can leave a divergence of zero slightly negative
    return cast(Floats, np.maximum((np.exp(p) * (p - q)).sum(-1), 0.0))
