"""Module paths of every architecture for :mod:`hooks`, written without a look at the package."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedModel

Paths = dict[str, Any]

_GPT2 = {
    "embed": "transformer.drop",
    "blocks": "transformer.h",
    "attn": "attn",
    "o_proj": "attn.c_proj",
    "mid": "ln_2",
    "mlp": ["ln_2", "mlp"],
    "down": "mlp.c_proj",
    "norm": "transformer.ln_f",
}
_LLAMA = {
    "embed": "model.embed_tokens",
    "blocks": "model.layers",
    "attn": "self_attn",
    "o_proj": "self_attn.o_proj",
    "mid": "post_attention_layernorm",
    "mlp": ["post_attention_layernorm", "mlp"],
    "down": "mlp.down_proj",
    "norm": "model.norm",
}
_GEMMA3 = {
    **_LLAMA,
    "mid": "pre_feedforward_layernorm",
    "mlp": ["pre_feedforward_layernorm", "mlp", "post_feedforward_layernorm"],
    "attn_norm": "post_attention_layernorm",
}
_OLMO2 = {
    **_LLAMA,
    "mid": "mlp",
    "mlp": ["mlp", "post_feedforward_layernorm"],
    "attn_norm": "post_attention_layernorm",
}
_NEOX = {
    "embed": "gpt_neox.emb_dropout",
    "blocks": "gpt_neox.layers",
    "attn": "attention",
    "o_proj": "attention.dense",
    "mid": "post_attention_layernorm",
    "mlp": ["post_attention_layernorm", "mlp"],
    "down": "mlp.dense_4h_to_h",
    "norm": "gpt_neox.final_layer_norm",
}
_QWEN3_5 = {**_LLAMA, "attn_else": "linear_attn"}
_PATHS: dict[str, Paths] = {
    "gpt2": _GPT2,
    "gpt_neo": {**_GPT2, "inner": "attn.attention", "o_proj": "attn.attention.out_proj"},
    "gpt_neox": _NEOX,
    "phi": {
        **_LLAMA,
        "o_proj": "self_attn.dense",
        "down": "mlp.fc2",
        "norm": "model.final_layernorm",
    },
    "gemma2": _GEMMA3,
    "gemma3": _GEMMA3,
    "gemma3_text": _GEMMA3,
    # what is made of the embeddings for each layer is no part of the stream
    "gemma4": {**_GEMMA3, "embed": None},
    "gemma4_text": {**_GEMMA3, "embed": None},
    "qwen3_5": _QWEN3_5,
    "qwen3_5_text": _QWEN3_5,
    "olmo2": _OLMO2,
    "olmo3": _OLMO2,
    # embeddings are multiplied outside of their module
    "granite": {**_LLAMA, "embed": None},
}


def paths_of(module: PreTrainedModel) -> Paths:
    """The paths, and the number by which what a branch gives is multiplied."""
    config = module.config
    found = _PATHS.get(config.model_type, _LLAMA)
    if hasattr(module.base_model, "language_model"):
        found = {
            **found,
            **{
                name: f"model.language_model.{path[6:]}"
                for name, path in found.items()
                if isinstance(path, str) and path.startswith("model.")
            },
        }
    return {**found, "scale": getattr(config, "residual_multiplier", 1.0)}
