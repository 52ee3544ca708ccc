"""Experiments on labelled prompts as one pass for each number, with plain torch hooks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import hooks
import numpy as np
import torch

from pytest_interp.facts.labelled import PromptSet


def ids_of(tokenizer, prompts: PromptSet) -> list[torch.Tensor]:
    return [torch.tensor([tokenizer(p.text)["input_ids"]]) for p in prompts]


def margin(logits: torch.Tensor, abstaining: Sequence[int]) -> float:
    """Best abstaining logit minus the best other one, by a loop."""
    row = logits.double().tolist()
    return max(row[i] for i in abstaining) - max(
        x for i, x in enumerate(row) if i not in abstaining
    )


@torch.no_grad()
def changed(module, tokens: torch.Tensor, changes) -> torch.Tensor:
    """Last logits where several sites are rewritten: [(kind, layer, function)]."""
    with ExitStack() as stack:
        for kind, layer, fn in changes:
            stack.enter_context(hooks.hooked(module, kind, layer, fn))
        return module(tokens, use_cache=False).logits[0, -1]


def adding(vector: np.ndarray, positions: str):
    moved = torch.tensor(vector, dtype=torch.float32)

    def add(x: torch.Tensor) -> torch.Tensor:
        x = x.clone()
        if positions == "all":
            return x + moved
        x[:, -1] += moved
        return x

    return add


def projecting(vectors: np.ndarray, positions: str = "all"):
    """Out of the span of one vector [d_model], or of several [n, d_model]."""
    basis = torch.tensor(np.linalg.qr(np.atleast_2d(vectors).T)[0], dtype=torch.float32)

    def project(x: torch.Tensor) -> torch.Tensor:
        free = x - x @ basis @ basis.T
        if positions == "all":
            return free
        return torch.cat([x[:, :-1], free[:, -1:]], dim=1)

    return project


def writers(n_layers: int, fn):
    """Everything that writes to the residual stream, rewritten by one function."""
    found = [("embed", None, fn)]
    for layer in range(n_layers):
        found += [("attn_out", layer, fn), ("mlp_out", layer, fn)]
    return found
