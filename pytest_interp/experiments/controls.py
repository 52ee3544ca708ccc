"""Control runs: the same measurement where it should find nothing.

Each returns a :class:`~pytest_interp.controls.Control`, to be given to a claim with
``controls=[...]`` or kept with ``TraceSet.with_controls``.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import torch

from pytest_interp.adapters import open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.weights import Weights
from pytest_interp.controls import Control
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments.knowledge import known_facts
from pytest_interp.experiments.metrics import metric_of
from pytest_interp.experiments.sweep import Pairs, sweep
from pytest_interp.experiments.tracing import causal_trace
from pytest_interp.factsets import FactSet
from pytest_interp.prompts import FactPrompt, encode, tokenize_fact
from pytest_interp.results import TraceResult, float_tolerance
from pytest_interp.sites import Kind
from pytest_interp.tracesets import TraceSet

UNRELATED = (
    ("The cat sat on the", "The dog sat on the"),
    ("She opened the door and", "She closed the door and"),
    ("He drank a cup of", "He bought a cup of"),
)
"""Pairs that have nothing to do with any fact; the first that fits the tokenizer is used."""
UNRELATED_LIMIT = 0.3
"""Of the gap: what claims allow outside of a region. Any change of a prompt moves the difference
of two answers a little."""


def identity_control(adapter: ModelAdapter, trace: TraceResult) -> Control:
    """Patch a run into itself, at every traced cell: nothing may change but by rounding.

    Value: the largest change, as a share of the gap of the trace.
    """
    pair = tokenize_fact(trace.fact, adapter.tokenizer)
    base = pair.corrupt_ids if trace.direction == "denoise" else pair.clean_ids
    tokens = adapter.as_tokens([base])
    answer, other = (adapter.as_tokens([[i]])[0] for i in (pair.answer_id, pair.counterfactual_id))
    itself = Pairs(tokens, tokens, answer, other)
    first, metric = min(trace.corrupted_positions), metric_of(trace.metric)
    swept = sweep(adapter, itself, Kind(trace.site), trace.layers, first, metric)
    change = (swept.patched - swept.base).abs().max().item() / abs(trace.gap)
    limit = float_tolerance(str(adapter.dtype).removeprefix("torch.")).atol
    return Control("identity patch", change, limit, "a run patched into itself")


def unrelated_control(
    adapter: ModelAdapter, trace: TraceResult, pair: tuple[str, str] | None = None
) -> Control:
    """Trace a pair of prompts that has nothing to do with the fact, with the fact's answers.

    Value: the largest change of the metric at any cell, as a share of the fact's gap.

    Raises:
        ExperimentError: no pair fits the tokenizer; give one.
    """
    candidates = UNRELATED if pair is None else (pair,)
    clean, corrupt = _fitting(adapter, candidates)
    fact = FactPrompt(clean, corrupt, trace.fact.answer, trace.fact.counterfactual_answer)
    found = causal_trace(
        adapter, fact, trace.site, trace.direction, trace.metric, layers=trace.layers
    )
    base = found.corrupt_metric if trace.direction == "denoise" else found.clean_metric
    change = float(np.abs(found.patched_metric - base).max() / abs(trace.gap))
    return Control("unrelated pair", change, UNRELATED_LIMIT, f"{clean!r} against {corrupt!r}")


def _fitting(adapter: ModelAdapter, candidates: Sequence[tuple[str, str]]) -> tuple[str, str]:
    for clean, corrupt in candidates:
        try:
            a, b = (encode(adapter.tokenizer, text) for text in (clean, corrupt))
        except PromptError:
            continue
        if len(a) == len(b) and a != b:
            return clean, corrupt
    raise ExperimentError(
        f"no unrelated pair fits the tokenizer of {adapter.name}: give one as pair=(a, b), two "
        "prompts of one token length that have nothing to do with the fact"
    )


def shuffled_adapter(adapter: ModelAdapter, seed: int = 0) -> ModelAdapter:
    """The same model with the entries of every matrix permuted, under the same backend.

    Norms, biases and the distribution of the weights stay; what they say is gone. Costs one copy
    of the weights.
    """
    module = copy.deepcopy(adapter.weights.module)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.dim() > 1:
                order = torch.randperm(parameter.numel(), generator=generator)
                flat = parameter.flatten()[order.to(parameter.device)]
                parameter.copy_(flat.view_as(parameter))
    source = f"{adapter.weights.source}, every matrix shuffled with seed {seed}"
    weights = Weights(f"{adapter.name} (shuffled)", module, adapter.tokenizer, source)
    return open_adapter(weights, adapter.backend)


def shuffled_control(
    adapter: ModelAdapter, traces: TraceResult | TraceSet, facts: FactSet, seed: int = 0
) -> Control:
    """Ask a model with shuffled weights for the facts.

    Value: the mean of its gaps between clean and corrupt, as a share of the mean gap of the
    traces.
    """
    given = traces.traces if isinstance(traces, TraceSet) else (traces,)
    gap = float(np.mean([trace.gap for trace in given]))
    asked = known_facts(shuffled_adapter(adapter, seed), facts)
    differences = [(one.clean, one.corrupt) for one in asked]
    gaps = [a - b for a, b in differences if a is not None and b is not None]
    known = sum(one.known for one in asked)
    return Control(
        "shuffled weights",
        abs(float(np.mean(gaps))) / gap,
        UNRELATED_LIMIT,
        f"knows {known} of {len(asked)} facts",
    )


def cheap_controls(adapter: ModelAdapter, traces: TraceSet) -> TraceSet:
    """The traces with the controls that cost about two facts: identity patch, unrelated pair."""
    one = traces.traces[0]
    found = [identity_control(adapter, one)]
    # where no pair fits the vocabulary, the verdict does not name this control
    with suppress(ExperimentError):
        found.append(unrelated_control(adapter, one))
    return traces.with_controls(*found)
