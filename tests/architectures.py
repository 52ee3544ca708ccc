"""Configs of tiny random models, one or more of each architecture.

Biases are asked for wherever an architecture may have them, and every number of a config that
scales something is set to an unusual one, so that what is forgotten shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import transformers
from transformers import PreTrainedModel

VOCABULARY = 61
N_LAYERS = 4
N_HEADS = 4

# The width of a head is not d_model / n_heads where the architecture allows it, and keys and
# values are shared between heads, to catch code that assumes otherwise.
_COMMON: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": N_HEADS,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": 0,
}
_IDS = {"bos_token_id": 0, "eos_token_id": 0}
# a window shorter than the prompts
_WINDOW = {"sliding_window": 3, "layer_types": ["sliding_attention", "full_attention"] * 2}


def _model(name: str, config: str, **settings: Any) -> PreTrainedModel:
    return getattr(transformers, name)(getattr(transformers, config)(**settings))


def _of(family: str, **settings: Any) -> Callable[[], PreTrainedModel]:
    return partial(_model, f"{family}ForCausalLM", f"{family}Config", **_COMMON | settings)


BUILD: dict[str, Callable[[], PreTrainedModel]] = {
    "gpt2": partial(
        _model,
        "GPT2LMHeadModel",
        "GPT2Config",
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=N_LAYERS,
        n_head=N_HEADS,
        n_positions=64,
        **_IDS,
    ),
    "llama": _of("Llama", head_dim=12),
    "qwen2": _of("Qwen2"),
    "qwen3": _of("Qwen3", head_dim=12),
    # and a soft-cap on the logits
    "gemma3": partial(
        _model,
        "Gemma3ForCausalLM",
        "Gemma3TextConfig",
        **_COMMON | _WINDOW,
        head_dim=12,
        final_logit_softcapping=5.0,
    ),
    "mistral": _of("Mistral", head_dim=12, sliding_window=3),
    "gemma": _of("Gemma", head_dim=12),
    "smollm3": _of("SmolLM3", no_rope_layers=[1, 0, 1, 0], attention_bias=True),
    "granite": _of(
        "Granite",
        residual_multiplier=0.37,
        embedding_multiplier=3.0,
        logits_scaling=1.7,
        attention_multiplier=0.21,
        attention_bias=True,
        mlp_bias=True,
    ),
    "phi3": _of("Phi3"),
    "stablelm": _of("StableLm", use_qkv_bias=True, qk_layernorm=True),
    "stablelm-parallel": _of("StableLm", use_qkv_bias=True, use_parallel_residual=True),
    "olmo2": _of("Olmo2", attention_bias=True),
    "olmo3": _of("Olmo3", attention_bias=True, **_WINDOW),
    # it has no shared keys and values
    "gpt_neox": _of("GPTNeoX", num_key_value_heads=N_HEADS),
    "gpt_neox-sequential": _of("GPTNeoX", num_key_value_heads=N_HEADS, use_parallel_residual=False),
    "phi": _of("Phi"),
    "cohere": _of("Cohere", logit_scale=0.7, use_qk_norm=False, attention_bias=True),
    "gpt_neo": partial(
        _model,
        "GPTNeoForCausalLM",
        "GPTNeoConfig",
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_layers=N_LAYERS,
        num_heads=N_HEADS,
        attention_types=[[["global", "local"], 2]],
        window_size=3,
        max_position_embeddings=64,
        **_IDS,
    ),
    "gemma2": _of(
        "Gemma2",
        head_dim=12,
        query_pre_attn_scalar=7,
        attn_logit_softcapping=2.0,
        final_logit_softcapping=5.0,
        attention_bias=True,
        **_WINDOW,
    ),
}
