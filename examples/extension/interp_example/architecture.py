"""An architecture: where the modules of OLMo 2 are. It serves every backend."""

from pytest_interp.adapters import Layout, ModulePlace, register_layout

OLMO2 = register_layout(
    Layout(
        name="olmo2",
        model_types=("olmo2",),
        embed="model.embed_tokens",
        blocks="model.layers",
        attention="self_attn",
        z="self_attn.o_proj",
        # norms follow attention and MLP: what is added to the stream is their output
        attn_out="post_attention_layernorm",
        resid_mid="mlp",
        mlp_out="post_feedforward_layernorm",
        final_norm="model.norm",
        q=ModulePlace("self_attn.q_proj", "output"),
        k=ModulePlace("self_attn.k_proj", "output"),
        v=ModulePlace("self_attn.v_proj", "output"),
        neurons="mlp.down_proj",
    )
)
