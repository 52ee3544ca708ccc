"""What a model makes of token ids before its first block."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor, nn

from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.prefix import Prefix, behind
from pytest_interp.adapters.state import key_of, state_of

_ROWS = 8192
"""So many embeddings are read at a time."""
_stds: dict[str, float] = {}
"""By the state of the embedding: tests may change the weights."""


class _Embedded(Exception):  # noqa: N818 - a signal, not an error
    """The embeddings are there: the rest of the pass is not needed."""


def embed(module: nn.Module, layout: Layout, tokens: Tensor, prefix: Prefix | None) -> Tensor:
    """What enters the first block [row, pos, d_model]. Runs no block."""
    seen: list[Tensor] = []

    def stop(part: nn.Module, inputs: Any, output: Tensor) -> None:
        seen.append(output if layout.embed_scale == 1 else output * layout.embed_scale)
        raise _Embedded

    handle = module.get_submodule(layout.embed).register_forward_hook(stop)
    try:
        with torch.no_grad(), suppress(_Embedded):
            module(tokens, **behind(module, prefix))
    finally:
        handle.remove()
    return seen[0]


def embedding_std(embeddings: nn.Module, n_tokens: int) -> float:
    """Standard deviation over all entries of the embeddings of the first so many tokens."""
    now = key_of(state_of(embeddings, {}))
    if now not in _stds:
        _stds[now] = spread(embeddings, n_tokens)
    return _stds[now]


def spread(embeddings: Any, n_tokens: int) -> float:
    """The same, computed each time. Also of a module as a trace of nnsight has it."""
    count, total, squares = 0, 0.0, 0.0
    with torch.no_grad():
        for ids in torch.arange(n_tokens, device=embeddings.weight.device).split(_ROWS):
            rows = embeddings(ids).double()
            count += rows.numel()
            total += rows.sum().item()
            squares += rows.square().sum().item()
    mean = total / count
    return float(max(squares / count - mean * mean, 0.0) ** 0.5)
