"""Tokens at the beginning that every row of a batch shares, run once.

Attention is causal, so no patch after these tokens changes them. Later tokens read nothing of them
but their keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer


class Prefix(Cache):  # type: ignore[misc]
    """Keys and values of the shared tokens, in the form that Hugging Face models read them.

    A pass reads them and changes nothing, so that one prefix serves many passes.
    """

    def __init__(self, layers: Sequence[_Layer]) -> None:
        super().__init__(layers=list(layers))
        self.n_rows, n_tokens = layers[0].n_rows, layers[0].keys.shape[-2]
        self.n_tokens = int(n_tokens)

    @staticmethod
    def of(module: PreTrainedModel, tokens: Tensor, after: Prefix | None = None) -> Prefix:
        """Run the tokens [row, pos], which follow those of another prefix where there is one."""
        # without the config it keeps all tokens, also where a layer will look at few
        filled = DynamicCache()
        for i, layer in enumerate(after.layers if after else ()):
            filled.update(layer.of_rows(layer.keys), layer.of_rows(layer.values), i)
        with torch.no_grad():
            # without the head: nothing reads what comes after these tokens
            module.base_model(tokens, past_key_values=filled, use_cache=True)
        return Prefix([_Layer(layer.keys, layer.values) for layer in filled.layers])

    def pick(self, rows: Sequence[int]) -> Prefix:
        """These rows of it, in this order, each as often as it is named. Nothing is copied."""
        return Prefix([_Layer(layer.keys, layer.values, tuple(rows)) for layer in self.layers])

    @property
    def n_bytes(self) -> int:
        """The size of what it holds."""
        held = (tensor for layer in self.layers for tensor in (layer.keys, layer.values))
        return sum(tensor.numel() * tensor.element_size() for tensor in held)


class _Layer(DynamicLayer):  # type: ignore[misc]
    """One layer of a prefix: all of its rows, or those that were picked."""

    def __init__(self, keys: Tensor, values: Tensor, rows: tuple[int, ...] | None = None) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values, self.rows = keys, values, rows

    @property
    def n_rows(self) -> int:
        return len(self.keys if self.rows is None else self.rows)

    def of_rows(self, shared: Tensor) -> Tensor:
        """The picked rows of keys or values."""
        return shared if self.rows is None else shared[list(self.rows)]

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Put the shared tokens before those of this pass, and forget the latter."""
        return self._before(self.keys, key_states), self._before(self.values, value_states)

    def _before(self, shared: Tensor, own: Tensor) -> Tensor:
        # rows come in groups of as many as the prefix has
        mine = self.of_rows(shared)
        return torch.cat([mine.repeat(len(own) // len(mine), 1, 1, 1), own], dim=-2)
