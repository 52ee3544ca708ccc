"""The architectures of this package: where their modules are, and what is special in each.

The table of architectures in ``docs/backends.md`` is written from these rows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_interp.adapters.layouts import ANY, Layout, register_layout
from pytest_interp.adapters.places import ModulePlace

_ROUTER = "a router sends each token to some of many experts: there is no one row of neurons"


_SHOWN_TOO_LATE = "TransformerLens shows it when nothing reads it any more: use nnsight"
_RECURRENT = "it is linear attention, which has a state in place of heads that look at tokens"
_SHARED = "it reads keys and values of another layer, or takes its keys for values"
_MORE_THAN_BRANCHES = "a block adds more than attention and MLP, and multiplies their sum"


def _in_wrapper(layout: Layout) -> Layout:
    """The text half of a model that also sees."""
    inside = {
        name: getattr(layout, name).replace("model.", "model.language_model.", 1)
        for name in ("embed", "blocks", "final_norm")
    }
    return replace(layout, **inside)


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


def _each_with_its_own(layout: Layout, config: Any) -> Layout:
    """Inputs of each layer, and keys and values that layers share, are of the rows that began."""
    reasons = []
    if config.hidden_size_per_layer_input:
        reasons.append("each layer has inputs that were made from the tokens")
    if config.num_kv_shared_layers:
        reasons.append("layers read keys and values of earlier ones")
    return replace(layout, one_batch=", and ".join(reasons))


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
        unwritable={"transformer_lens": {"pattern": _SHOWN_TOO_LATE}},
        leftovers=("*.attn.attention.bias", "*.attn.attention.masked_bias"),
        special="every second layer looks back over a window alone; scores are not divided by the "
        "root of the width of a head; a block gives a tuple",
    )
)
register_layout(
    replace(
        _LLAMA,
        name="qwen3_moe",
        model_types=("qwen3_moe",),
        some_lack={"mlp_neurons": _ROUTER},
        special="a router and experts in place of one MLP, in the layers that the config names; "
        "an edit may change which experts are chosen",
    )
)
for _type, _special in {
    "mixtral": "a router and experts in place of one MLP, in every layer",
    "gpt_oss": "as mixtral, and its MLP gives a tuple; each head has a sink, so that the rows of a "
    "pattern sum to less than 1; every second layer looks back over a window alone",
}.items():
    register_layout(
        replace(
            _LLAMA,
            name=_type,
            model_types=(_type,),
            neurons=None,
            lacks={"mlp_neurons": _ROUTER},
            special=_special,
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
register_layout(
    replace(
        _in_wrapper(_GEMMA3),
        model_types=("gemma3",),
        special="the text model of one that also sees: as gemma3_text, its logits never capped",
    )
)
register_layout(
    replace(
        _in_wrapper(_LLAMA),
        model_types=("mistral3",),
        special="the text model of one that also sees: as mistral",
    )
)
_QWEN3_5 = register_layout(
    replace(
        _LLAMA,
        name="qwen3_5",
        model_types=("qwen3_5_text",),
        q=ModulePlace("self_attn.q_proj", "output", part=(0, 2), in_each_head=True),
        attn_out_else="linear_attn",
        some_lack=dict.fromkeys(("q", "k", "v", "pattern", "head"), _RECURRENT),
        breaks={"pattern @ v = head": "a gate multiplies what each head gives"},
        no_prefix="its layers of linear attention hand on a state, and no keys and values",
        special="three of four layers are linear attention, with a state in place of keys and "
        "values; in the others a gate multiplies what each head gives before the site head",
    )
)
register_layout(
    replace(
        _in_wrapper(_QWEN3_5),
        model_types=("qwen3_5",),
        special="the text model of one that also sees: as qwen3_5_text",
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
            "transformer_lens": {"pattern": _SHOWN_TOO_LATE},
        },
        cuts_positions=True,
        fit=_each_with_its_own,
        special="as gemma3_text; later layers read keys and values of earlier ones; each layer "
        "adds inputs of its own, made from the tokens, and multiplies what leaves it",
    )
)
register_layout(
    replace(
        _in_wrapper(_GEMMA4),
        model_types=("gemma4",),
        special="the text model of one that also sees: as gemma4_text",
    )
)
