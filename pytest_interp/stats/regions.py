"""A permutation p-value: do the facts agree on a place?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt

from pytest_interp.stats.clusters import Floats
from pytest_interp.stats.intervals import RESAMPLES


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
