"""Write compiled matrices into real Hugging Face models.

Every norm gets a random gain, and in GPT-2 a bias. Each matrix that reads after the norm undoes
them: code that forgets a norm, or folds it wrongly, gets other numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from pytest_interp.errors import ExperimentError
from pytest_interp.planted.blocks import ROTARY_BASE, Block, Shape
from pytest_interp.planted.features import Array, width_needed
from pytest_interp.planted.heads import dims_needed
from pytest_interp.planted.mechanism import Mechanism
from pytest_interp.planted.wiring import QUIET_BIAS, Matrices

Tensors = dict[str, Array]
N_POSITIONS = 64


@dataclass(frozen=True)
class Architecture:
    """One kind of model: what its blocks are made of, and how to build and to fill one."""

    n_heads: int
    n_kv_heads: int
    head_dim: int | None
    """None: the width divided by the number of heads."""
    gated: bool
    qk_norm: bool
    rotary: bool
    config: Callable[[Matrices], dict[str, Any]]
    """What its config says besides what all of them say."""
    fill: Callable[[Matrices, np.random.Generator], Tensors]


def shape_of(plan: Mechanism, arch: str, d_model: int | None, what: str) -> Shape:
    """Sizes that hold a mechanism; by default the smallest multiple of 16 as width, at least 64.

    Raises:
        ExperimentError: the width that is asked for does not fit. ``what`` says what it must hold.
    """
    kind = ARCHITECTURES[arch]
    per_head = max(map(dims_needed, plan.movers))
    needed = width_needed(plan)
    if kind.head_dim is None:
        needed = max(needed, kind.n_heads * per_head)
    width = d_model or max(64, _round_up(needed, 16))
    if width < needed or width % (2 * kind.n_heads):
        raise ExperimentError(
            f"d_model is {width}: {what} on {arch!r} need at least {needed}, and a "
            f"multiple of {2 * kind.n_heads}; widen it, or leave it out"
        )
    n_rules = max(sum(rule.layer == i for rule in plan.rules) for i in range(plan.n_layers))
    head_dim = kind.head_dim and max(kind.head_dim, _round_up(per_head, 8))
    return Shape(
        d_model=width,
        n_layers=plan.n_layers,
        n_heads=kind.n_heads,
        n_kv_heads=kind.n_kv_heads,
        head_dim=head_dim or width // kind.n_heads,
        d_mlp=_round_up(2 * n_rules + 40, 16),
        gated=kind.gated,
        qk_norm=kind.qk_norm,
        rotary=kind.rotary,
    )


def _round_up(n: int, step: int) -> int:
    return -(-n // step) * step


def write(name: str, matrices: Matrices, rng: np.random.Generator) -> Any:
    """A model in evaluation mode, float32, eager attention, without gradients."""
    from transformers import AutoConfig, AutoModelForCausalLM

    arch = ARCHITECTURES[name]
    config = AutoConfig.for_model(
        name,
        vocab_size=len(matrices.embedding),
        hidden_size=matrices.shape.d_model,
        num_hidden_layers=matrices.shape.n_layers,
        num_attention_heads=matrices.shape.n_heads,
        max_position_embeddings=N_POSITIONS,
        tie_word_embeddings=False,
        bos_token_id=0,
        eos_token_id=0,
        **arch.config(matrices),
    )
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers are not ours to draw
        module = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    module = module.float().eval().requires_grad_(False)
    parameters = dict(module.named_parameters())
    tensors = arch.fill(matrices, rng)
    if parameters.keys() != tensors.keys():
        raise RuntimeError(
            f"this transformers has other names for the parameters of {type(module).__name__}: "
            f"{sorted(parameters.keys() ^ tensors.keys())}"
        )
    for parameter, values in tensors.items():
        parameters[parameter].copy_(torch.from_numpy(np.ascontiguousarray(values)))
    return module


def _flat(heads: Array) -> Array:
    """``[head, head_dim, d_model]`` as a projection ``[head * head_dim, d_model]``."""
    return heads.reshape(-1, heads.shape[-1])


def _flat_output(heads: Array) -> Array:
    """``[head, d_model, head_dim]`` as a projection ``[d_model, head * head_dim]``."""
    return heads.transpose(1, 0, 2).reshape(heads.shape[1], -1)


def _gain(rng: np.random.Generator, size: int) -> Array:
    return rng.uniform(0.5, 1.5, size=size)


def _fill_gpt2(m: Matrices, rng: np.random.Generator) -> Tensors:
    tensors: Tensors = {}

    def norm(name: str) -> tuple[Array, Array]:
        gain, bias = _gain(rng, m.shape.d_model), 0.2 * rng.normal(size=m.shape.d_model)
        tensors[f"{name}.weight"], tensors[f"{name}.bias"] = gain, bias
        return gain, bias

    def reading(name: str, matrix: Array, after: tuple[Array, Array]) -> None:
        gain, bias = after
        tensors[f"{name}.weight"] = (matrix / gain).T  # Conv1D keeps [in, out]
        tensors[f"{name}.bias"] = -(matrix / gain) @ bias

    def writing(name: str, matrix: Array) -> None:
        tensors[f"{name}.weight"] = matrix.T
        tensors[f"{name}.bias"] = QUIET_BIAS * m.quiet[rng.integers(len(m.quiet))]

    tensors["transformer.wte.weight"] = m.embedding
    tensors["transformer.wpe.weight"] = m.positions
    for layer, block in enumerate(m.blocks):
        at = f"transformer.h.{layer}"
        joined = np.concatenate([_flat(part) for part in (block.query, block.key, block.value)])
        reading(f"{at}.attn.c_attn", joined, norm(f"{at}.ln_1"))
        writing(f"{at}.attn.c_proj", _flat_output(block.output))
        reading(f"{at}.mlp.c_fc", block.gate, norm(f"{at}.ln_2"))
        writing(f"{at}.mlp.c_proj", block.down)
    gain, _ = norm("transformer.ln_f")
    # the head has no bias that could undo this one, so the norm's lies where no word reads
    tensors["transformer.ln_f.bias"] = gain * m.quiet.sum(axis=0)
    tensors["lm_head.weight"] = m.unembedding / gain
    return tensors


def _rotary_config(m: Matrices) -> dict[str, Any]:
    return {
        "intermediate_size": m.shape.d_mlp,
        "num_key_value_heads": m.shape.n_kv_heads,
        "head_dim": m.shape.head_dim,
        "rope_parameters": {"rope_type": "default", "rope_theta": ROTARY_BASE},
    }


def _fill_rotary(m: Matrices, rng: np.random.Generator) -> Tensors:
    tensors: Tensors = {"model.embed_tokens.weight": m.embedding}

    def norm(name: str) -> Array:
        tensors[f"{name}.weight"] = _gain(rng, m.shape.d_model)
        return tensors[f"{name}.weight"]

    for layer, block in enumerate(m.blocks):
        at = f"model.layers.{layer}"
        gain = norm(f"{at}.input_layernorm")
        for name in ("query", "key", "value"):
            matrix = _flat(getattr(block, name))
            tensors[f"{at}.self_attn.{name[0]}_proj.weight"] = matrix / gain
        tensors[f"{at}.self_attn.o_proj.weight"] = _flat_output(block.output)
        gain = norm(f"{at}.post_attention_layernorm")
        tensors[f"{at}.mlp.gate_proj.weight"] = block.gate / gain
        tensors[f"{at}.mlp.up_proj.weight"] = block.up / gain
        tensors[f"{at}.mlp.down_proj.weight"] = block.down
        if m.shape.qk_norm:
            tensors[f"{at}.self_attn.q_norm.weight"] = _head_gain(m, block, rng)
            tensors[f"{at}.self_attn.k_norm.weight"] = _head_gain(m, block, rng)
    tensors["lm_head.weight"] = m.unembedding / norm("model.norm")
    return tensors


def _head_gain(m: Matrices, block: Block, rng: np.random.Generator) -> Array:
    # A working head has few nonzero dimensions, of which the norm leaves sign * sqrt(head_dim)
    # in one, or a share of that in each: the scores are set here.
    gain = _gain(rng, m.shape.head_dim)
    for dim, score in block.scores.items():
        gain[dim] = np.sqrt(score / np.sqrt(m.shape.head_dim))
    return gain


ARCHITECTURES = {
    "gpt2": Architecture(
        4, 4, None, False, False, False, lambda m: {"n_inner": m.shape.d_mlp}, _fill_gpt2
    ),
    "qwen3": Architecture(4, 2, 24, True, True, True, _rotary_config, _fill_rotary),
    "llama": Architecture(4, 1, 24, True, False, True, _rotary_config, _fill_rotary),
}
"""By the ``model_type`` of their configs."""
