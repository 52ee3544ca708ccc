"""Patches: many of them as rows of one growing forward pass.

A patch changes one part of a run, or several together: all tokens of a subject, a window of
layers, a set of heads. The pass starts with two rows per pair: the source run and the base run.
A copy of the base row joins for each patch where the first of its parts lies, and each part is
changed in that row when the pass comes to it. A patched run thus costs only the layers above its
first part, and all of them share their matrix products. This works because attention masks and
position embeddings broadcast over the batch.

Inside a block the rows join at the block's input.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.experiments.batching import rows_in_budget
from pytest_interp.experiments.growing import Growing, Measure, Values, bound, takes_source
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.parts import Part as Part, Patch, check_patches, joins_at

ROWS_PER_PAIR = 8
"""Rows of a pass for each pair in it. Two are the runs themselves, which every pass runs again, so
that three quarters of the work are patches."""
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
        n_shared: tokens at the beginning that no patch changes, run once. By default those
            before the first that any patch changes: where values come from the source, a patch
            changes nothing before the first difference of the pair.
        max_rows: most rows of one pass, at least :data:`FEWEST_ROWS`. Memory sets the default.
        what: what the progress report calls these.

    Raises:
        ExperimentError: a position, a head, a key-value head or a neuron that is not there; or
            too few rows.
        UnsupportedSiteError: a site that the model lacks, or that cannot be edited.
    """
    check_patches(adapter, patches, pairs.n_positions)
    joins = {i: joins_at(patch).execution_order for i, patch in enumerate(patches) if patch}
    order = sorted(joins, key=lambda i: joins[i])
    shared = _shared(pairs, patches, values) if n_shared is None else n_shared
    limit = max_rows or rows_in_budget(adapter, pairs.n_positions)
    n_runs = 2 if takes_source(pairs, values) else 1
    title = f"{what} of {adapter.name} under {adapter.backend}"
    done, parts = 0, []
    for rows, some in pairs.split(max(1, limit // ROWS_PER_PAIR)):
        prefix = adapter.prefix(some.base[:, :shared]) if shared else None
        value = bound(values, rows)
        room = max(1, limit // len(some) - n_runs)
        found: list[Tensor] = []
        for start in range(0, len(order) or 1, room):
            chunk = [patches[i] for i in order[start : start + room]]
            growing = Growing(some, chunk, value, shared)
            found.append(growing.measure(adapter, metric, prefix))
            done += len(chunk) * len(some)
            progress.report(title, done, len(pairs) * len(order))
        first, base = found[0][0], found[0][n_runs - 1]
        result = base.expand(len(patches), *base.shape).clone()
        for i, row in zip(order, torch.cat([one[n_runs:] for one in found]), strict=True):
            result[i] = row
        parts.append((first, base, result))
    sources, bases, results = zip(*parts, strict=True)
    source = torch.cat(sources) if n_runs == 2 else None
    return Patched(source, torch.cat(bases), torch.cat(results, dim=1))


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
