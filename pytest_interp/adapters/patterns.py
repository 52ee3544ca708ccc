"""A place at which the attention pattern of a Hugging Face model is read and written.

Eager attention computes the pattern inside of one function, and returns it when nothing reads it
any more. A twin therefore gets an empty module in each attention. The model's own function runs
first. The pattern then goes through that module, and where it comes back changed, it is
multiplied with the values again, as the model itself does that: an identity edit changes no bit.
"""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.masking_utils import eager_mask

from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.places import PATTERN_MODULE
from pytest_interp.adapters.weights import Weights

_NAME = "eager_with_a_place_for_the_pattern"
NO_PLACE = (
    "attention is not the eager function of transformers, into which a place for it is put: name a "
    "module through which it goes as pattern of the layout"
)


def twin_with_patterns(weights: Weights, layout: Layout) -> PreTrainedModel:
    """A :meth:`Weights.twin` in which the site ``pattern`` can be written.

    Where the architecture has an eager attention of another form, it stays as it is.
    """
    twin = weights.twin()
    if layout.pattern is None and takes_a_place(twin, layout.blocks, layout.attention):
        for attention in _attentions(twin, layout.blocks, layout.attention):
            attention.add_module(PATTERN_MODULE, nn.Identity())
            attention.config._attn_implementation = _NAME
    return twin


def takes_a_place(module: nn.Module, blocks: str, attention: str) -> bool:
    """Whether a place for the pattern can be made: attention is the eager one of transformers."""
    return all(map(_is_eager, _attentions(module, blocks, attention)))


def said_where_unseen(layout: Layout, module: nn.Module, backend: str) -> Layout:
    """The layout, which says that a backend of plain modules has no ``pattern`` where it has none.

    Args:
        layout: that of the model.
        module: the model.
        backend: its name.
    """
    known = "pattern" in layout.lacks or layout.pattern is not None
    if known or takes_a_place(module, layout.blocks, layout.attention):
        return layout
    unseen = {backend: {"pattern": NO_PLACE, **layout.unseen.get(backend, {})}}
    return replace(layout, unseen={**layout.unseen, **unseen})


def _attentions(module: nn.Module, blocks: str, attention: str) -> list[Any]:
    listed: Any = module.get_submodule(blocks)
    named = [dict(block.named_modules()).get(attention) for block in listed]
    return [one for one in named if one is not None]


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
