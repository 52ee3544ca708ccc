"""A place at which the attention pattern of a Hugging Face model is read and written.

Eager attention computes the pattern inside of one function, and returns it when nothing reads it
any more. A twin therefore gets an empty module in each attention. The model's own function runs
first. The pattern then goes through that module, and where it comes back changed, it is
multiplied with the values again, as the model itself does that: an identity edit changes no bit.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.places import PATTERN_MODULE
from pytest_interp.adapters.weights import Weights

_NAME = "eager_with_a_place_for_the_pattern"


def twin_with_patterns(weights: Weights, layout: Layout) -> PreTrainedModel:
    """A :meth:`Weights.twin` in which the site ``pattern`` can be written.

    Where the architecture has an eager attention of another form, it stays as it is.
    """
    twin = weights.twin()
    blocks: Any = twin.get_submodule(layout.blocks)
    named = [dict(block.named_modules()).get(layout.attention) for block in blocks]
    attentions: list[Any] = [attention for attention in named if attention is not None]
    if layout.pattern is None and all(map(_is_eager, attentions)):
        for attention in attentions:
            attention.add_module(PATTERN_MODULE, nn.Identity())
            attention.config._attn_implementation = _NAME
    return twin


def _is_eager(attention: nn.Module) -> bool:
    config: Any = getattr(attention, "config", None)
    own = getattr(attention, "reorder_and_upcast_attn", False)  # gpt2's other way
    eager = getattr(config, "_attn_implementation", None) == "eager"
    return eager and not own and "eager_attention_forward" in _home(attention)


def _home(attention: nn.Module) -> dict[str, Any]:
    """What the architecture's module holds, also where it was imported anew since."""
    found: dict[str, Any] = inspect.unwrap(type(attention).forward).__globals__
    return found


def _attend(
    attention: nn.Module, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any
) -> tuple[Tensor, Tensor]:
    attend = _home(attention)["eager_attention_forward"]
    out, pattern = attend(attention, query, key, value, *args, **kwargs)
    new = getattr(attention, PATTERN_MODULE)(pattern)
    if new is pattern:
        return out, pattern
    values = value.repeat_interleave(query.shape[1] // value.shape[1], dim=1)
    return torch.matmul(new, values).transpose(1, 2).contiguous(), new


AttentionInterface.register(_NAME, _attend)
AttentionMaskInterface.register(_NAME, eager_mask)
