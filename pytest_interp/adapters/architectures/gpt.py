"""Architectures with the names of GPT-2, and GPT-NeoX."""

from __future__ import annotations

from pytest_interp.adapters.architectures.settings import SHOWN_TOO_LATE, beside_if_asked
from pytest_interp.adapters.layouts import Layout, register_layout
from pytest_interp.adapters.places import ModulePlace


def _parts_of_each_head(path: str, count: int = 3) -> list[ModulePlace]:
    """Places in what one projection gives, where each head has all of its parts side by side."""
    return [
        ModulePlace(path, "output", part=(number, count), in_each_head=True)
        for number in range(count)
    ]


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
        unwritable={"transformer_lens": {"pattern": SHOWN_TOO_LATE}},
        leftovers=("*.attn.attention.bias", "*.attn.attention.masked_bias"),
        special="every second layer looks back over a window alone; scores are not divided by the "
        "root of the width of a head; a block gives a tuple",
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
        fit=beside_if_asked,
        special="one projection gives queries, keys and values, head by head; attention and MLP "
        "side by side unless use_parallel_residual is false",
    )
)
