"""Control runs: the same measurement where it should find nothing.

Give a control to a claim with ``controls=[...]``, or keep it with ``trace.with_controls(...)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from pytest_interp.adapters.backends import open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.errors import ExperimentError, PromptError
from pytest_interp.experiments.knowledge import known_facts
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.experiments.sweep import sweep
from pytest_interp.experiments.tokens import tokenized
from pytest_interp.facts.prompts import encode, single_token
from pytest_interp.facts.sets import FactSet
from pytest_interp.results.control import Control
from pytest_interp.results.known import unknown_because
from pytest_interp.results.tolerances import float_tolerance
from pytest_interp.results.trace import TraceResult
from pytest_interp.results.traces import TraceSet

Traces = TypeVar("Traces", TraceResult, TraceSet)
Texts = tuple[str, str]
IDENTITY, UNRELATED_PAIR = "identity patch", "unrelated pair"
UNRELATED: tuple[Texts, ...] = (
    ("The cat sat on the", "The dog sat on the"),
    ("She opened the door and", "She closed the door and"),
    ("He drank a cup of", "He bought a cup of"),
    # in words of planted models
    ("we heard that the guide was built in", "we heard that the visitors was built in"),
)
"""Pairs of prompts that have nothing to do with any fact."""
UNRELATED_LIMIT = 0.5
"""Share of the gap: half of what the facts' own pairs show. Any change of a prompt moves the
difference of two answers a little."""
SHUFFLED_LIMIT = 0.5
"""Share of the facts. By chance both prompts prefer the right answer in at most a quarter of the
facts; claims ask for four fifths."""


def identity_control(adapter: ModelAdapter, trace: TraceResult) -> Control:
    """Patch a run into itself: nothing may change but by rounding.

    At every position of the middle and the last traced layer. Value: the largest change, as a
    share of the gap of the trace.
    """
    pair = tokenized(adapter, trace.fact)
    corrupt = trace.options.corruption.ids(pair)
    base = corrupt if trace.direction == "denoise" else pair.clean_ids
    tokens = adapter.as_tokens([base])
    answer, other = (adapter.as_tokens([[i]])[0] for i in (pair.answer_id, pair.counterfactual_id))
    itself = Pairs(tokens, tokens, answer, other)
    first, asked = min(trace.corrupted_positions), trace.options
    swept = sweep(
        adapter, itself, asked.site, _few(trace.layers), first, asked.metric, window=asked.window
    )
    change = (swept.patched - swept.base).abs().max().item() / abs(trace.gap)
    return Control(IDENTITY, change, _rounding(adapter), "a run patched into itself")


def unrelated_control(
    adapter: ModelAdapter,
    traces: TraceResult | TraceSet,
    pairs: Sequence[Texts] = UNRELATED,
) -> Control:
    """Trace prompts that have nothing to do with the facts, and look at the facts' answers.

    At every position of the middle and the last traced layer, for every fact that the model
    knows. Value: the largest change of the metric at any cell, mean over facts and pairs, as a
    share of the mean gap of these facts.

    Args:
        adapter: the model.
        traces: traces of the facts.
        pairs: texts in pairs of one token length. The first that fits the tokenizer is used, with
            all others of its length.

    Raises:
        ExperimentError: no pair fits the tokenizer, or the model knows none of the facts.
    """
    known = _known(adapter, traces)
    one = known[0]
    texts, clean, corrupt = _fitting(adapter, pairs)
    answers = [(trace.fact.answer, trace.fact.counterfactual_answer) for trace in known]
    ids = [[single_token(adapter.tokenizer, text) for text in two] for two in answers]
    score = one.options.metric

    def of_every_fact(logits: Tensor, *_: Tensor) -> Tensor:
        rows = torch.tensor(ids, device=logits.device)[..., None].expand(-1, -1, len(logits))
        return torch.stack([score(logits, *two) for two in rows.unbind(0)], dim=-1)

    source, base = (clean, corrupt) if one.direction == "denoise" else (corrupt, clean)
    unused = base[:, 0]
    unrelated = Pairs(source, base, unused, unused)
    first = int((clean != corrupt).nonzero()[:, 1].min())
    site, window = one.options.site, one.options.window
    layers = _few(one.layers)
    swept = sweep(adapter, unrelated, site, layers, first, of_every_fact, window=window)
    changes = (swept.patched - swept.base).abs().amax(dim=(0, 1))
    gap = float(np.mean([abs(trace.gap) for trace in known]))
    counted = [
        f"{len(things)} {noun}{'s' if len(things) != 1 else ''}"
        for noun, things in (("fact", known), ("pair", texts))
    ]
    note = f"mean over {' and '.join(counted)} of prompts, as {texts[0][0]!r} against "
    value = changes.double().mean().item() / gap
    return Control(UNRELATED_PAIR, value, UNRELATED_LIMIT, f"{note}{texts[0][1]!r}")


def cheap_controls(
    adapter: ModelAdapter, traces: Traces, unrelated: Sequence[Texts] = UNRELATED
) -> Traces:
    """The trace, or the set, with the controls that cost little: identity patch, unrelated pair.

    One that cannot be run, because no unrelated pair fits the tokenizer or the model knows none
    of the facts, says so in the verdict.

    Args:
        adapter: the model.
        traces: a trace or a set.
        unrelated: pairs of texts, as for :func:`unrelated_control`.
    """
    runs: dict[tuple[str, float], Callable[[], Control]] = {
        (IDENTITY, _rounding(adapter)): lambda: identity_control(
            adapter, _known(adapter, traces)[0]
        ),
        (UNRELATED_PAIR, UNRELATED_LIMIT): lambda: unrelated_control(adapter, traces, unrelated),
    }
    found = []
    for (name, limit), run in runs.items():
        try:
            found.append(run())
        except ExperimentError as problem:
            found.append(Control(name, None, limit, str(problem)))
    return traces.with_controls(*found)


def shuffled_adapter(adapter: ModelAdapter, seed: int = 0) -> ModelAdapter:
    """The same model with the entries of every matrix permuted, under the same backend.

    Norms, biases and the distribution of the weights stay; their order is lost. The copy takes the
    memory of one more model.
    """
    weights = adapter.weights.copy()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in weights.module.parameters():
            if parameter.dim() > 1:
                order = torch.randperm(parameter.numel(), generator=generator)
                flat = parameter.flatten()[order.to(parameter.device)]
                parameter.copy_(flat.view_as(parameter))
    source = f"{adapter.weights.source}, every matrix shuffled with seed {seed}"
    named = replace(weights, name=f"{adapter.name} (shuffled)", source=source)
    return open_adapter(named, adapter.backend)


def shuffled_control(adapter: ModelAdapter, facts: FactSet, seed: int = 0) -> Control:
    """Ask a model with shuffled weights for the facts.

    Value: the share of the facts that it knows, as :func:`known_facts` counts.

    Raises:
        ExperimentError: no fact can be asked for with this tokenizer.
    """
    asked = known_facts(shuffled_adapter(adapter, seed), facts)
    usable = [one.known for one in asked if one.problem is None]
    if not usable:
        raise ExperimentError(f"no fact of {facts.name!r} fits the tokenizer of {adapter.name}")
    note = f"share of facts known: {sum(usable)} of {len(usable)}"
    return Control("shuffled weights", sum(usable) / len(usable), SHUFFLED_LIMIT, note)


def _known(adapter: ModelAdapter, traces: TraceResult | TraceSet) -> list[TraceResult]:
    """Those of facts that the model knows, as claims ask; at least one."""
    given = [traces] if isinstance(traces, TraceResult) else traces
    found = [trace for trace in given if unknown_because(trace) is None]
    if not found:
        raise ExperimentError(f"{adapter.name} knows none of the facts")
    return found


def _rounding(adapter: ModelAdapter) -> float:
    return float_tolerance(str(adapter.dtype).removeprefix("torch.")).atol


def _few(layers: Sequence[int]) -> tuple[int, ...]:
    """The middle and the last of them: a patch costs the layers above it."""
    return tuple(dict.fromkeys((layers[len(layers) // 2], layers[-1])))


def _fitting(adapter: ModelAdapter, pairs: Sequence[Texts]) -> tuple[list[Texts], Tensor, Tensor]:
    """Pairs of texts that fit the tokenizer, all of one length, and their ids [pair, pos]."""
    fitting: dict[Texts, tuple[tuple[int, ...], tuple[int, ...]]] = {}
    n = None
    for texts in pairs:
        try:
            a, b = (encode(adapter.tokenizer, text) for text in texts)
        except PromptError:
            continue
        if len(a) == len(b) == (n or len(a)) and a != b:
            fitting[texts], n = (a, b), len(a)
    if not fitting:
        raise ExperimentError(
            f"no unrelated pair fits the tokenizer of {adapter.name}: give pairs of prompts of one "
            "token length that have nothing to do with the facts"
        )
    clean, corrupt = zip(*fitting.values(), strict=True)
    return list(fitting), adapter.as_tokens(clean), adapter.as_tokens(corrupt)
