"""Patches: many of them as rows of growing forward passes.

A patch changes one part of a run, or several together: all tokens of a subject, a window of
layers, a set of heads. The first pass starts with two rows per pair: the source run, of which is
kept what later passes ask for, and the base run. A copy of the base row joins for each patch where
the first of its parts lies, and each part is changed in that row when the pass comes to it. A
patched run thus costs only the layers above its first part, and all of them share their matrix
products. This works because attention masks and position embeddings broadcast over the batch. Where
an architecture has more that counts rows, its layout says so: all rows then begin with the pass.
Passes begin behind what the base run holds before the first position that their patches change
(:mod:`pytest_interp.experiments.blocks`).

Inside a block the rows join at the block's input.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.prefix import Prefix
from pytest_interp.adapters.sites import Site
from pytest_interp.adapters.taps import Notes
from pytest_interp.experiments.blocks import Plan, plan_of
from pytest_interp.experiments.growing import Growing, Measure, Values, bound, takes_source
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.parts import Part as Part, Patch, check_patches

FEWEST_ROWS = 3
"""A pair and one patch of it."""


@dataclass(frozen=True)
class Patched:
    """Measured values of the runs."""

    source: Tensor | None
    """[pair, ...]; None where no source was run."""
    base: Tensor
    """[pair, ...]"""
    patched: Tensor
    """[patch, pair, ...]"""


def patched(
    adapter: ModelAdapter,
    pairs: Pairs,
    patches: Sequence[Patch],
    metric: Measure,
    values: Values = None,
    *,
    n_shared: int | None = None,
    max_rows: int | None = None,
    split: bool = True,
    notes: Notes | None = None,
    what: str = "patches",
) -> Patched:
    """Measure the base runs with each patch, all parts of a patch together.

    Args:
        adapter: the model.
        pairs: the runs.
        patches: each a tuple of parts; one without parts is the base run itself.
        metric: what is measured at the last position: one value per row, or several.
        values: what takes the place of a part. None: what the source run holds there. A number.
            Tensors by site, with the shape of the site and one row per pair, or one row for all
            pairs, as means over prompts are. Or a function of the part and of the
            :class:`Rows` there, for anything else.
        n_shared: tokens at the beginning that are the same in all runs and rows. By default those
            before the first that any patch changes: where values come from the source, a patch
            changes nothing before the first difference of the pair.
        max_rows: most rows of one pass, at least :data:`FEWEST_ROWS`. Memory sets the default.
        split: whether pairs may go to different passes. A function that keeps what it sees of all
            pairs needs them in one.
        notes: what a function of values writes into, to be read after the runs.
        what: what the progress report calls these.

    Raises:
        ExperimentError: a position, a head, a key-value head or a neuron that is not there; or
            too few rows.
        MemoryLimitError: the passes do not fit in memory.
        UnsupportedSiteError: a site that the model lacks, or that cannot be edited.
    """
    check_patches(adapter, patches, pairs.n_positions)
    shared = _shared(pairs, patches, values) if n_shared is None else n_shared
    firsts = {
        i: first
        for i, patch in enumerate(patches)
        if (first := _first(patch, pairs.n_positions, shared)) is not None
    }
    if adapter.layout.no_prefix:
        shared, firsts = 0, dict.fromkeys(firsts, 0)  # one block: whole rows
    has_source = takes_source(pairs, values)
    plan = plan_of(
        adapter,
        patches,
        firsts,
        len(pairs),
        pairs.n_positions,
        shared,
        n_runs=1 + has_source,
        max_rows=max_rows,
        split=split,
        kept=_kept(adapter, pairs, patches, has_source) * adapter.dtype.itemsize,
    )
    title = f"{what} of {adapter.name} under {adapter.backend}"
    run = _Run(adapter, patches, metric, values, plan, notes)
    done, total, parts = 0, len(pairs) * len(firsts), []
    for rows, some in pairs.split(plan.n_pairs):
        whole: list[Tensor] | None = None
        for places, found in run.passes(some, bound(values, rows)):
            runs, moved = found[: len(found) - len(places)], found[len(found) - len(places) :]
            if whole is None:
                base = runs[-1]
                whole = [runs[0], base, base.expand(len(patches), *base.shape).clone()]
            whole[2][list(places)] = moved
            done += len(places) * len(some)
            progress.report(title, done, total)
        assert whole is not None  # there is a pass of the runs themselves
        parts.append(whole)
    sources, bases, results = zip(*parts, strict=True)
    source = torch.cat(sources) if has_source else None
    return Patched(source, torch.cat(bases), torch.cat(results, dim=1))


@dataclass(frozen=True)
class _Run:
    """The passes of a plan, for some of the pairs."""

    adapter: ModelAdapter
    patches: Sequence[Patch]
    metric: Measure
    values: Values
    plan: Plan
    notes: Notes | None

    def passes(self, pairs: Pairs, values: Values) -> Iterator[tuple[tuple[int, ...], Tensor]]:
        """Of each pass the places of its patches, and values [run or patch, pair, ...].

        The source runs are rows of the first pass, and what they hold is kept for the others.
        """
        has_source, held = takes_source(pairs, values), None
        prefix = self._prefix(pairs)
        planned = list(self.plan.passes(1 + has_source))
        for number, (block, places) in enumerate(planned):
            later = [i for _, following in planned[number + 1 :] for i in following]
            growing = Growing(
                pairs,
                [self.patches[i] for i in places],
                values,
                block.start,
                held=held,
                keep=self._sites(later) if held is None else (),
                joining=not self.adapter.layout.one_batch,
            )
            before = None if prefix is None or not block.start else prefix.before(block.start)
            yield places, growing.measure(self.adapter, self.metric, before, self.notes)
            held = growing.kept() if has_source and held is None else held

    def _prefix(self, pairs: Pairs) -> Prefix | None:
        """The base runs up to where the last block begins."""
        end = self.plan.blocks[-1].start
        if not end:
            return None
        if pairs.base_noise is None:
            return self.adapter.prefix(pairs.base[:, :end])
        return self.adapter.prefix(pairs.base[:, :end], noise=pairs.base_noise[:, :end])

    def _sites(self, places: Sequence[int]) -> set[Site]:
        return {part.site for i in places for part in self.patches[i]}


def _kept(adapter: ModelAdapter, pairs: Pairs, patches: Sequence[Patch], has_source: bool) -> int:
    """Numbers of each pair that are kept between passes: keys, values, and sites of the source."""
    sizes, n = adapter.sizes, pairs.n_positions
    found = 2 * n * sizes.n_layers * sizes.n_kv_heads * sizes.d_head
    widths = {**sizes.dims, "d_head": sizes.d_head, "key": n, "pos": n, "query": n}
    for site in {part.site for patch in patches for part in patch} if has_source else ():
        found += prod(widths.get(dim, 1) for dim in site.kind.dims[1:])
    return found


def _first(patch: Patch, n_positions: int, shared: int) -> int | None:
    """The first position that a patch changes; None where there is none.

    What it changes of the shared tokens is what they are.
    """
    changed = [
        shared if part.positions is None else min(after, default=None)
        for part in patch
        for after in [[p for p in part.at(n_positions) if p >= shared]]
    ]
    return min((p for p in changed if p is not None), default=None)


def _shared(pairs: Pairs, patches: Sequence[Patch], values: Values) -> int:
    """Tokens at the beginning that are the same in all rows, whatever their layer."""
    last = pairs.n_positions - 1  # which is what is measured
    if values is None:
        return min(pairs.first_difference, last)
    changed = [
        0 if p.positions is None else min(p.at(pairs.n_positions), default=last)
        for patch in patches
        for p in patch
    ]
    if takes_source(pairs, values) or pairs.base_noise is not None:
        changed.append(pairs.first_difference)
    return min([*changed, last])
