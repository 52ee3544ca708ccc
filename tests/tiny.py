"""Tiny random models of every architecture, as plain Hugging Face modules."""

from __future__ import annotations

from functools import cache

import torch
from architectures import BUILD, N_HEADS as N_HEADS, N_LAYERS as N_LAYERS, VOCABULARY as VOCABULARY
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from pytest_interp.adapters import ModelAdapter, Weights, open_adapter
from pytest_interp.models import load_model

ARCHITECTURES = ("gpt2", "llama", "qwen2", "qwen3", "gemma3")
"""Those that every test of a method runs on; :mod:`architectures` has more of them."""


def tiny_module(architecture: str, seed: int = 0) -> PreTrainedModel:
    """A random model whose norms and biases are random too, with eager attention."""
    torch.manual_seed(seed)
    module = BUILD[architecture]()
    module.set_attn_implementation("eager")
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            # the defaults (ones, zeros and a small spread) would hide many mistakes
            noise = torch.randn_like(parameter)
            is_gain = "norm" in name or "ln_" in name
            parameter.copy_(1 + 0.3 * noise if is_gain and parameter.ndim == 1 else 0.2 * noise)
        for name, buffer in module.named_buffers():
            if name.endswith("layer_scalar"):  # of Gemma 4
                buffer.uniform_(0.5, 1.5)
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
    if model in BUILD:
        return open_adapter(tiny_weights(model), backend)
    return load_model(model, backend, device="cpu", dtype="float32")
