"""Heads of a map, by their names."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_interp.adapters.components import Component
from pytest_interp.errors import ClaimError, ExperimentError


def head_in(head: Component | str, layers: Sequence[int], n_heads: int) -> tuple[int, int]:
    """Row and column of a head in a map [layer, head].

    Raises:
        ClaimError: it is no head, or one that the model lacks or that was not read.
    """
    there = f"the layers {layers[0]} to {layers[-1]} were read, with heads 0 to {n_heads - 1}"
    try:
        asked = Component.of(head)
    except ExperimentError as error:
        raise ClaimError(f"{error}. A head is written as 'head.9.6'; {there}") from error
    if asked.kind != "head" or asked.layer is None or asked.index is None:
        raise ClaimError(f"{head!s} is no head: write its layer and its number, as 'head.9.6'")
    if asked.layer not in layers or asked.index >= n_heads:
        raise ClaimError(f"there is no {asked}: {there}")
    return list(layers).index(asked.layer), asked.index
