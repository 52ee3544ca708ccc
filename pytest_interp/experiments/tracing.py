"""Causal tracing (activation patching): where in the network does a fact sit?

Meng et al. 2022 (ROME, arXiv 2202.05262); directions, metrics and corruptions as in Zhang and
Nanda 2023 (arXiv 2309.16042).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import ExperimentError
from pytest_interp.experiments.batching import TRACED, by_length
from pytest_interp.experiments.control_runs import cheap_controls
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.pairs import pairs_of
from pytest_interp.experiments.patches import FEWEST_ROWS
from pytest_interp.experiments.spreading import spreads
from pytest_interp.experiments.sweep import Sweep, sweep
from pytest_interp.experiments.tokens import all_tokenized
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.metrics import LOGIT_DIFF
from pytest_interp.options.trace import TraceAsked, TraceOptions
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet


def causal_trace(
    adapter: ModelAdapter,
    fact: FactPrompt,
    options: TraceOptions | None = None,
    *,
    controls: bool = True,
    max_rows: int | None = None,
    **asked: Unpack[TraceAsked],
) -> TraceResult:
    """Patch one site at every layer and position of one fact, one cell at a time.

    Args:
        adapter: the model under a backend.
        fact: the pair of prompts and the two answers.
        options: all options as one value.
        controls: run the cheap controls too, so that verdicts name them.
        max_rows: most rows of one forward pass. Memory sets the default.
        **asked: single options in place of those, by name where that is enough: ``site``,
            ``direction``, ``metric``, ``corruption``, ``layers``, ``window``.

    Raises:
        PromptError: the prompts cannot be aligned, an answer is not one token, or the model lacks a
            token.
        ExperimentError: an option has no meaning.
        UnknownNameError: an unknown metric, site, direction or corruption.
    """
    chosen = TraceOptions.of(options, **asked)
    (trace,) = causal_traces(adapter, [fact], chosen, max_rows=max_rows)
    return cheap_controls(adapter, trace) if controls else trace


@spreads
def trace_facts(
    adapter: ModelAdapter,
    facts: FactSet,
    options: TraceOptions | None = None,
    *,
    controls: bool = True,
    max_rows: int | None = None,
    **asked: Unpack[TraceAsked],
) -> TraceSet:
    """Trace every fact of a set, for claims about all of them.

    Arguments and errors as for :func:`causal_trace`.
    """
    chosen = TraceOptions.of(options, **asked)
    traces = TraceSet.of(facts, causal_traces(adapter, facts.prompts, chosen, max_rows=max_rows))
    return cheap_controls(adapter, traces) if controls else traces


def causal_traces(
    adapter: ModelAdapter,
    facts: Sequence[FactPrompt],
    options: TraceOptions | None = None,
    *,
    max_rows: int | None = None,
    **asked: Unpack[TraceAsked],
) -> tuple[TraceResult, ...]:
    """Trace many facts, without controls; those of one token length share their forward passes.

    Arguments and errors as for :func:`causal_trace`; results in the order of ``facts``.
    """
    chosen = TraceOptions.of(options, **asked)
    if max_rows is not None and max_rows < FEWEST_ROWS:
        raise ExperimentError(
            f"max_rows={max_rows!r}: a pass needs at least {FEWEST_ROWS} rows, those of the two "
            "runs and of one cell"
        )
    layers = layers_of(adapter, chosen.layers)
    corruption = chosen.corruption.seeded(0)
    chosen = replace(chosen, corruption=corruption)
    read = all_tokenized(adapter, facts)
    provenance = adapter.provenance(seed=getattr(corruption, "seed", None))
    found: dict[int, TraceResult] = {}
    for members in by_length([len(one) for one in read], lambda _: TRACED):
        batch = _Batch(adapter, [read[i] for i in members], chosen)
        swept = batch.sweep(layers, max_rows)
        for row, i in enumerate(members):
            (clean_metric, clean_diff), (corrupt_metric, corrupt_diff), patched = batch.values(
                swept, row
            )
            own = read[i]
            found[i] = TraceResult(
                fact=facts[i],
                options=chosen,
                layers=layers,
                str_tokens=own.str_tokens,
                corrupt_str_tokens=own.corrupt_str_tokens,
                corrupted_positions=corruption.positions(own),
                subject_positions=own.subject_positions,
                clean_metric=clean_metric,
                corrupt_metric=corrupt_metric,
                patched_metric=patched,
                n_layers=adapter.n_layers,
                logit_diffs=None if chosen.metric == LOGIT_DIFF else (clean_diff, corrupt_diff),
                provenance=provenance,
            )
    return tuple(found[i] for i in range(len(facts)))


class _Batch:
    """Facts of one token length, each repeated for every sample of the corruption."""

    def __init__(
        self, adapter: ModelAdapter, facts: Sequence[TokenizedFact], options: TraceOptions
    ) -> None:
        self.adapter, self.facts, self.options = adapter, facts, options
        self.samples = options.corruption.n_samples
        self.denoises = options.direction == "denoise"

    def sweep(self, layers: Sequence[int], max_rows: int | None) -> Sweep:
        corruption, metric = self.options.corruption, self.options.metric
        # which a corruption may refuse to make
        pairs = pairs_of(self.adapter, self.facts, corruption, self.options.direction)
        first = min(min(corruption.positions(fact)) for fact in self.facts)

        def measure(*run: Tensor) -> Tensor:
            # claims ask which answer a run prefers, whatever the metric
            return torch.stack([metric(*run), LOGIT_DIFF(*run)], dim=-1)

        asked = self.options
        return sweep(
            self.adapter, pairs, asked.site, layers, first, measure, max_rows, asked.window
        )

    def values(self, swept: Sweep, row: int) -> tuple[Any, Any, Any]:
        """Means over samples: metric and logit difference, clean and corrupt; patched metric."""
        mine = slice(row * self.samples, (row + 1) * self.samples)
        source, base = (x[mine].double().mean(0).tolist() for x in (swept.source, swept.base))
        patched = swept.patched[:, :, mine, 0].double().mean(-1).cpu().numpy()
        clean, corrupt = (source, base) if self.denoises else (base, source)
        return clean, corrupt, patched
