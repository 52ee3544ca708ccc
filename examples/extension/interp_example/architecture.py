"""An architecture: where the modules of StarCoder 2 are. It serves every backend."""

from pytest_interp.adapters import Layout, ModulePlace, register_layout

STARCODER2 = register_layout(
    Layout(
        name="starcoder2",
        model_types=("starcoder2",),
        embed="model.embed_tokens",
        blocks="model.layers",
        attention="self_attn",
        z="self_attn.o_proj",
        # what is added to the stream is what these give, or the norm behind them where there is one
        attn_out="self_attn",
        resid_mid="post_attention_layernorm",
        mlp_out="mlp",
        final_norm="model.norm",
        q=ModulePlace("self_attn.q_proj", "output"),
        k=ModulePlace("self_attn.k_proj", "output"),
        v=ModulePlace("self_attn.v_proj", "output"),
        neurons="mlp.c_proj",
    )
)
