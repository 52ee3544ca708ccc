"""Is a discrete finding that flipped decided by noise? A pure function over JSON results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import getitem
from typing import Any

import numpy as np

from pytest_interp.results.base import Decision, Floats


def sole_largest(values: Floats) -> int | None:
    """The flat index of the largest number; None where another is level, or one is not finite."""
    if not np.isfinite(values).all() or (values == values.max(initial=-np.inf)).sum() != 1:
        return None
    return int(values.argmax())


def deciding_moves(
    path: tuple[str | int, ...],
    decision: Decision,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
) -> list[tuple[str, float, float]]:
    """The numbers that decide a finding, in two results.

    A flip is noise where there are such numbers, and each moved within its tolerance.

    Args:
        path: keys and indices from the top of the JSON down to the finding, as
            ``("top_token", 3)``.
        decision: what decides this finding.
        old: a result as JSON.
        new: the other one.

    Returns:
        For each number the top-level field whose tolerance counts, the old and the new value.
        Empty where the numbers differ in shape, or are not finite.
    """
    if not all(path[0] in side for side in (old, new)):
        return []  # what is new or gone did not flip
    names = decision.by.split(".")
    try:
        a, b = (_numbers(side, names, path[1:]) for side in (old, new))
    except (KeyError, IndexError, TypeError, ValueError, OverflowError):
        return []
    if a.shape != b.shape or not np.isfinite([a, b]).all():
        return []
    if decision.how == "lead":
        # what led by one number trails by the other now
        return [(names[0], float(a), -float(b))] if a.ndim == 0 else []
    if decision.how == "sign":
        where = np.flatnonzero((a > 0) != (b > 0)).tolist()  # level with the best is not on top
    else:
        extreme = np.argmax if decision.how == "largest" else np.argmin
        where = [int(extreme(side)) for side in (a, b) if side.size]
    return [(names[0], float(a.flat[i]), float(b.flat[i])) for i in where]


def _numbers(result: Any, names: list[str], keys: tuple[str | int, ...]) -> Floats:
    """The numbers that belong to one finding: an array of any shape, or a single number."""
    found: Any = reduce(getitem, names, result)
    for key in keys:
        if not isinstance(found, list if isinstance(key, int) else dict):
            break  # the key leads to a part of one finding, as the layer of a peak
        below: Any = found
        found = below[key]
    return np.array(found, dtype=np.float64)
