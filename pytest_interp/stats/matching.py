"""Pairs of units that resemble one another in a number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pairs = npt.NDArray[np.int64]


def matched_pairs(first: npt.ArrayLike, second: npt.ArrayLike, caliper: float) -> Pairs:
    """As many one-to-one pairs as possible whose numbers are near, and of these the nearest.

    Optimal matching without replacement, within a caliper (Rosenbaum 1989; Austin 2011 on calipers
    of 0.2 standard deviations).

    Args:
        first: a number for each unit of one class.
        second: of the other.
        caliper: largest difference within a pair, in standard deviations of all numbers.

    Returns:
        Indices into both [pair, 2].
    """
    from scipy.optimize import linear_sum_assignment

    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not a.size or not b.size:
        return np.empty((0, 2), dtype=np.int64)
    gaps = np.abs(a[:, None] - b[None, :])
    near = gaps <= caliper * np.concatenate([a, b]).std()
    # a pair that is too far costs more than any choice among those that are near
    cost = np.where(near, gaps, (gaps.max() + 1) * (1 + min(len(a), len(b))))
    rows, columns = linear_sum_assignment(cost)
    kept = near[rows, columns]
    return np.stack([rows[kept], columns[kept]], axis=1)
