"""Architectures with the names of Llama, and what is special in each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_interp.adapters.architectures.settings import (
    beside_if_asked,
    clipped_if_asked,
    in_wrapper,
)
from pytest_interp.adapters.layouts import Layout, register_layout
from pytest_interp.adapters.places import ModulePlace


def _multiplied(layout: Layout, config: Any) -> Layout:
    return replace(
        layout,
        embed_scale=config.embedding_multiplier,
        branch_scale=config.residual_multiplier,
        logit_scale=1 / config.logits_scaling,
    )


def _louder(layout: Layout, config: Any) -> Layout:
    return replace(layout, logit_scale=config.logit_scale)


def _fused_by_size(layout: Layout, config: Any) -> Layout:
    """One projection gives queries, keys and values, one behind the other, of their own sizes."""
    heads, shared = config.num_attention_heads, config.num_key_value_heads
    path, total = "self_attn.qkv_proj", heads + 2 * shared
    return replace(
        layout,
        q=ModulePlace(path, "output", part=(0, total), n_parts=heads),
        k=ModulePlace(path, "output", part=(heads, total), n_parts=shared),
        v=ModulePlace(path, "output", part=(heads + shared, total), n_parts=shared),
    )


LLAMA = register_layout(
    Layout(
        name="llama",
        model_types=("llama",),
        embed="model.embed_tokens",
        blocks="model.layers",
        attention="self_attn",
        z="self_attn.o_proj",
        attn_out="self_attn",
        resid_mid="post_attention_layernorm",
        mlp_out="mlp",
        final_norm="model.norm",
        q=ModulePlace("self_attn.q_proj", "output"),
        k=ModulePlace("self_attn.k_proj", "output"),
        v=ModulePlace("self_attn.v_proj", "output"),
        neurons="mlp.down_proj",
        leftovers=("*.rotary_emb.inv_freq",),  # frequencies of the rotary positions
        special="several heads may share a key-value head, as in most that follow",
    )
)
for _type, _special in {
    "qwen2": "queries, keys and values have biases",
    "qwen3": "each head's queries and keys are normed, behind the sites q and k",
    "mistral": "attention may look back over a window alone",
    "gemma": "the module of the embedding scales it by the root of its width; norms add 1 to their "
    "gain",
    "smollm3": "no rotary positions in every fourth layer",
}.items():
    register_layout(replace(LLAMA, model_types=(_type,), special=_special))
register_layout(
    replace(
        LLAMA,
        model_types=("olmo",),
        fit=clipped_if_asked,
        special="LayerNorm without gain or bias; queries, keys and values may be clipped behind "
        "their sites",
    )
)
register_layout(
    replace(
        LLAMA,
        model_types=("granite",),
        fit=_multiplied,
        special="embeddings, and what attention and MLP give, are multiplied by numbers of the "
        "config before they enter the stream: the sites hold what enters; logits are divided by "
        "another",
    )
)
register_layout(
    replace(
        LLAMA,
        name="phi3",
        model_types=("phi3",),
        fit=_fused_by_size,
        special="one projection gives queries, keys and values, each of its own size; another "
        "gives gates and neurons",
    )
)
register_layout(
    replace(
        LLAMA,
        name="stablelm",
        model_types=("stablelm",),
        fit=beside_if_asked,
        special="LayerNorm; rotary positions for a part of each head; attention and MLP side by "
        "side where the config says use_parallel_residual",
    )
)
for _type, _special in {
    "olmo2": "norms follow attention and MLP alone: resid_mid is what enters the MLP",
    "olmo3": "as olmo2; most layers look back over a window alone",
}.items():
    register_layout(
        replace(
            LLAMA,
            name="olmo2",
            model_types=(_type,),
            attn_out="post_attention_layernorm",
            resid_mid="mlp",
            mlp_out="post_feedforward_layernorm",
            special=_special,
        )
    )
register_layout(
    replace(
        LLAMA,
        name="phi",
        model_types=("phi",),
        z="self_attn.dense",
        resid_mid=None,
        final_norm="model.final_layernorm",
        neurons="mlp.fc2",
        special="attention and MLP side by side, behind one LayerNorm; one dropout serves both; "
        "the unembedding has a bias",
    )
)
register_layout(
    replace(
        LLAMA,
        name="cohere",
        model_types=("cohere",),
        resid_mid=None,
        fit=_louder,
        special="attention and MLP side by side, behind one LayerNorm; logits are multiplied by a "
        "number of the config",
    )
)
register_layout(
    replace(
        in_wrapper(LLAMA),
        model_types=("mistral3",),
        special="the text model of one that also sees: as mistral",
    )
)
