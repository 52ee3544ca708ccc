"""The architectures of this package: where their modules are, and what is special in each.

The table of architectures in ``docs/backends.md`` is written from these rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_interp.adapters.layouts import Layout, register_layout
from pytest_interp.adapters.places import ModulePlace


def _multiplied(layout: Layout, config: Any) -> Layout:
    return replace(
        layout,
        embed_scale=config.embedding_multiplier,
        branch_scale=config.residual_multiplier,
    )


def _parts_of_each_head(path: str, count: int = 3) -> list[ModulePlace]:
    """Places in what one projection gives, where each head has all of its parts side by side."""
    return [
        ModulePlace(path, "output", part=(number, count), in_each_head=True)
        for number in range(count)
    ]


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


def _beside_if_asked(layout: Layout, config: Any) -> Layout:
    return replace(layout, resid_mid=None) if config.use_parallel_residual else layout


register_layout(
    Layout(
        name="gpt2",
        model_types=("gpt2",),
        embed="transformer.drop",
        blocks="transformer.h",
        attention="attn",
        z="attn.c_proj",
        attn_out="attn",
        resid_mid="ln_2",
        mlp_out="mlp",
        final_norm="transformer.ln_f",
        q=ModulePlace("attn.c_attn", "output", part=(0, 3)),
        k=ModulePlace("attn.c_attn", "output", part=(1, 3)),
        v=ModulePlace("attn.c_attn", "output", part=(2, 3)),
        neurons="mlp.c_proj",
        leftovers=("*.attn.bias", "*.attn.masked_bias"),  # the causal mask, and what it writes
        special="positions are added to the embeddings; one projection gives queries, keys and "
        "values, a third each",
    )
)
_LLAMA = register_layout(
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
    register_layout(replace(_LLAMA, model_types=(_type,), special=_special))
register_layout(
    replace(
        _LLAMA,
        model_types=("granite",),
        fit=_multiplied,
        special="embeddings, and what attention and MLP give, are multiplied by numbers of the "
        "config before they enter the stream: the sites hold what enters",
    )
)
register_layout(
    replace(
        _LLAMA,
        name="phi3",
        model_types=("phi3",),
        fit=_fused_by_size,
        special="one projection gives queries, keys and values, each of its own size; another "
        "gives gates and neurons",
    )
)
register_layout(
    replace(
        _LLAMA,
        name="stablelm",
        model_types=("stablelm",),
        fit=_beside_if_asked,
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
            _LLAMA,
            name="olmo2",
            model_types=(_type,),
            attn_out="post_attention_layernorm",
            resid_mid="mlp",
            mlp_out="post_feedforward_layernorm",
            special=_special,
        )
    )
_NEOX_Q, _NEOX_K, _NEOX_V = _parts_of_each_head("attention.query_key_value")
register_layout(
    Layout(
        name="gpt_neox",
        model_types=("gpt_neox",),
        embed="gpt_neox.emb_dropout",
        blocks="gpt_neox.layers",
        attention="attention",
        z="attention.dense",
        attn_out="attention",
        resid_mid="post_attention_layernorm",
        mlp_out="mlp",
        final_norm="gpt_neox.final_layer_norm",
        q=_NEOX_Q,
        k=_NEOX_K,
        v=_NEOX_V,
        neurons="mlp.dense_4h_to_h",
        leftovers=("*.attention.bias", "*.attention.masked_bias", "*.rotary_emb.inv_freq"),
        fit=_beside_if_asked,
        special="one projection gives queries, keys and values, head by head; attention and MLP "
        "side by side unless use_parallel_residual is false",
    )
)
register_layout(
    replace(
        _LLAMA,
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
        _LLAMA,
        name="cohere",
        model_types=("cohere",),
        resid_mid=None,
        special="attention and MLP side by side, behind one LayerNorm; logits are multiplied by a "
        "number of the config",
    )
)
register_layout(
    Layout(
        name="gpt_neo",
        model_types=("gpt_neo",),
        embed="transformer.drop",
        blocks="transformer.h",
        attention="attn",
        z="attn.attention.out_proj",
        attn_out="attn",
        resid_mid="ln_2",
        mlp_out="mlp",
        final_norm="transformer.ln_f",
        q=ModulePlace("attn.attention.q_proj", "output"),
        k=ModulePlace("attn.attention.k_proj", "output"),
        v=ModulePlace("attn.attention.v_proj", "output"),
        pattern=ModulePlace("attn.attention.attn_dropout", "output"),
        neurons="mlp.c_proj",
        unwritable={
            "transformer_lens": {
                "pattern": "TransformerLens shows it when nothing reads it any more: use nnsight"
            }
        },
        leftovers=("*.attn.attention.bias", "*.attn.attention.masked_bias"),
        special="every second layer looks back over a window alone; scores are not divided by the "
        "root of the width of a head; a block gives a tuple",
    )
)
_GEMMA3 = register_layout(
    replace(
        _LLAMA,
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
# the text half of the models that also see
register_layout(
    replace(
        _GEMMA3,
        model_types=("gemma3",),
        embed="model.language_model.embed_tokens",
        blocks="model.language_model.layers",
        final_norm="model.language_model.norm",
        special="the text model of one that also sees: as gemma3_text, its logits never capped",
    )
)
