"""The sweep: every cell of a [layer x position] map in one growing forward pass.

The pass starts with two rows a pair: the source run and the base run. At each layer it appends
one copy of the base row for each cell to be patched there, with the source's activation in that
cell. A patched run so costs only the layers above its patch, and all of them share their matrix
products. It works because attention masks and position embeddings broadcast over the batch.

Inside a block the rows join at the block's input, as copies of the base row, and are patched at
the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.prefix import Prefix
from pytest_interp.adapters.sites import EMBED, RESID_PRE, Site, SiteKind
from pytest_interp.adapters.taps import Edit

Measure = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A metric, or one that gives several values per row [row, ...]."""

MEMORY_BUDGET = 1 << 30
"""Bytes of activations that one pass may hold at a time, roughly."""
ROWS_PER_PAIR = 8
"""Rows that a pass has room for, for each pair in it: two are the runs themselves, which every
pass runs again, so that three quarters of the work are cells."""
FEWEST_ROWS = 3
"""A pair and one cell of it."""


@dataclass(frozen=True)
class Cells:
    """The cells to patch at one layer."""

    layer: int
    positions: tuple[int, ...]


@dataclass(frozen=True)
class Pairs:
    """Pairs of runs of one length, patched side by side: row i of each belongs to pair i."""

    source: Tensor
    """Ids of the runs that patches come from [pair, pos]."""
    base: Tensor
    """Ids of the runs that are patched [pair, pos]."""
    answers: Tensor
    """Ids of the answers [pair]."""
    counterfactuals: Tensor
    """Ids of the counterfactual answers [pair]."""
    source_noise: Tensor | None = None
    """Added to the embeddings of the source runs [pair, pos, d_model]."""
    base_noise: Tensor | None = None
    """Added to the embeddings of the base runs [pair, pos, d_model]."""

    def __len__(self) -> int:
        return self.source.shape[0]

    def split(self, size: int) -> Iterator[Pairs]:
        """Parts of at most ``size`` pairs."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        for start in range(0, len(self), size):
            part: dict[str, Any] = {
                name: None if value is None else value[start : start + size]
                for name, value in values.items()
            }
            yield Pairs(**part)


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
) -> Sweep:
    """Patch ``kind`` at every layer and position, one cell a run, source into base.

    Cells that cannot matter are not computed and get the value of the base run: positions before
    ``first_position``, where the runs do not differ yet; at the last block, for anything that
    only later blocks could carry on, all positions but the last.

    Args:
        adapter: the model.
        pairs: the runs.
        kind: of site, one that can be traced.
        layers: layers to patch, ascending.
        first_position: the first position at which source and base can differ.
        metric: what is measured at the last position: one value a row, or several.
        max_rows: bound on the rows of one pass, at least :data:`FEWEST_ROWS`; by default set by
            :data:`MEMORY_BUDGET`.
    """
    n_positions = pairs.base.shape[1]
    work = _cells_that_matter(adapter, kind, layers, first_position, n_positions)
    limit = max_rows or _rows_in_budget(adapter, n_positions)
    what = f"patching {kind} of {adapter.name} under {adapter.backend}"
    total = len(pairs) * sum(len(cells.positions) for cells in work)
    done = 0
    parts: list[Sweep] = []
    for part in pairs.split(max(1, limit // ROWS_PER_PAIR)):
        prefix = adapter.prefix(part.base[:, :first_position]) if first_position else None
        chunks = list(_chunks(work, room=limit // len(part) - 2)) or [[]]
        values = _grow(adapter, part, kind, chunks[0], metric, prefix)
        source, base = values[0], values[1]
        patched = base.expand(len(layers), n_positions, *base.shape).clone()
        for number, chunk in enumerate(chunks):
            if number:
                values = _grow(adapter, part, kind, chunk, metric, prefix)
            row = 2
            for cells in chunk:
                for position in cells.positions:
                    patched[layers.index(cells.layer), position] = values[row]
                    row += 1
            done += (row - 2) * len(part)
            progress.report(what, done, total)
        parts.append(Sweep(source=source, base=base, patched=patched))
    return Sweep(
        source=torch.cat([part.source for part in parts]),
        base=torch.cat([part.base for part in parts]),
        patched=torch.cat([part.patched for part in parts], dim=2),
    )


def _cells_that_matter(
    adapter: ModelAdapter, kind: SiteKind, layers: Sequence[int], first: int, n_positions: int
) -> list[Cells]:
    everywhere, last = tuple(range(first, n_positions)), (n_positions - 1,)
    top = adapter.n_layers - 1
    # what enters the last block is still read by its attention; what it adds stays in its column
    return [
        Cells(layer, last if layer == top and kind.stays_in_column else everywhere)
        for layer in layers
    ]


def _rows_in_budget(adapter: ModelAdapter, n_positions: int) -> int:
    config = adapter.weights.module.config.get_text_config()
    d_ff = int(getattr(config, "intermediate_size", None) or 4 * adapter.d_model)
    per_token = 3 * d_ff + 6 * adapter.d_model + 2 * adapter.n_heads * n_positions
    per_row = n_positions * per_token + 2 * adapter.d_vocab
    return max(8, MEMORY_BUDGET // (4 * per_row))


def _chunks(work: Sequence[Cells], room: int) -> Iterator[list[Cells]]:
    """Cut the work into passes of at most ``room`` cells."""
    chunk: list[Cells] = []
    free = room
    for cells in work:
        positions = cells.positions
        while positions:
            chunk.append(Cells(cells.layer, positions[:free]))
            positions, free = positions[free:], free - len(chunk[-1].positions)
            if not free:
                yield chunk
                chunk, free = [], room
    if chunk:
        yield chunk


def _grow(
    adapter: ModelAdapter,
    pairs: Pairs,
    kind: SiteKind,
    chunk: Sequence[Cells],
    metric: Measure,
    prefix: Prefix | None,
) -> Tensor:
    """One growing pass: values [2 + cells, pair] of source, base, and each cell in order."""
    edits: dict[Site, Edit] = {}
    start = 0 if prefix is None else prefix.n_tokens
    for cells in chunk:
        site = Site(kind, cells.layer)
        positions = [position - start for position in cells.positions]
        if kind.rows_join:
            edits[site] = _append_patched(positions, len(pairs))
        else:
            edits[Site(RESID_PRE, cells.layer)] = _append_base(positions, len(pairs))
            edits[site] = _patch_tail(positions, len(pairs))
    if pairs.source_noise is not None or pairs.base_noise is not None:
        edits[Site(EMBED)] = _add_noise(pairs, start)
    tokens = torch.cat([pairs.source, pairs.base])[:, start:]
    logits = adapter.run(tokens, edits=edits, prefix=prefix).logits[:, -1]
    groups = len(logits) // len(pairs)
    values = metric(logits, pairs.answers.repeat(groups), pairs.counterfactuals.repeat(groups))
    return values.view(groups, len(pairs), *values.shape[1:])


def _append_base(positions: Sequence[int], n: int) -> Edit:
    def edit(x: Tensor) -> Tensor:
        return torch.cat([x, x[n : 2 * n].repeat(len(positions), 1, 1)])

    return edit


def _patch_tail(positions: Sequence[int], n: int) -> Edit:
    def edit(x: Tensor) -> Tensor:
        tail = x[x.shape[0] - n * len(positions) :].unflatten(0, (-1, n))
        for i, position in enumerate(positions):
            tail[i, :, position] = x[:n, position]
        return x

    return edit


def _append_patched(positions: Sequence[int], n: int) -> Edit:
    append, patch = _append_base(positions, n), _patch_tail(positions, n)

    def edit(x: Tensor) -> Tensor:
        return patch(append(x))

    return edit


def _add_noise(pairs: Pairs, start: int) -> Edit:
    def edit(x: Tensor) -> Tensor:
        n = len(pairs)
        if pairs.source_noise is not None:
            x[:n] += pairs.source_noise[:, start:].to(x)
        if pairs.base_noise is not None:
            x[n : 2 * n] += pairs.base_noise[:, start:].to(x)
        return x

    return edit
