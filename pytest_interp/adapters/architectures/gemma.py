"""Gemma from its second version on: norms before and behind attention and MLP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_interp.adapters.architectures.llama import LLAMA
from pytest_interp.adapters.architectures.settings import SHOWN_TOO_LATE, in_wrapper
from pytest_interp.adapters.layouts import ANY, Layout, register_layout

_SHARED = "it reads keys and values of another layer, or takes its keys for values"
_MORE_THAN_BRANCHES = "a block adds more than attention and MLP, and multiplies their sum"


def _each_with_its_own(layout: Layout, config: Any) -> Layout:
    """Inputs of each layer, and keys and values that layers share, are of the rows that began."""
    reasons = []
    if own_inputs := bool(config.hidden_size_per_layer_input):
        reasons.append("each layer has inputs that were made from the tokens")
    if config.num_kv_shared_layers:
        reasons.append("layers read keys and values of earlier ones")
    adds_more = "what it makes of inputs of its own" if own_inputs else ""
    return replace(layout, one_batch=", and ".join(reasons), adds_more=adds_more)


_GEMMA3 = register_layout(
    replace(
        LLAMA,
        name="gemma3",
        model_types=("gemma3_text",),
        # norms follow attention and the MLP: what the stream gets is the output of these norms
        attn_out="post_attention_layernorm",
        resid_mid="pre_feedforward_layernorm",
        mlp_out="post_feedforward_layernorm",
        special="norms before and behind attention and MLP; embeddings are scaled in their module; "
        "most layers look back over a window alone; norms add 1 to their gain",
    )
)
register_layout(
    replace(
        _GEMMA3,
        model_types=("gemma2",),
        special="as gemma3_text; scores of attention and logits are capped",
    )
)
register_layout(
    replace(
        in_wrapper(_GEMMA3),
        model_types=("gemma3",),
        special="the text model of one that also sees: as gemma3_text, its logits never capped",
    )
)
_GEMMA4 = register_layout(
    replace(
        _GEMMA3,
        name="gemma4",
        model_types=("gemma4_text",),
        some_lack=dict.fromkeys(("k", "v"), _SHARED),
        breaks={
            "resid_pre + attn_out + mlp_out = resid_post": _MORE_THAN_BRANCHES,
            "pattern @ v = head": "values are normed behind the site v",
        },
        unwritable={
            ANY: {"resid_mid": _MORE_THAN_BRANCHES},
            "transformer_lens": {"pattern": SHOWN_TOO_LATE},
        },
        block_scale="layer_scalar",
        cuts_positions=True,
        fit=_each_with_its_own,
        special="as gemma3_text; later layers read keys and values of earlier ones; each layer "
        "adds inputs of its own, made from the tokens, and multiplies what leaves it",
    )
)
register_layout(
    replace(
        in_wrapper(_GEMMA4),
        model_types=("gemma4",),
        caps_as_text=True,
        special="the text model of one that also sees: as gemma4_text",
    )
)
