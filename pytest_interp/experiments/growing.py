"""One growing forward pass: the runs of some pairs, and the rows of some patches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.prefix import Prefix
from pytest_interp.adapters.sites import EMBED, Site
from pytest_interp.adapters.taps import Edit, Notes
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.parts import Part, Patch, joins_at

Measure = Callable[[Tensor, Tensor, Tensor], Tensor]
"""A metric, or one that gives several values per row [row, ...]."""


@dataclass(frozen=True)
class Rows:
    """The activation of one part in three runs, each with one row per pair."""

    source: Tensor | None
    """In the source run, where there is one."""
    base: Tensor
    """In the base run."""
    own: Tensor
    """In the patched run, before the part is changed."""


Value = Callable[[Part, Rows], Tensor | float]
"""From a part and its rows to what takes its place, in their shape or a number."""
Values = Value | float | Mapping[Site, Tensor] | None


def takes_source(pairs: Pairs, values: Values) -> bool:
    """Whether the source runs are needed, and there."""
    return pairs.source is not None and (values is None or callable(values))


def bound(values: Values, rows: slice) -> Values:
    """The values of some of the pairs."""
    if not isinstance(values, Mapping):
        return values
    return {site: t if len(t) == 1 else t[rows] for site, t in values.items()}


@dataclass(frozen=True)
class Held:
    """What the source runs hold at some sites, from a position on."""

    start: int
    at: dict[Site, Tensor] = field(default_factory=dict)
    """By site, with one row per pair."""

    def after(self, start: int) -> Held:
        """The same from a later position on. Nothing is copied."""
        found = {}
        for site, whole in self.at.items():
            found[site] = whole
            if site.kind.position_dim is not None:
                dim = site.kind.dims.index(site.kind.position_dim)
                skipped = start - self.start
                found[site] = whole.narrow(dim, skipped, whole.shape[dim] - skipped)
        return Held(start, found)


class Growing:
    """The edits of one pass in which rows of patches join, or with which they begin.

    Rows of the pass, ``n`` for each, one per pair: the source runs (where values need them and
    nothing of them is held), the base runs, then the patches in the given order, in which those
    that join first must come first.
    """

    def __init__(
        self,
        pairs: Pairs,
        patches: Sequence[Patch],
        values: Values,
        n_shared: int = 0,
        *,
        held: Held | None = None,
        keep: Collection[Site] = (),
        joining: bool = True,
    ) -> None:
        """Plan the pass.

        Args:
            pairs: the runs.
            patches: in the order of :func:`joins_at`, none of them empty.
            values: as for :func:`pytest_interp.experiments.patches.patched`.
            n_shared: tokens that a prefix holds already.
            held: what the source runs hold where parts are changed, from an earlier pass.
            keep: sites of the source runs that later passes ask for, by :meth:`kept`.
            joining: whether rows join in mid-pass. Otherwise all of them begin with the pass.
        """
        self.pairs, self.patches, self.values = pairs, patches, values
        self.n, self.n_shared = len(pairs), n_shared
        self.held = None if held is None else held.after(n_shared)
        self.has_source = takes_source(pairs, values) and held is None
        self.keep = frozenset(keep)
        self._notes: Notes = {}
        runs = [pairs.source, pairs.base] if self.has_source else [pairs.base]
        self.n_runs, self.joining = len(runs), joining
        begin = [*runs, *([] if joining else [pairs.base] * len(patches))]
        self.tokens = torch.cat([run for run in begin if run is not None])[:, n_shared:]

    def rows(self, patch: int) -> slice:
        """Rows of the patch of this number; -1 are the base runs, -2 the source runs."""
        start = (self.n_runs + patch) * self.n
        return slice(start, start + self.n)

    def measure(
        self,
        adapter: ModelAdapter,
        metric: Measure,
        prefix: Prefix | None = None,
        notes: Notes | None = None,
    ) -> Tensor:
        """Run the pass: values [run or patch, pair, ...].

        ``notes`` is what the values write into.
        """
        self._notes = {} if notes is None else notes
        run = adapter.run(self.tokens, edits=self.edits(), prefix=prefix, notes=self._notes)
        logits = run.logits[:, -1]
        groups = len(logits) // self.n
        answers, others = self.pairs.answers, self.pairs.counterfactuals
        found = metric(logits, answers.repeat(groups), others.repeat(groups))
        return found.view(groups, self.n, *found.shape[1:])

    def kept(self) -> Held:
        """What the source runs of this pass hold at the sites that later passes ask for."""
        return Held(self.n_shared, {site: self._notes[_kept_at(site)] for site in self.keep})

    def edits(self) -> dict[Site, Edit]:
        """By site: rows join, and parts are changed."""
        steps: dict[Site, list[Edit]] = defaultdict(list)
        if self.pairs.source_noise is not None or self.pairs.base_noise is not None:
            steps[Site(EMBED)].append(self._add_noise)
        for site, there in groupby(self.patches if self.joining else (), key=joins_at):
            steps[site].append(partial(self._join, sum(1 for _ in there)))
        parts: dict[Site, list[tuple[int, Part]]] = defaultdict(list)
        for number, patch in enumerate(self.patches):
            for part in patch:
                parts[part.site].append((number, part))
        for site in self.keep if self.has_source else ():
            steps[site].append(partial(self._keep, site))
        for site, changed in parts.items():
            steps[site].append(partial(self._change, changed))
        return {site: _in_turn(edits) for site, edits in steps.items()}

    def _add_noise(self, x: Tensor) -> Tensor:
        noises = [(-1, self.pairs.base_noise)]
        if not self.joining:
            noises += [(i, self.pairs.base_noise) for i in range(len(self.patches))]
        if self.has_source:
            noises.append((-2, self.pairs.source_noise))
        for run, noise in noises:
            if noise is not None:
                x[self.rows(run)] += noise[:, self.n_shared :].to(x)
        return x

    def _join(self, count: int, x: Tensor) -> Tensor:
        return torch.cat([x, x[self.rows(-1)].repeat(count, *[1] * (x.ndim - 1))])

    def _keep(self, site: Site, x: Tensor) -> Tensor:
        self._notes[_kept_at(site)] = x[self.rows(-2)].clone()
        return x

    def _change(self, parts: Sequence[tuple[int, Part]], x: Tensor) -> Tensor:
        for number, part in parts:
            at = self._index(part, x, self.n_shared)
            if at is None:
                continue
            own = x[self.rows(number)]
            source = self._source(part, x)
            found = None if source is None else source[at]
            own[at] = self._value(part, Rows(found, x[self.rows(-1)][at], own[at]))
        return x

    def _source(self, part: Part, x: Tensor) -> Tensor | None:
        if self.held is not None:
            return self.held.at[part.site]
        return x[self.rows(-2)] if self.has_source else None

    def _value(self, part: Part, rows: Rows) -> Tensor | float:
        if callable(self.values):
            return self.values(part, rows)
        if isinstance(self.values, Mapping):
            given = self.values[part.site]
            at = self._index(part, given.expand(self.n, *given.shape[1:]), 0)
            return given.expand(self.n, *given.shape[1:])[at].to(rows.own)
        if self.values is not None:
            return self.values
        assert rows.source is not None  # values of None are those of the source
        return rows.source

    def _index(self, part: Part, x: Tensor, start: int) -> tuple[Tensor, ...] | None:
        """An index of a part [pair, ...] in the rows of one run; None where nothing is left of it.

        Args:
            part: the part.
            x: the whole activation.
            start: the position at which it begins.
        """
        kind, total = part.site.kind, self.pairs.n_positions
        chosen = part.chosen(total)
        if kind.position_dim in chosen:
            # what lies in the prefix is the same in all runs
            chosen[kind.position_dim] = [p - start for p in chosen[kind.position_dim] if p >= start]
        if [] in chosen.values():
            return None
        dims = kind.dims
        last = max([0, *(i for i, dim in enumerate(dims) if dim in chosen)])
        sizes = (self.n, *x.shape[1 : last + 1])
        picked = [
            torch.as_tensor(chosen.get(dim, range(size)), device=x.device)
            for dim, size in zip(dims, sizes, strict=False)
        ]
        return torch.meshgrid(*picked, indexing="ij")


def _kept_at(site: Site) -> str:
    return f"source at {site}"


def _in_turn(edits: Sequence[Edit]) -> Edit:
    def edit(x: Tensor) -> Tensor:
        for one in edits:
            x = one(x)
        return x

    return edit
