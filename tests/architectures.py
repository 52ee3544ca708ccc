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
_EXPERTS = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 20}
_QWEN3_5 = _COMMON | {
    "head_dim": 12,
    "attention_bias": True,
    "layer_types": ["linear_attention", "full_attention"] * 2,
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
    "linear_conv_kernel_dim": 3,
}
_GEMMA4 = (_COMMON | _WINDOW) | {
    "head_dim": 12,
    "global_head_dim": 16,
    "hidden_size_per_layer_input": 6,
    "vocab_size_per_layer_input": VOCABULARY,
    "num_kv_shared_layers": 2,
    "final_logit_softcapping": 5.0,
}
_VISION: dict[str, dict[str, Any]] = {
    "Gemma3": {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2},
    "Mistral3": {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2},
    "Qwen3_5": {"hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "depth": 1},
    "Gemma4": {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2},
}


def _seeing(family: str, text: str, **settings: Any) -> PreTrainedModel:
    """A model that also sees, whose half that sees is as small as can be."""
    of_text = getattr(transformers, f"{text}Config")(**_COMMON | settings)
    both = getattr(transformers, f"{family}Config")(
        text_config=of_text.to_dict(),
        vision_config=_VISION[family] | {"num_hidden_layers": 1},
        image_token_index=60,
    )
    return getattr(transformers, f"{family}ForConditionalGeneration")(both)


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
    "gemma3-seeing": partial(_seeing, "Gemma3", "Gemma3Text", head_dim=12, **_WINDOW),
    "mistral": _of("Mistral", head_dim=12, sliding_window=3),
    "gemma": _of("Gemma", head_dim=12),
    "olmo": _of("Olmo", clip_qkv=0.9, attention_bias=True),
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
    "qwen3_moe": _of("Qwen3Moe", head_dim=12, mlp_only_layers=[1, 2], **_EXPERTS),
    "qwen2_moe": _of(
        "Qwen2Moe", mlp_only_layers=[1, 2], shared_expert_intermediate_size=12, **_EXPERTS
    ),
    "olmoe": _of("Olmoe", num_experts=5, num_experts_per_tok=2, attention_bias=True, clip_qkv=0.9),
    "mixtral": _of("Mixtral", num_local_experts=5, num_experts_per_tok=2),
    "gpt_oss": _of("GptOss", head_dim=12, num_local_experts=5, num_experts_per_tok=2, **_WINDOW),
    "mistral3": partial(_seeing, "Mistral3", "Mistral", head_dim=12),
    "qwen3_5_text": partial(_model, "Qwen3_5ForCausalLM", "Qwen3_5TextConfig", **_QWEN3_5),
    "qwen3_5": partial(_seeing, "Qwen3_5", "Qwen3_5Text", **_QWEN3_5),
    "gemma4_text": partial(_model, "Gemma4ForCausalLM", "Gemma4TextConfig", **_GEMMA4),
    "gemma4": partial(_seeing, "Gemma4", "Gemma4Text", **_GEMMA4),
}
