"""Which layers an experiment reads."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import ExperimentError


def layers_of(adapter: ModelAdapter, layers: Iterable[int] | None) -> tuple[int, ...]:
    """The asked layers, ascending and without repeats; all of them for None.

    Raises:
        ExperimentError: a layer that the model lacks, or none at all.
    """
    if layers is None:
        return tuple(range(adapter.n_layers))
    chosen: set[int] = set()
    there = f"{adapter.name} has layers 0 to {adapter.n_layers - 1}"
    for layer in layers:  # not all at once: a range may be longer than memory
        if not 0 <= layer < adapter.n_layers:
            raise ExperimentError(f"layer {layer} cannot be used: {there}", about="layers")
        chosen.add(layer)
    if not chosen:
        raise ExperimentError(f"layers is empty: name one or more, {there}", about="layers")
    return tuple(sorted(chosen))
