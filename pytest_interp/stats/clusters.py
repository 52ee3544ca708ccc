"""Which units share something, in one way: facts an entity, or a template."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Names = Collection[Hashable]
"""What one unit may share with others: the entities of a fact, or its template."""


def clusters(shared: Sequence[Names]) -> Floats:
    """Clusters of units [unit, cluster]: 1 for a member. A unit may be in several.

    A name that all units have says nothing of how they differ and makes no cluster. A cluster
    within another adds nothing to it: an entity whose facts all share another entity too. Units
    that are left without a name of their own form one cluster.

    Returns:
        At least two columns, or none where no two units are told apart.
    """
    units: dict[Hashable, set[int]] = {}
    for i, names in enumerate(shared):
        for name in names:
            units.setdefault(name, set()).add(i)
    own = {frozenset(members) for members in units.values() if len(members) < len(shared)}
    found = [one for one in own if not any(one < other for other in own)]
    found += [rest] if (rest := frozenset(range(len(shared))).difference(*found)) else []
    if len(found) < 2:
        return np.zeros((len(shared), 0))
    found.sort(key=sorted)
    return np.array([[float(i in one) for one in found] for i in range(len(shared))])


def cells(first: Floats, second: Floats) -> Floats:
    """Clusters of units that share something in both ways [unit, cluster]."""
    both = (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)
    kept: Floats = both[:, both.any(0)]
    return kept
