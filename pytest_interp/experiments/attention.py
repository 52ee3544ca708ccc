"""Attention patterns: where does each head look, in each prompt?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site
from pytest_interp.errors import PromptError
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.sweep import by_length, rows_in_budget
from pytest_interp.experiments.tokens import tokenized
from pytest_interp.facts.prompts import FactPrompt, encode, str_tokens
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.metrics import LOGIT_DIFF
from pytest_interp.results.attention import AttentionPatterns
from pytest_interp.results.base import Floats
from pytest_interp.results.over_facts import as_set

Ids = Sequence[int]


def attention_patterns(
    adapter: ModelAdapter,
    prompts: str | Sequence[str] | FactPrompt | FactSet,
    layers: Iterable[int] | None = None,
) -> AttentionPatterns:
    """Read the attention probabilities of every head.

    Prompts of one token length share their forward passes. The patterns are those of the model's
    own attention, its window and its sinks included; nothing is left out or scaled.

    Args:
        adapter: the model under a backend.
        prompts: a text or several; or facts, of which the clean prompts are read, and the corrupt
            ones run for whether the model knows the fact.
        layers: layers to read; all by default.

    Raises:
        PromptError: a text is given twice or has no token; or the prompts of a fact cannot be used.
        ExperimentError: the model has no such layer.
    """
    chosen = layers_of(adapter, layers)
    if isinstance(prompts, FactPrompt | FactSet):
        return _of_facts(adapter, as_set(prompts), chosen)
    texts = (prompts,) if isinstance(prompts, str) else tuple(prompts)
    if not texts or len(set(texts)) < len(texts):
        raise PromptError(
            f"give at least one prompt, and each once: {list(texts)}", about="prompts"
        )
    ids = [encode(adapter.tokenizer, text) for text in texts]
    patterns, _ = _patterns(adapter, ids, chosen)
    return AttentionPatterns(
        name="prompts",
        prompts=texts,
        str_tokens=tuple(str_tokens(adapter.tokenizer, row) for row in ids),
        layers=chosen,
        patterns=patterns,
        n_layers=adapter.n_layers,
        provenance=adapter.provenance(),
    )


def _of_facts(
    adapter: ModelAdapter, facts: FactSet, layers: tuple[int, ...]
) -> AttentionPatterns:
    read = [tokenized(adapter, fact) for fact in facts.prompts]
    patterns, logits = _patterns(adapter, [one.clean_ids for one in read], layers)
    last = [logits]
    if all(one.corrupt_ids for one in read):
        _, corrupt = _patterns(adapter, [one.corrupt_ids for one in read], ())
        last.append(corrupt)
    answers, others = (
        torch.tensor([getattr(one, name) for one in read])
        for name in ("answer_id", "counterfactual_id")
    )
    metric = [LOGIT_DIFF(rows, answers, others).double().numpy() for rows in last]
    return AttentionPatterns(
        name=facts.name,
        prompts=tuple(fact.clean_prompt for fact in facts.prompts),
        str_tokens=tuple(one.str_tokens for one in read),
        layers=layers,
        patterns=patterns,
        facts=facts,
        subject_positions=tuple(one.subject_positions for one in read),
        clean=metric[0],
        corrupt=metric[1] if len(metric) > 1 else None,
        n_layers=adapter.n_layers,
        provenance=adapter.provenance(),
    )


def _patterns(
    adapter: ModelAdapter, ids: Sequence[Ids], layers: Sequence[int]
) -> tuple[tuple[Floats, ...], Tensor]:
    """The pattern [layer, head, query, key] and the last logits [vocabulary] of each prompt."""
    found: dict[int, Floats] = {}
    logits: dict[int, Tensor] = {}
    for members, rows, last in read_patterns(adapter, ids, layers):
        for i, pattern, row in zip(members, rows, last, strict=True):
            found[i], logits[i] = pattern, row
        progress.report(f"reading the attention of {adapter.name}", len(found), len(ids))
    order = range(len(ids))
    return tuple(found[i] for i in order), torch.stack([logits[i] for i in order])


def read_patterns(adapter: ModelAdapter, ids: Sequence[Ids], layers: Sequence[int]):  # noqa
    """By pass."""
