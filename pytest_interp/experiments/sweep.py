"""The sweep: every cell of a [layer x position] map in one growing forward pass.

The pass starts with two rows per pair: the source run and the base run. At each layer it appends
one copy of the base row for each cell to be patched there, with the source's activation in that
cell. A patched run thus costs only the layers above its patch, and all of them share their matrix
products. This works because attention masks and position embeddings broadcast over the batch.

Inside a block the rows join at the block's input, as copies of the base row, and are patched at
the site.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
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
"""Rows of a pass for each pair in it. Two are the runs themselves, which every pass runs again, so
that three quarters of the work are cells."""
FEWEST_ROWS = 3
"""A pair and one cell of it."""


Cell = tuple[int, int]
"""A layer and a position."""


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
        for start in range(0, len(self), size):
            rows = slice(start, start + size)
            part: dict[str, Any] = {k: v if v is None else v[rows] for k, v in vars(self).items()}
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
    """Patch ``kind`` at every layer and position, one cell per run, source into base.

    Cells that cannot matter are not computed and get the value of the base run: positions before
    ``first_position``, where the runs do not differ yet; and, at the last block, all positions but
    the last where only later blocks could read the site from there.

    Args:
        adapter: the model.
        pairs: the runs.
        kind: kind of site, one that can be traced.
        layers: layers to patch, ascending.
        first_position: the first position at which source and base can differ.
        metric: what is measured at the last position: one value per row, or several.
        max_rows: most rows of one pass, at least :data:`FEWEST_ROWS`. :data:`MEMORY_BUDGET` sets
            the default.
    """
    n_positions = pairs.base.shape[1]
    work = _cells_that_matter(adapter, kind, layers, first_position, n_positions)
    limit = max_rows or rows_in_budget(adapter, n_positions)
    what = f"patching {kind} of {adapter.name} under {adapter.backend}"
    done = 0
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for part in pairs.split(max(1, limit // ROWS_PER_PAIR)):
        prefix = adapter.prefix(part.base[:, :first_position]) if first_position else None
        room = limit // len(part) - 2
        values: list[Tensor] = []
        for start in range(0, len(work) or 1, room):
            chunk = work[start : start + room]
            values.append(_grow(adapter, part, kind, chunk, metric, prefix))
            done += len(chunk) * len(part)
            progress.report(what, done, len(pairs) * len(work))
        source, base = values[0][:2]
        patched = base.expand(len(layers), n_positions, *base.shape).clone()
        for (layer, position), value in zip(work, torch.cat([v[2:] for v in values]), strict=True):
            patched[layers.index(layer), position] = value
        parts.append((source, base, patched))
    sources, bases, maps = zip(*parts, strict=True)
    return Sweep(torch.cat(sources), torch.cat(bases), torch.cat(maps, dim=2))


def _cells_that_matter(
    adapter: ModelAdapter, kind: SiteKind, layers: Sequence[int], first: int, n_positions: int
) -> list[Cell]:
    # what enters the last block is still read by its attention; what it adds stays in its column
    only_last = adapter.n_layers - 1 if kind.stays_in_column else None
    return [
        (layer, position)
        for layer in layers
        for position in range(n_positions - 1 if layer == only_last else first, n_positions)
    ]


def by_length(lengths: Sequence[int], size: Callable[[int], int]) -> Iterator[list[int]]:
    """Indices of prompts that share a pass: of one length, as there is no padding.

    Args:
        lengths: tokens of each prompt.
        size: most prompts of a pass, for a length.
    """
    for length in sorted(set(lengths)):
        members = [i for i, n in enumerate(lengths) if n == length]
        step = size(length)
        yield from (members[start : start + step] for start in range(0, len(members), step))


def rows_in_budget(adapter: ModelAdapter, n_positions: int, captured: int = 0) -> int:
    """Rows of this many tokens that one pass may hold, by :data:`MEMORY_BUDGET`; at least 8.

    Args:
        adapter: the model.
        n_positions: tokens of a row.
        captured: numbers of each row that the pass keeps.
    """
    config = adapter.weights.module.config.get_text_config()
    d_ff = int(getattr(config, "intermediate_size", None) or 4 * adapter.d_model)
    per_token = 3 * d_ff + 6 * adapter.d_model + 2 * adapter.n_heads * n_positions
    per_row = n_positions * per_token + 2 * adapter.d_vocab + captured
    return max(8, MEMORY_BUDGET // (4 * per_row))


def _grow(
    adapter: ModelAdapter,
    pairs: Pairs,
    kind: SiteKind,
    chunk: Sequence[Cell],
    metric: Measure,
    prefix: Prefix | None,
) -> Tensor:
    """One growing pass: values [2 + cells, pair] of source, base, and each cell in order."""
    edits: dict[Site, Edit] = {}
    start = 0 if prefix is None else prefix.n_tokens
    for layer, cells in groupby(chunk, key=itemgetter(0)):
        positions = [position - start for _, position in cells]
        edits |= _growing(Site(kind, layer), positions, len(pairs))
    if pairs.source_noise is not None or pairs.base_noise is not None:
        edits[Site(EMBED)] = _add_noise(pairs, start)
    tokens = torch.cat([pairs.source, pairs.base])[:, start:]
    logits = adapter.run(tokens, edits=edits, prefix=prefix).logits[:, -1]
    groups = len(logits) // len(pairs)
    values = metric(logits, pairs.answers.repeat(groups), pairs.counterfactuals.repeat(groups))
    return values.view(groups, len(pairs), *values.shape[1:])


def _growing(site: Site, positions: Sequence[int], n: int) -> dict[Site, Edit]:
    """Edits of one layer: a copy of the ``n`` base rows joins for each position, and is patched."""

    def append(x: Tensor) -> Tensor:
        return torch.cat([x, x[n : 2 * n].repeat(len(positions), 1, 1)])

    def patch(x: Tensor) -> Tensor:
        tail = x[x.shape[0] - n * len(positions) :].unflatten(0, (-1, n))
        for i, position in enumerate(positions):
            tail[i, :, position] = x[:n, position]
        return x

    if site.kind.rows_join:
        return {site: lambda x: patch(append(x))}
    return {Site(RESID_PRE, site.layer): append, site: patch}


def _add_noise(pairs: Pairs, start: int) -> Edit:
    def edit(x: Tensor) -> Tensor:
        n = len(pairs)
        for rows, noise in ((x[:n], pairs.source_noise), (x[n : 2 * n], pairs.base_noise)):
            if noise is not None:
                rows += noise[:, start:].to(x)
        return x

    return edit
