"""The sweep: every cell of a [layer x position] map, each a patch of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site, SiteKind
from pytest_interp.experiments.growing import Measure
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.patches import Part, patched

Cell = tuple[int, int]
"""A layer and a position."""


@dataclass(frozen=True)
class Sweep:
    """Measured values: ``source`` and ``base`` [pair, ...], ``patched`` [layer, pos, pair, ...]."""

    source: Tensor
    base: Tensor
    patched: Tensor


def sweep(
    adapter: ModelAdapter,
    pairs: Pairs,
    kind: SiteKind,
    layers: Sequence[int],
    first_position: int,
    metric: Measure,
    max_rows: int | None = None,
    window: int = 1,
) -> Sweep:
    """Patch ``kind`` at every layer and position, one cell per run, source into base.

    Cells that cannot matter are not computed and get the value of the base run: positions before
    ``first_position``, where the runs do not differ yet; and, at the last block, all positions but
    the last where only later blocks could read the site from there.

    Args:
        adapter: the model.
        pairs: the runs, each with a source.
        kind: kind of site, one that can be traced.
        layers: layers to patch, ascending.
        first_position: the first position at which source and base can differ.
        metric: what is measured at the last position: one value per row, or several.
        max_rows: most rows of one pass, at least
            :data:`pytest_interp.experiments.patches.FEWEST_ROWS`. Memory sets the default.
        window: layers around each that are patched together.
    """
    n = pairs.n_positions
    cells = _cells_that_matter(adapter, kind, layers, first_position, n, window)
    found = patched(
        adapter,
        pairs,
        [
            tuple(Part(Site(kind, n), (position,)) for n in _around(adapter, layer, window))
            for layer, position in cells
        ],
        metric,
        n_shared=first_position,
        max_rows=max_rows,
        what=f"patching {kind}",
    )
    assert found.source is not None
    swept = found.base.expand(len(layers), n, *found.base.shape).clone()
    for (layer, position), value in zip(cells, found.patched, strict=True):
        swept[layers.index(layer), position] = value
    return Sweep(found.source, found.base, swept)


def _around(adapter: ModelAdapter, layer: int, window: int) -> range:
    """The layers of a window; the centre of one of an even size is its upper half's first."""
    start = layer - window // 2
    return range(max(start, 0), min(start + window, adapter.n_layers))


def _cells_that_matter(
    adapter: ModelAdapter,
    kind: SiteKind,
    layers: Sequence[int],
    first: int,
    n_positions: int,
    window: int,
) -> list[Cell]:
    # what enters the last block is still read by its attention; what it adds stays in its column
    only_last = adapter.n_layers - 1 if kind.stays_in_column and window == 1 else None
    return [
        (layer, position)
        for layer in layers
        for position in range(n_positions - 1 if layer == only_last else first, n_positions)
    ]
