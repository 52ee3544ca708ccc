"""Tokens at the beginning that every row of a batch shares, run once.

Attention is causal, so no patch after these tokens changes them. Later tokens read nothing of them
but their keys and values.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache, DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from pytest_interp.adapters.state import listed
from pytest_interp.errors import HookError


class Prefix(Cache):  # type: ignore[misc]
    """Keys and values of the shared tokens, in the form that Hugging Face models read them.

    A pass reads them and changes nothing, so that one prefix serves many passes.
    """

    def __init__(self, module: PreTrainedModel, tokens: Tensor) -> None:
        """Run the tokens [row, pos]."""
        # without the config it keeps all tokens, also where a layer will look at few
        filled = DynamicCache()
        with torch.no_grad():
            module(tokens, **behind(module, filled, use_cache=True), logits_to_keep=1)
        super().__init__(layers=[_Layer(layer) for layer in filled.layers])
        self.n_rows, self.n_tokens = tokens.shape

    def check_read(self, by: str) -> None:
        """See to it that the last pass read every layer.

        Raises:
            HookError: it did not, so that it computed without these tokens.
        """
        unread = [str(i) for i, layer in enumerate(self.layers) if not layer.was_read]
        if unread:
            raise HookError(
                f"{by} did not read the tokens that its rows begin with, in layers"
                f" {listed(unread)}: its numbers would be of other prompts. Its version does not"
                " fit that of transformers: install the versions of the constraints file of"
                " pytest-interp, or run under another backend"
            )
        for layer in self.layers:
            layer.was_read = False


class _Layer(DynamicLayer):  # type: ignore[misc]
    """One layer of a prefix."""

    def __init__(self, filled: Any) -> None:
        super().__init__()
        self.lazy_initialization(filled.keys, filled.values)
        self.keys, self.values = filled.keys, filled.values
        self.was_read = False

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Put the shared tokens before those of this pass, and forget the latter."""
        self.was_read = True
        return _before(self.keys, key_states), _before(self.values, value_states)


def _before(shared: Tensor, own: Tensor) -> Tensor:
    # rows come in groups of as many as the prefix has
    return torch.cat([shared.repeat(len(own) // len(shared), 1, 1, 1), own], dim=-2)


def behind(module: nn.Module, cache: Cache | None, use_cache: bool = False) -> dict[str, Any]:
    """What a pass of a Hugging Face model is called with, to go on behind a cache."""
    # renamed in transformers 5.24
    names = inspect.signature(module.forward).parameters
    return {"cache" if "cache" in names else "past_key_values": cache, "use_cache": use_cache}
