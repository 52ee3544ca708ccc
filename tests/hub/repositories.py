"""Repositories as the hub has them, with tiny weights: the same files, tensor names and configs.

In each model one layer moves a fact, and all others do nothing: its attention reads every token
alike and turns France into Paris, Japan into Tokyo and hydrogen into oxygen. Before that layer the
fact is on the subject's token, behind it on the last one.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

COMMIT = "607a30d783dfa663caf39e06633721c8d4cfcd7e"
TEXT = "The capital of France is Paris The capital of Japan is Tokyo"
OTHER_TEXT = "Water is made of hydrogen and oxygen"
MOVES = {" France": " Paris", " Japan": " Tokyo", " hydrogen": " oxygen"}
WIDTH = 128
STRENGTH = 60.0
"""How much of an answer is written, in units of an embedding. The last token reads 5 or 6."""
Files = dict[str, Any]
"""By name, what is written as JSON or, where it is a text, as it is."""


def gpt2(n_layers: int, at: int) -> tuple[Files, dict[str, Tensor]]:
    """What openai-community/gpt2 and gpt2-medium hold: no prefix, masks, and a head that is tied.

    No ``tokenizer_class`` is named, and the tensors are those of older versions of transformers.
    """
    files = _tokenizer_files(normalizers.Sequence([]))
    files |= {
        "tokenizer_config.json": {"model_max_length": 1024},
        "config.json": {
            "activation_function": "gelu_new",
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.1,
            "bos_token_id": 0,
            "embd_pdrop": 0.1,
            "eos_token_id": 0,
            "initializer_range": 0.02,
            "layer_norm_epsilon": 1e-05,
            "model_type": "gpt2",
            "n_ctx": 64,
            "n_embd": WIDTH,
            "n_head": 4,
            "n_layer": n_layers,
            "n_positions": 64,
            "resid_pdrop": 0.1,
            "summary_activation": None,
            "summary_first_dropout": 0.1,
            "summary_proj_to_labels": True,
            "summary_type": "cls_index",
            "summary_use_proj": True,
            "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
            "vocab_size": len(files["vocab.json"]),
        },
    }
    embedding = torch.eye(WIDTH)[: len(files["vocab.json"])]
    tensors = {"wte.weight": embedding, "wpe.weight": torch.zeros(64, WIDTH)}
    for layer in range(n_layers):
        block = f"h.{layer}"
        joined = torch.zeros(WIDTH, 3 * WIDTH)
        if layer == at:
            joined[:, 2 * WIDTH :] = _moves(files["vocab.json"])
        tensors |= {
            f"{block}.attn.bias": torch.ones(64, 64).tril()[None, None],
            f"{block}.attn.c_attn.weight": joined,
            f"{block}.attn.c_attn.bias": torch.zeros(3 * WIDTH),
            f"{block}.attn.c_proj.weight": torch.eye(WIDTH),
            f"{block}.attn.c_proj.bias": torch.zeros(WIDTH),
            f"{block}.mlp.c_fc.weight": torch.zeros(WIDTH, 4 * WIDTH),
            f"{block}.mlp.c_fc.bias": torch.zeros(4 * WIDTH),
            f"{block}.mlp.c_proj.weight": torch.zeros(4 * WIDTH, WIDTH),
            f"{block}.mlp.c_proj.bias": torch.zeros(WIDTH),
        }
        for norm in ("ln_1", "ln_2"):
            tensors[f"{block}.{norm}.weight"] = torch.ones(WIDTH)
            tensors[f"{block}.{norm}.bias"] = torch.zeros(WIDTH)
    tensors |= {"ln_f.weight": torch.ones(WIDTH), "ln_f.bias": torch.zeros(WIDTH)}
    return files, tensors


def qwen3(n_layers: int, at: int) -> tuple[Files, dict[str, Tensor]]:
    """What Qwen/Qwen3-0.6B holds: bfloat16, and a tied head that is stored as well.

    The embedding has more rows than the tokenizer has tokens.
    """
    files = _tokenizer_files(normalizers.NFC())
    heads, shared, width = 8, 4, 32
    rows = len(files["vocab.json"]) + 8
    files |= {
        "tokenizer_config.json": {
            "add_bos_token": False,
            "add_prefix_space": False,
            "bos_token": None,
            "chat_template": "{% for message in messages %}{{ message.content }}{% endfor %}",
            "clean_up_tokenization_spaces": False,
            "eos_token": "<|endoftext|>",
            "errors": "replace",
            "model_max_length": 131072,
            "pad_token": "<|endoftext|>",
            "split_special_tokens": False,
            "tokenizer_class": "Qwen2Tokenizer",
            "unk_token": None,
        },
        "config.json": {
            "architectures": ["Qwen3ForCausalLM"],
            "attention_bias": False,
            "attention_dropout": 0.0,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "head_dim": width,
            "hidden_act": "silu",
            "hidden_size": WIDTH,
            "initializer_range": 0.02,
            "intermediate_size": 48,
            "max_position_embeddings": 40960,
            "max_window_layers": n_layers,
            "model_type": "qwen3",
            "num_attention_heads": heads,
            "num_hidden_layers": n_layers,
            "num_key_value_heads": shared,
            "rms_norm_eps": 1e-06,
            "rope_scaling": None,
            "rope_theta": 1000000,
            "sliding_window": None,
            "tie_word_embeddings": True,
            "torch_dtype": "bfloat16",
            "transformers_version": "4.51.0",
            "use_cache": True,
            "use_sliding_window": False,
            "vocab_size": rows,
        },
        "generation_config.json": {"do_sample": True, "temperature": 0.6, "top_p": 0.95},
    }
    embedding = torch.eye(WIDTH)[:rows]
    # the values of all heads side by side hold an embedding; each is shared by two query heads
    gathered = torch.zeros(WIDTH, heads * width)
    for i in range(WIDTH):
        gathered[i, (i // width) * 2 * width + i % width] = 1
    tensors = {"model.embed_tokens.weight": embedding, "lm_head.weight": embedding.clone()}
    for layer in range(n_layers):
        block = f"model.layers.{layer}"
        value = _moves(files["vocab.json"]).T if layer == at else torch.zeros(WIDTH, WIDTH)
        tensors |= {
            f"{block}.self_attn.q_proj.weight": torch.zeros(heads * width, WIDTH),
            f"{block}.self_attn.k_proj.weight": torch.zeros(shared * width, WIDTH),
            f"{block}.self_attn.v_proj.weight": value.contiguous(),
            f"{block}.self_attn.o_proj.weight": gathered.clone(),
            f"{block}.mlp.gate_proj.weight": torch.zeros(48, WIDTH),
            f"{block}.mlp.up_proj.weight": torch.zeros(48, WIDTH),
            f"{block}.mlp.down_proj.weight": torch.zeros(WIDTH, 48),
        }
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{block}.{norm}.weight"] = torch.ones(WIDTH)
        for norm in ("self_attn.q_norm", "self_attn.k_norm"):
            tensors[f"{block}.{norm}.weight"] = torch.ones(width)
    tensors["model.norm.weight"] = torch.ones(WIDTH)
    return files, {name: tensor.bfloat16() for name, tensor in tensors.items()}


def _moves(vocabulary: dict[str, int]) -> Tensor:
    """What a token adds to those that read it [d_model of the token, d_model]."""
    matrix = torch.zeros(WIDTH, WIDTH)
    for subject, answer in MOVES.items():
        matrix[_id(vocabulary, subject), _id(vocabulary, answer)] = STRENGTH / WIDTH**0.5
    return matrix


def _id(vocabulary: dict[str, int], word: str) -> int:
    return vocabulary[word.replace(" ", "Ġ")]


def _tokenizer_files(normalizer: Any) -> Files:
    """A byte-level BPE in which each word of the specs is one token, as on the hub."""
    core = Tokenizer(models.BPE())
    core.normalizer = normalizer
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000, special_tokens=["<|endoftext|>"], show_progress=False
    )
    core.train_from_iterator([TEXT, OTHER_TEXT], trainer)
    whole = json.loads(core.to_str())
    merges = [" ".join(pair) for pair in whole["model"]["merges"]]
    return {
        "tokenizer.json": whole,
        "vocab.json": whole["model"]["vocab"],
        "merges.txt": "\n".join(["#version: 0.2", *merges, ""]),
    }


def write_folder(folder: Path, files: Files, tensors: dict[str, Tensor]) -> Path:
    """The files of a repository, side by side."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / name).write_text(text, encoding="utf-8")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def write_cache(cache: Path, repo: str, folder: Path) -> Path:
    """Put a folder into a cache as a download leaves it: blobs, links to them, a ref.

    Returns:
        The snapshot.
    """
    root = cache / f"models--{repo.replace('/', '--')}"
    snapshot = root / "snapshots" / COMMIT
    for place in (root / "blobs", root / "refs", snapshot):
        place.mkdir(parents=True)
    (root / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    for file in folder.iterdir():
        content = file.read_bytes()
        blob = hashlib.sha256(content).hexdigest()
        (root / "blobs" / blob).write_bytes(content)
        (snapshot / file.name).symlink_to(Path("..", "..", "blobs", blob))
    return snapshot
