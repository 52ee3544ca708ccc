"""What a model goes on to say, greedily, while a vector is added."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from pytest_interp import progress
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site
from pytest_interp.adapters.taps import Edit
from pytest_interp.experiments.batching import rows_in_budget
from pytest_interp.experiments.features import encoded
from pytest_interp.experiments.openings import batches
from pytest_interp.facts.labelled import PromptSet
from pytest_interp.options.steering import Where
from pytest_interp.results.continued import Continued


def continued(
    adapter: ModelAdapter,
    prompts: PromptSet,
    vectors: Tensor,
    sites: Sequence[Site],
    positions: Where,
    n_tokens: int,
) -> tuple[Continued, ...]:
    """The most likely tokens one after another, for each prompt and vector.

    Each vector is added at the prompt's last token and at every new one, or at all tokens. Every
    step runs the new tokens once more, so that it is one ordinary pass under the backend.

    Args:
        adapter: the model.
        prompts: the prompts.
        vectors: what is added [way, d_model].
        sites: where it is added.
        positions: ``last`` or ``all``.
        n_tokens: how many tokens.
    """
    ids = encoded(adapter, prompts)
    first_changed = [len(row) - 1 if positions == "last" else 0 for row in ids]
    found: dict[int, Tensor] = {}

    def fitting(length: int) -> int:
        return max(1, rows_in_budget(adapter, length + n_tokens) // len(vectors))

    for batch in batches(adapter, ids, first_changed, fitting):
        n, tokens, prefix = len(batch.members), batch.tokens, batch.prefix
        start = tokens.shape[1] - 1 if positions == "last" else 0
        if start and not adapter.layout.no_prefix:
            prefix, tokens = adapter.prefix(tokens[:, :-1], prefix), tokens[:, -1:]
            start = 0
        added = _adding(vectors.repeat_interleave(n, 0), start)
        edits: dict[Site, Edit] = dict.fromkeys(sites, added)
        rows = tokens.repeat(len(vectors), 1)
        for _ in range(n_tokens):
            logits = adapter.run(rows, edits=edits, prefix=prefix).logits[:, -1]
            rows = torch.cat([rows, logits.argmax(-1, keepdim=True)], dim=1)
        new = rows[:, tokens.shape[1] :].view(len(vectors), n, n_tokens)
        found |= dict(zip(batch.members, new.unbind(1), strict=True))
        progress.report(f"{adapter.name} goes on", len(found), len(prompts))
    return tuple(
        Continued(
            id=prompt.id,
            label=prompt.label,
            tokens=(by_way := tuple(map(tuple, found[i].tolist()))),
            texts=tuple(adapter.tokenizer.decode(list(one)) for one in by_way),
        )
        for i, prompt in enumerate(prompts)
    )


def _adding(by_row: Tensor, start: int) -> Edit:
    """Add to each row its vector, from the token of the pass with this number on."""
    return lambda x: torch.cat([x[:, :start], x[:, start:] + by_row[:, None].to(x)], dim=1)
