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
    chosen = tuple(sorted(set(layers)))
    outside = [layer for layer in chosen if not 0 <= layer < adapter.n_layers]
    if outside or not chosen:
        raise ExperimentError(
            f"layers {outside or list(chosen)} cannot be used: {adapter.name} has layers 0 to "
            f"{adapter.n_layers - 1}",
            about="layers",
        )
    return chosen
