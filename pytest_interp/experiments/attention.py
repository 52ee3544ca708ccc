"""Attention patterns: where does each head look, in each prompt?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import PATTERN, Site
from pytest_interp.errors import ArgumentError, PromptError
from pytest_interp.experiments.batching import by_length, rows_in_budget
from pytest_interp.experiments.layers import layers_of
from pytest_interp.experiments.spreading import spreads
from pytest_interp.experiments.tokens import all_tokenized, must_differ
from pytest_interp.facts.prompts import FactPrompt, TokenizedFact, encode, str_tokens
from pytest_interp.facts.sets import FactSet
from pytest_interp.options.metrics import LOGIT_DIFF
from pytest_interp.results.attention import AttentionPatterns
from pytest_interp.results.base import Floats
from pytest_interp.results.over_facts import as_set

Ids = Sequence[int]


@spreads
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
        ArgumentError: something else than these.
        PromptError: a text is given twice, or as the same tokens, or has no token; or the prompts
            of a fact cannot be used.
        ExperimentError: the model has no such layer.
    """
    chosen = layers_of(adapter, layers)
    if isinstance(prompts, FactPrompt | FactSet):
        return _of_facts(adapter, as_set(prompts), chosen)
    texts = _texts(prompts)
    if not texts or len(set(texts)) < len(texts):
        raise PromptError(
            f"give at least one prompt, and each once: {list(texts)}", about="prompts"
        )
    ids = [encode(adapter.tokenizer, text) for text in texts]
    must_differ(texts, ids)
    return AttentionPatterns(
        name="prompts",
        prompts=texts,
        str_tokens=tuple(str_tokens(adapter.tokenizer, row) for row in ids),
        layers=chosen,
        patterns=_patterns(adapter, ids, chosen),
        n_layers=adapter.n_layers,
        provenance=adapter.provenance(),
    )


def _texts(given: object) -> tuple[str, ...]:
    """One text or several."""
    found: tuple[object, ...] = (given,)
    if isinstance(given, Iterable) and not isinstance(given, str | Mapping):
        found = tuple(given)
    texts = tuple(one for one in found if isinstance(one, str))
    if len(texts) < len(found):
        raise ArgumentError(
            f"attention_patterns reads texts, a FactPrompt or a FactSet, got {given!r}: "
            "FactSet.of([...]) makes a set of several facts",
            about="prompts",
        )
    return texts


def _of_facts(adapter: ModelAdapter, facts: FactSet, layers: tuple[int, ...]) -> AttentionPatterns:
    read = all_tokenized(adapter, facts.prompts)
    has_corrupt = all(one.corrupt_ids for one in read)
    return AttentionPatterns(
        name=facts.name,
        prompts=tuple(fact.clean_prompt for fact in facts.prompts),
        str_tokens=tuple(one.str_tokens for one in read),
        layers=layers,
        patterns=_patterns(adapter, [one.clean_ids for one in read], layers),
        facts=facts,
        subject_positions=tuple(one.subject_positions for one in read),
        clean=_logit_diffs(adapter, read, [one.clean_ids for one in read]),
        corrupt=_logit_diffs(adapter, read, [one.corrupt_ids for one in read])
        if has_corrupt
        else None,
        n_layers=adapter.n_layers,
        provenance=adapter.provenance(),
    )


def _patterns(
    adapter: ModelAdapter, ids: Sequence[Ids], layers: Sequence[int]
) -> tuple[Floats, ...]:
    """The pattern of each prompt [layer, head, query, key], in the order of the prompts."""
    found: dict[int, Floats] = {}
    for members, patterns in read_patterns(adapter, ids, layers):
        found |= zip(members, patterns, strict=True)
        progress.report(f"reading the attention of {adapter.name}", len(found), len(ids))
    return tuple(found[i] for i in range(len(ids)))


def read_patterns(
    adapter: ModelAdapter, ids: Sequence[Ids], layers: Sequence[int]
) -> Iterator[tuple[list[int], npt.NDArray[np.float32]]]:
    """By pass, which prompts were in it, and their patterns [prompt, layer, head, query, key]."""
    sites = [Site(PATTERN, layer) for layer in layers]

    def fitting(length: int) -> int:
        return rows_in_budget(adapter, length, len(layers) * adapter.n_heads * length**2)

    for members in by_length(list(map(len, ids)), fitting):
        run = adapter.run([ids[i] for i in members], capture=sites)
        yield members, torch.stack([run[site] for site in sites], 1).float().cpu().numpy()


def _logit_diffs(
    adapter: ModelAdapter, facts: Sequence[TokenizedFact], ids: Sequence[Ids]
) -> Floats:
    """By how much each prompt prefers the answer of its fact [fact]."""
    found = np.empty(len(facts))
    for members in by_length(list(map(len, ids)), lambda n: rows_in_budget(adapter, n)):
        logits = adapter.run([ids[i] for i in members]).logits[:, -1].float()
        asked = [(facts[i].answer_id, facts[i].counterfactual_id) for i in members]
        answers, others = torch.tensor(asked, device=logits.device).T
        found[members] = LOGIT_DIFF(logits, answers, others).cpu().numpy()
    return found
