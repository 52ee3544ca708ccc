"""Tiny random models on disk: four architectures, one word-level tokenizer."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def save_tiny(folder: Path, architecture: str = "gpt2", seed: int = 0) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

    words = ["<unk>", "the", "capital", "of", "France", "Japan", "is", "Paris", "Tokyo"]
    core = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, unk_token="<unk>")
    sizes = {
        "vocab_size": len(words),
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    if architecture != "gpt2":
        sizes |= {"intermediate_size": 32, "num_key_value_heads": 1, "head_dim": 8}
    ids = {"bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0}
    config = AutoConfig.for_model(architecture, **sizes, **ids)
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def tiny(tmp_path):
    """The folder of a tiny gpt2."""
    return save_tiny(tmp_path / "tiny")


@pytest.fixture
def smollm2():
    """The name of the real SmolLM2, which the tests' environment has."""
    from pytest_interp.models.registry import SMOLLM2

    SMOLLM2.check()
    return "smollm2-135m"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache of the hub with two revisions of one repository, the first of them sharded."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    home = tmp_path / "hub" / "models--org--tiny"
    for seed, (commit, ref) in enumerate({"a" * 40: "main", "b" * 40: "v1"}.items()):
        folder = save_tiny(home / "snapshots" / commit, seed=seed)
        (home / "refs").mkdir(exist_ok=True)
        (home / "refs" / ref).write_text(commit)
        (home / "blobs").mkdir(exist_ok=True)
        blob = home / "blobs" / f"blob{seed}"
        shutil.move(folder / "model.safetensors", blob)
        (folder / "model.safetensors").symlink_to(f"../../blobs/blob{seed}")
    return home


@pytest.fixture
def adapted(tmp_path):
    """A LoRA adapter beside its base model, and the change of the weights that it makes."""
    import torch
    from safetensors.torch import save_file

    base = save_tiny(tmp_path / "base", "llama")
    folder = tmp_path / "adapter"
    folder.mkdir()
    said = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": str(base),
        "r": 2,
        "lora_alpha": 6,
        "target_modules": ["v_proj"],
    }
    (folder / "adapter_config.json").write_text(json.dumps(said))
    torch.manual_seed(0)
    tensors, changes = {}, {}
    for layer in (0, 1):
        path = f"model.layers.{layer}.self_attn.v_proj"
        a, b = torch.randn(2, 16), torch.randn(8, 2)
        tensors[f"base_model.model.{path}.lora_A.weight"] = a
        tensors[f"base_model.model.{path}.lora_B.weight"] = b
        changes[f"{path}.weight"] = 3 * b @ a
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    return folder, base, changes
