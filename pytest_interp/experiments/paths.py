"""Path patching: does one part of a model reach the answer by what another reads from it?

Wang et al. 2022 (IOI, arXiv 2211.00593); Goldowsky-Dill et al. 2023 (arXiv 2304.05969).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.components import Component
from pytest_interp.adapters.sites import Site
from pytest_interp.adapters.taps import Notes
from pytest_interp.experiments.batching import alike, rows_in_budget
from pytest_interp.experiments.groups import Positions, as_floats, of_metric
from pytest_interp.experiments.growing import Rows, Value
from pytest_interp.experiments.pairs import Pairs, pairs_of
from pytest_interp.experiments.parts import Part
from pytest_interp.experiments.patches import Patched, patched
from pytest_interp.experiments.path_ends import OUTPUT, Named, Receiver, receivers_of, senders_of
from pytest_interp.experiments.spreading import spreads
from pytest_interp.experiments.tokens import all_tokenized
from pytest_interp.experiments.written import Written
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.metrics import LOGIT_DIFF
from pytest_interp.options.paths import PathOptions
from pytest_interp.results.base import Floats
from pytest_interp.results.control import Control
from pytest_interp.results.over_facts import as_set
from pytest_interp.results.paths import PathResult
from pytest_interp.results.tolerances import float_tolerance

ROWS_PER_PAIR = 8
"""Rows of a pass for each pair in it: few pairs share a pass, so that most rows are paths."""
UNCHANGED = "a sender that does not change"


@spreads
def path_patching(
    adapter: ModelAdapter,
    facts: FactPrompt | FactSet,
    senders: Named | None = None,
    receivers: Named = OUTPUT,
    *,
    options: PathOptions | None = None,
    **asked: Any,
) -> PathResult:
    """Measure the effect of each sender by what each receiver reads from it, all else held.

    The path from a sender S to a receiver R, in a base run and with a source run:

    1. S writes what it writes in the source run. All attention and MLP outputs between S and R,
       and what else a block adds, stay as they are in the base run. What R reads is thus the
       stream of the base run, plus what S writes in the source run, minus what it writes in the
       base run (each multiplied as the blocks do that, in Gemma 4). R is computed from that, its
       norm included, at all tokens.
    2. What R gives (its queries, keys or values, or its MLP output) takes its place in the base
       run, at all tokens or at those that R names, from which all that comes after R is computed.
       Where R is the output, these are the logits of step 1.

    The effect is the share of the gap between the two runs that this moves: 0 is nothing, 1 is all
    of it. Nothing is approximated. Effects of paths need not sum to that of the sender: it reaches
    others as well, and what is not linear between them does not add up.

    All senders of a receiver are rows of passes that grow at the layer of the receiver: a hundred
    of them cost as much as a few whole runs.

    Args:
        adapter: the model under a backend.
        facts: one fact, or a set of them.
        senders: ``head.9.6`` (layer, head), ``head.9`` (all heads of a layer), ``attn_out.9``,
            ``mlp_out.5`` or ``embed``; all heads and MLPs before the first receiver by default
            (``attn_out.9`` where a layer has no heads).
        receivers: ``q.9.6`` (layer, head), ``k.9.2`` and ``v.9.2`` (key-value head), ``mlp_out.9``,
            or ``output``, the logits. Each but the output may name the tokens at which it is
            exchanged, as ``v.9.2@subject``: ``first``, ``last``, ``subject``, ``subject_first``,
            ``subject_last``, ``between``, ``all``, the text of a token, or its index.
        options: all options as one value.
        asked: single options in place of those: ``direction``, ``metric``, ``corruption``,
            ``seed``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: no sender or receiver, one that the model lacks or that is none, a
            receiver that does not come after a sender, or a prompt that lacks a token of one.
        UnknownNameError: an unknown kind of component, direction, metric or corruption.
        UnsupportedSiteError: a site that the model lacks.
    """
    chosen = _chosen(options, asked)
    given, samples = as_set(facts), chosen.corruption.n_samples
    to = receivers_of(adapter, receivers)
    starts = senders_of(adapter, senders, to)
    read = all_tokenized(adapter, given.prompts)
    # the metric and the logit difference come last
    source, base = np.empty((2, len(read), 2))
    moved = np.empty((len(read), len(to), len(starts) + 1))
    done = 0
    for members in _together(adapter, read, to, samples):
        some = [read[i] for i in members]
        pairs = pairs_of(adapter, some, chosen.corruption, chosen.direction)
        measure = of_metric(chosen.metric)
        paths = _Paths(adapter, pairs, Written(adapter, pairs, starts, measure), (*starts, None))
        source[members] = _by_fact(paths.written.source_value, samples)
        for r, receiver in enumerate(to):
            found = paths.into(receiver, receiver.positions(some[0]), measure)
            base[members] = _by_fact(found.base, samples)
            change = (found.patched - found.base)[..., 0].T
            moved[members, r] = _by_fact(change, samples)
        done += len(members)
        progress.report(f"paths of {adapter.name}", done, len(read))
    clean, corrupt = (base, source) if chosen.direction == "noise" else (source, base)
    made = PathResult(
        facts=given,
        options=chosen,
        senders=tuple(map(str, starts)),
        receivers=tuple(one.name for one in to),
        n_layers=adapter.n_layers,
        change=moved[..., :-1],
        unmoved=np.abs(moved[..., -1]).max(1),
        clean=clean[:, 0],
        corrupt=corrupt[:, 0],
        metric=chosen.metric,
        direction=chosen.direction,
        corruption=chosen.corruption,
        preferences=None if chosen.metric == LOGIT_DIFF else np.stack([clean[:, 1], corrupt[:, 1]]),
        provenance=adapter.provenance(seed=chosen.seed),
    )
    return with_unchanged(adapter, made)


def paths_together(
    adapter: ModelAdapter,
    facts: FactSet,
    senders: Named | None = None,
    receivers: Named = OUTPUT,
    *,
    options: PathOptions | None = None,
    **asked: Any,
) -> Iterator[list[int]]:
    """Indices of facts that share their passes in :func:`path_patching`, with its arguments."""
    read = all_tokenized(adapter, facts.prompts)
    samples = _chosen(options, asked).corruption.n_samples
    return _together(adapter, read, receivers_of(adapter, receivers), samples)


def _chosen(options: PathOptions | None, asked: Mapping[str, Any]) -> PathOptions:
    chosen = replace(options or PathOptions(), **asked)
    return replace(chosen, corruption=chosen.corruption.seeded(chosen.seed))


def _together(
    adapter: ModelAdapter, read: Sequence[TokenizedFact], to: Sequence[Receiver], samples: int
) -> Iterator[list[int]]:
    places = [tuple(one.positions(fact) for one in to) for fact in read]
    keys = list(zip(map(len, read), places, strict=True))
    return alike(keys, lambda key: _fitting(adapter, key[0], samples))


@dataclass(frozen=True)
class _From(Part):
    """A part whose value depends on the sender."""

    sender: int = 0


@dataclass(frozen=True)
class _Paths:
    """Paths of pairs of one length; a sender of None is one that does not change."""

    adapter: ModelAdapter
    pairs: Pairs
    written: Written
    senders: Sequence[Component | None]

    def into(self, receiver: Receiver, at: Positions, measure: Any) -> Patched:
        """Measure the base runs with each path into a receiver at some tokens."""
        runs = replace(self.pairs, source=None, source_noise=None)
        # until the first difference every sender writes the same
        shared = min(self.pairs.first_difference, runs.n_positions - 1)
        step = max(1, rows_in_budget(self.adapter, runs.n_positions) // len(runs) - 1)
        found: list[Patched] = []
        for start in range(0, len(self.senders), step):
            numbers = range(start, min(start + step, len(self.senders)))
            reading = [_From(receiver.reads, sender=i) for i in numbers]
            patches = [(one,) for one in reading]
            if receiver.component is not None:
                site = receiver.component.site
                giving = [_From(site, at, receiver.units, sender=i) for i in numbers]
                both = list(zip(reading, giving, strict=True))
                received: Notes = {}
                step_1 = _Receive(receiver.reads, self._changes(numbers, receiver.reads), received)
                self._run(runs, both, step_1, measure, shared, received)
                patches = [(one,) for one in giving]
                found.append(self._run(runs, patches, _Give(received), measure, shared))
            else:
                step_1 = _Receive(receiver.reads, self._changes(numbers, receiver.reads), {})
                found.append(self._run(runs, patches, step_1, measure, shared))
        return replace(found[0], patched=torch.cat([one.patched for one in found]))

    def _changes(self, numbers: Iterable[int], at: Site) -> dict[int, Tensor | None]:
        """What is read of these senders there, in the source run minus in the base run.

        None for nothing.
        """
        named = {i: self.senders[i] for i in numbers}
        return {
            i: None if one is None else self.written.change(one, at) for i, one in named.items()
        }

    def _run(
        self,
        runs: Pairs,
        patches: Any,
        values: Value,
        measure: Any,
        shared: int,
        notes: Notes | None = None,
    ) -> Patched:
        room = rows_in_budget(self.adapter, runs.n_positions)
        return patched(
            self.adapter,
            runs,
            patches,
            measure,
            values,
            n_shared=shared,
            max_rows=room,
            split=False,  # what receivers give is noted by sender
            notes=notes,
            what="paths",
        )


@dataclass(frozen=True)
class _Receive:
    """Step 1: the stream changes by what the sender writes, and the receiver is noted.

    Holds tensors alone, as it may be sent elsewhere with the run.
    """

    reads: Site
    changes: dict[int, Tensor | None]
    received: Notes

    def __call__(self, part: Part, rows: Rows) -> Tensor:
        assert isinstance(part, _From)
        if part.site != self.reads:
            self.received[str(part.sender)] = rows.own
            return rows.own
        change = self.changes[part.sender]
        if change is None:
            return rows.base
        # without what the prefix holds
        return rows.base + change[:, -rows.base.shape[1] :].to(rows.base)


@dataclass(frozen=True)
class _Give:
    """Step 2: the receiver gives what it gave then."""

    received: Notes

    def __call__(self, part: Part, rows: Rows) -> Tensor:
        assert isinstance(part, _From)
        return self.received[str(part.sender)].to(rows.own)


def _fitting(adapter: ModelAdapter, n_positions: int, samples: int) -> int:
    """Facts that share their passes: with their senders, and with what is kept of both runs."""
    kept = adapter.n_layers * (adapter.n_heads * adapter.sizes.d_head + 2 * adapter.d_model)
    rows = rows_in_budget(adapter, n_positions, kept * n_positions)
    return max(1, rows // (ROWS_PER_PAIR * samples))


def _by_fact(values: Tensor, samples: int) -> Floats:
    """Values [pair, ...] as means over the samples of each fact."""
    return np.asarray(as_floats(values).reshape(-1, samples, *values.shape[1:]).mean(1))


def with_unchanged(adapter: ModelAdapter, found: PathResult) -> PathResult:
    """With the control by a sender whose source is its base: its path may move nothing.

    Value: the largest change by any receiver, as a share of the mean size of the gap.
    """
    assert found.unmoved is not None
    assert found.corrupt is not None
    limit = float_tolerance(str(adapter.dtype).removeprefix("torch.")).atol
    gap = float(np.abs(found.clean - found.corrupt).mean())
    share = float(found.unmoved.max() / max(gap, 1e-12))
    note = "its source is its base, the rest as for the others"
    return replace(found, controls=(Control(UNCHANGED, share, limit, note),))
