"""Other tokens to cut than those of a claim: what the control of a knock-out cuts."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

MOST_TRIES = 200
"""Draws for all sets of a prompt: many are the same again where it has few other tokens."""


def other_keys(
    queries: Sequence[int], keys: Collection[int], n: int, rng: np.random.Generator
) -> tuple[tuple[int, ...], ...]:
    """Up to ``n`` different sets of as many other tokens that the same queries could look at.

    None of them takes from a query all that it could look at. There are fewer, or none, where the
    prompt has no more. Fewer sets are the first of more.

    Args:
        queries: positions of the tokens that look.
        keys: positions that are cut; those after the last query are seen by none, and not counted.
        n: how many sets.
        rng: draws them.
    """
    seen = range(max(queries) + 1)
    others = [position for position in seen if position not in keys]
    count = len(seen) - len(others)
    found: dict[tuple[int, ...], None] = {}
    if len(others) < count:
        return ()
    for _ in range(MOST_TRIES if n else 0):
        drawn = tuple(sorted(rng.choice(others, count, replace=False).tolist()))
        if all(set(range(query + 1)) - set(drawn) for query in queries):
            found[drawn] = None
        if len(found) == n:
            break
    return tuple(found)
