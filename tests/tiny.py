"""Tiny random models of every architecture, as plain Hugging Face modules."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from pytest_interp.adapters import ModelAdapter, Weights, open_adapter
from pytest_interp.models import load_model

VOCABULARY = 61
N_LAYERS = 4
N_HEADS = 4

# The width of a head is not d_model / n_heads where the architecture allows it, and keys and
# values are shared between heads, to catch code that assumes otherwise.
_COMMON = {
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
_BUILD: dict[str, Callable[[], PreTrainedModel]] = {
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY,
            n_embd=32,
            n_layer=N_LAYERS,
            n_head=N_HEADS,
            n_positions=64,
            bos_token_id=0,
            eos_token_id=0,
        )
    ),
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**_COMMON, head_dim=12)),
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(**_COMMON)),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**_COMMON, head_dim=12)),
    # a window shorter than the prompts, and a soft-cap on the logits
    "gemma3": lambda: Gemma3ForCausalLM(
        Gemma3TextConfig(
            **_COMMON,
            head_dim=12,
            sliding_window=3,
            layer_types=["sliding_attention", "full_attention"] * 2,
            final_logit_softcapping=5.0,
        )
    ),
}
ARCHITECTURES = tuple(_BUILD)


def tiny_module(architecture: str, seed: int = 0) -> PreTrainedModel:
    """A random model whose norms and biases are random too, with eager attention."""
    torch.manual_seed(seed)
    module = _BUILD[architecture]()
    module.set_attn_implementation("eager")
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            # the defaults (ones, zeros and a small spread) would hide many mistakes
            noise = torch.randn_like(parameter)
            is_gain = "norm" in name or "ln_" in name
            parameter.copy_(1 + 0.3 * noise if is_gain and parameter.ndim == 1 else 0.2 * noise)
    return module.eval().requires_grad_(False)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Words w0 to w59, one token each."""
    words = {"<unk>": 0, **{f"w{i}": i + 1 for i in range(VOCABULARY - 1)}}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        model_input_names=["input_ids", "attention_mask"],
    )


@cache
def tiny_weights(architecture: str) -> Weights:
    """Weights of a tiny model, the same ones for every test."""
    return Weights(f"tiny-{architecture}", tiny_module(architecture), tiny_tokenizer(), "random")


MODELS = (*ARCHITECTURES, "smollm2-135m")


@cache
def adapter_of(model: str, backend: str) -> ModelAdapter:
    """A tiny model or a real one under a backend, the same one for every test of a process."""
    if model in ARCHITECTURES:
        return open_adapter(tiny_weights(model), backend)
    return load_model(model, backend, device="cpu", dtype="float32")
