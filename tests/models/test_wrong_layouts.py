"""Layouts that are wrong in one thing, one for each trap, and the rows of the check that fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tiny import adapter_of, tiny_weights

from pytest_interp.adapters import ModulePlace, open_adapter, register_layout
from pytest_interp.adapters.nnsight import NNsightAdapter
from pytest_interp.cli import main
from pytest_interp.models.arithmetic import RELATIONS, Handover
from pytest_interp.models.check import OPENS, PROOFS, check_model, measured
from pytest_interp.models.influence import INFLUENCES
from pytest_interp.models.invariance import INVARIANCES
from pytest_interp.models.plain import Logits, PlainHooks
from pytest_interp.models.properties import doubling

PROMPT = "w1 w2 w3 w20 w5"
STREAM, MIDDLE, WEIGHTED, HEADS, NEURONS = [relation.name for relation in RELATIONS]
QUERY, KEY, BESIDE = [one.name for one in INFLUENCES]
PREFIX, MANY, JOINED = [one.name for one in INVARIANCES]
HANDOVER = Handover().name


def out(path: str, **parts: Any) -> ModulePlace:
    return ModulePlace(path, "output", **parts)


FUSED = "attention.query_key_value"
TRAPS: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    # norms behind the branches, taken as if there were none
    "gemma2: the norm behind attention": ("gemma2", {"attn_out": "self_attn"}, {STREAM, MIDDLE}),
    "gemma2: the norm behind the MLP": ("gemma2", {"mlp_out": "mlp"}, {STREAM}),
    "gemma3: the norm behind attention": ("gemma3", {"attn_out": "self_attn"}, {STREAM, MIDDLE}),
    "olmo2: both norms": ("olmo2", {"attn_out": "self_attn", "mlp_out": "mlp"}, {STREAM, MIDDLE}),
    "olmo2: the norm behind taken for one before": (
        "olmo2",
        {"resid_mid": "post_attention_layernorm"},
        {MIDDLE},
    ),
    "gemma3: the wrong one of two norms": (
        "gemma3",
        {"resid_mid": "post_attention_layernorm"},
        {MIDDLE},
    ),
    # side by side taken as one behind the other, and the other way round
    "gpt_neox: sequential": ("gpt_neox", {"resid_mid": "post_attention_layernorm"}, {MIDDLE}),
    "phi: sequential": ("phi", {"resid_mid": "mlp"}, {MIDDLE}),
    "cohere: sequential": ("cohere", {"resid_mid": "mlp"}, {MIDDLE}),
    "gpt_neox-sequential: parallel": ("gpt_neox-sequential", {"resid_mid": None}, {BESIDE}),
    "llama: parallel": ("llama", {"resid_mid": None}, {BESIDE}),
    # numbers that multiply
    "granite: branches not scaled": ("granite", {"branch_scale": 1.0}, {STREAM, MIDDLE}),
    "granite: embedding not scaled": ("granite", {"embed_scale": 1.0}, {HANDOVER}),
    "gemma: embedding scaled twice": ("gemma", {"embed_scale": 32**0.5}, {HANDOVER}),
    "gemma4: more than two branches": ("gemma4_text", {"breaks": {}}, {STREAM, WEIGHTED}),
    # routers and experts
    "mixtral: the router": ("mixtral", {"mlp_out": "mlp.gate"}, {STREAM}),
    "qwen3_moe: the router": ("qwen3_moe", {"mlp_out": "mlp.gate"}, {STREAM}),
    "qwen2_moe: without the shared expert": ("qwen2_moe", {"mlp_out": "mlp.experts"}, {STREAM}),
    "gpt_oss: the router": ("gpt_oss", {"mlp_out": "mlp.router"}, {STREAM}),
    # another module
    "llama: a norm for the MLP": ("llama", {"mlp_out": "post_attention_layernorm"}, {STREAM}),
    "llama: a norm for attention": ("llama", {"attn_out": "input_layernorm"}, {STREAM, HEADS}),
    "llama: half of the MLP": ("llama", {"mlp_out": "mlp.up_proj"}, {STREAM}),
    "llama: the norm before attention": ("llama", {"resid_mid": "input_layernorm"}, {MIDDLE}),
    "llama: neurons before the gate": ("llama", {"neurons": "mlp.up_proj"}, {NEURONS}),
    "gemma3: neurons before the gate": ("gemma3", {"neurons": "mlp.up_proj"}, {NEURONS}),
    "olmo2: z is what enters": ("olmo2", {"z": "self_attn.v_proj"}, {WEIGHTED, HEADS}),
    "gpt2: embedding without positions": ("gpt2", {"embed": "transformer.wte"}, {HANDOVER}),
    "gpt2: the unembedding for the norm": ("gpt2", {"final_norm": "lm_head"}, {HANDOVER}),
    "gemma2: the unembedding for the norm": ("gemma2", {"final_norm": "lm_head"}, {HANDOVER}),
    "gemma3-seeing: the norm of a block": (
        "gemma3-seeing",
        {"final_norm": "model.language_model.layers.3.input_layernorm"},
        {HANDOVER},
    ),
    # lists of blocks
    "gemma3-seeing: blocks that see": (
        "gemma3-seeing",
        {"blocks": "model.vision_tower.vision_model.encoder.layers"},
        {OPENS},
    ),
    "mistral3: blocks outside of the wrapper": ("mistral3", {"blocks": "model.layers"}, {OPENS}),
    # queries, keys and values
    "llama: keys for values": ("llama", {"v": out("self_attn.k_proj")}, {WEIGHTED}),
    "llama: values for keys": ("llama", {"k": out("self_attn.v_proj")}, {KEY}),
    "gpt2: queries and keys changed round": (
        "gpt2",
        {"q": out("attn.c_attn", part=(1, 3)), "k": out("attn.c_attn", part=(0, 3))},
        {QUERY, KEY},
    ),
    "gpt_neox: thirds of all in place of each head's": (
        "gpt_neox",
        {name: out(FUSED, part=(n, 3)) for n, name in enumerate("qkv")},
        {QUERY, KEY, WEIGHTED},
    ),
    "olmo: values that are clipped": ("olmo", {"breaks": {}}, {WEIGHTED}),
    "qwen3_5: a gate behind the heads": ("qwen3_5_text", {"breaks": {}}, {WEIGHTED}),
    # what cuts passes short
    "gemma4: rows that join": ("gemma4_text", {"one_batch": ""}, {JOINED}),
    "qwen3_5: a prefix": ("qwen3_5_text", {"no_prefix": ""}, {PREFIX}),
}
EACH = pytest.mark.parametrize("trap", TRAPS)
LAYOUTS = pytest.mark.guarantee(
    "green",
    "A layout that names a wrong module is found, also where every backend reads the same one.",
    sees="a row of pytest-interp models check that FAILs, with the difference in float64",
)


def spoiled(trap: str) -> set[str]:
    """Register the wrong layout; the rows that must fail."""
    architecture, changes, broken = TRAPS[trap]
    layout = adapter_of(architecture, "nnsight").layout
    register_layout(replace(layout, fit=None, **changes), replace=True)
    return broken


@LAYOUTS
@EACH
def test_a_wrong_layout_is_caught(trap):
    broken, weights = spoiled(trap), tiny_weights(TRAPS[trap][0])
    if broken == {OPENS}:
        (row,) = check_model(weights, ["nnsight"], PROMPT)
        assert row.status == "fail"
        assert "describe its architecture" in row.reasons[0]
        return
    adapter = open_adapter(weights, "nnsight")
    tokens, double = adapter.encode(PROMPT), doubling()
    asked = [one for one in (*INVARIANCES, *PROOFS) if one.name in broken]
    found = [measured(one, [adapter], tokens, 1e-4, double) for one in asked]
    assert {one.name for one in found if not one.holds} == broken
    for one in found:
        assert one.reasons[0].startswith(f"{one.name} under nnsight: ")


@LAYOUTS
@pytest.mark.parametrize(
    "trap",
    [
        pytest.param(trap, marks=[] if trap.startswith("mistral3") else pytest.mark.slow)
        for trap in TRAPS
    ],
)
def test_the_command_names_the_row_and_fails(trap, monkeypatch, capsys):
    broken = spoiled(trap)
    monkeypatch.setattr(
        "pytest_interp.models.load_weights", lambda *_: tiny_weights(TRAPS[trap][0])
    )
    assert main(["models", "check", "the-model", "--prompt", PROMPT]) == 1
    table, _, verdict = capsys.readouterr().out.partition("\nthe-model does not pass: ")
    failing = {line.split("  ")[0] for line in table.splitlines() if line.endswith("FAIL")}
    assert broken <= failing == set(verdict.strip().split(", "))


@LAYOUTS
def test_a_list_of_blocks_that_begins_too_late_is_found():
    weights = tiny_weights("llama").copy()
    model = weights.module.model
    model.later = torch.nn.ModuleList([*model.layers][1:])
    layout = adapter_of("llama", "nnsight").layout
    register_layout(replace(layout, blocks="model.later"), replace=True)
    (row,) = check_model(weights, ["nnsight"], PROMPT)
    assert (row.name, row.status) == (OPENS, "fail")
    assert "3 blocks at model.later, and its config says 4" in row.reasons[0]
    # as many blocks, the last of which are others than those that run
    model.later.append(model.layers[0])
    adapter = open_adapter(weights, "nnsight")
    row = measured(Handover(), [adapter], adapter.encode(PROMPT), 1e-4, doubling())
    assert not row.holds


def uncapped(self, *given):
    logits, cap = FORWARD(self, *given), self.weights.module.config.final_logit_softcapping
    return cap * torch.atanh(logits / cap)


def without_bias(self, *given):
    return FORWARD(self, *given) - self.weights.module.lm_head.bias


FORWARD = NNsightAdapter._forward


@pytest.mark.guarantee(
    "green",
    "A backend that leaves out a soft-cap or a bias of the logits is found.",
    sees="the row logits of pytest-interp models check",
)
@pytest.mark.parametrize(
    ("architecture", "forward"), [("gemma2", uncapped), ("gemma3", uncapped), ("phi", without_bias)]
)
def test_what_a_layout_does_not_name_is_found_in_the_logits(architecture, forward, monkeypatch):
    adapter = open_adapter(tiny_weights(architecture), "nnsight")
    tokens, logits = adapter.encode(PROMPT), Logits(PlainHooks([]))
    assert measured(logits, [adapter], tokens, 1e-4, doubling()).holds
    monkeypatch.setattr(NNsightAdapter, "_forward", forward)
    assert not measured(logits, [adapter], tokens, 1e-4, doubling()).holds


@pytest.mark.parametrize(
    ("architecture", "changes"),
    [
        ("llama", {"neurons": None}),
        ("llama", {"lacks": {"pattern": "nobody looked for it"}}),
        ("llama", {"one_batch": "nobody tried it", "no_prefix": "nobody tried it"}),
        ("phi", {"embed": "model.embed_tokens"}),  # the dropout behind it gives the same
    ],
)
@pytest.mark.slow
def test_what_the_docs_say_that_no_row_can_see(architecture, changes):
    layout = adapter_of(architecture, "nnsight").layout
    register_layout(replace(layout, fit=None, **changes), replace=True)
    found = check_model(tiny_weights(architecture), ["nnsight"], PROMPT)
    assert all(one.holds for one in found)


def test_queries_behind_their_norm_have_another_shape():
    layout = adapter_of("qwen3", "nnsight").layout
    behind = ModulePlace("self_attn.q_norm", "output")
    register_layout(replace(layout, q=behind), replace=True)
    found = check_model(tiny_weights("qwen3"), ["nnsight"], PROMPT)
    assert "read q" in [one.name for one in found if not one.holds]
