"""What sites must sum to, on every architecture; and what a wrong place looks like."""

from dataclasses import replace

import pytest
import torch
from tiny import ARCHITECTURES, adapter_of, tiny_weights

from pytest_interp.adapters import ModulePlace, backend_names, open_adapter, register_layout
from pytest_interp.errors import NotAModelError
from pytest_interp.models.arithmetic import RELATIONS, Handover
from pytest_interp.models.check import PROOFS, check_model, measured
from pytest_interp.models.influence import INFLUENCES
from pytest_interp.models.properties import doubling

PROMPT = "w1 w2 w3 w20 w5"
STREAM, MIDDLE, WEIGHTED, HEADS, NEURONS = [relation.name for relation in RELATIONS]
HANDOVER = Handover().name
QUERY, KEY, BESIDE = [one.name for one in INFLUENCES]


@pytest.mark.guarantee(
    "green",
    "What a model's sites must sum to is checked: the stream, heads, attention and neurons.",
    sees="rows of pytest-interp models check: pass, FAIL, or not applicable and why",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_what_must_hold_holds_on_every_architecture(model, backend):
    adapter = adapter_of(model, backend)
    tokens = adapter.encode(PROMPT)
    norms_behind = adapter.layout.attn_out not in (adapter.layout.attention, adapter.layout.z)
    for one in (Handover(), *RELATIONS, *INFLUENCES):
        why_not = one.why_not(adapter, tokens)
        if why_not:
            assert one.name in (MIDDLE, HEADS, NEURONS, BESIDE, WEIGHTED), why_not
            assert (one.name in (HEADS, NEURONS)) <= norms_behind, why_not
        else:
            assert one.error(adapter, tokens) < 1e-5, one.name


def test_the_check_lists_each_of_them():
    found = {one.name: one for one in check_model(tiny_weights("gemma3"), ["nnsight"], PROMPT)}
    assert all(one.holds for one in found.values())
    lacking = [name for name, one in found.items() if one.status == "not applicable"]
    assert lacking == [HEADS, NEURONS, BESIDE]
    assert {STREAM, MIDDLE, WEIGHTED, HANDOVER, QUERY, KEY} < set(found)
    assert "a norm behind it" in found[HEADS].not_applicable["nnsight"]
    assert found["large edit at v"].at_least
    assert found["identity at q"].differences == {"nnsight": 0.0}


def wrong(architecture, **changes):
    """The proofs that fail where the layout of an architecture is changed so."""
    layout = adapter_of(architecture, "nnsight").layout
    register_layout(replace(layout, fit=None, **changes), replace=True)
    adapter = open_adapter(tiny_weights(architecture), "nnsight")
    tokens, double = adapter.encode(PROMPT), doubling()
    found = [measured(one, [adapter], tokens, 1e-4, double) for one in PROOFS]
    for one in found:
        assert one.holds or one.reasons[0].startswith(f"{one.name} under nnsight: ")
    return {one.name for one in found if not one.holds}


def out(path):
    return ModulePlace(path, "output")


LAYOUTS = pytest.mark.guarantee(
    "green",
    "A layout that names a wrong module is found, also where every backend reads the same one.",
    sees="a row of pytest-interp models check that FAILs, with the difference in float64",
)


@LAYOUTS
@pytest.mark.parametrize(
    ("architecture", "changes", "broken"),
    [
        # norms behind the branches, taken as if there were none
        ("gemma3", {"attn_out": "self_attn"}, {STREAM, MIDDLE}),
        ("olmo2", {"attn_out": "self_attn", "mlp_out": "mlp"}, {STREAM, MIDDLE}),
        ("gemma3", {"resid_mid": "post_attention_layernorm"}, {MIDDLE}),
        # side by side taken as one behind the other, and the other way round
        ("cohere", {"resid_mid": "mlp"}, {MIDDLE}),
        ("gpt_neox", {"resid_mid": "post_attention_layernorm"}, {MIDDLE}),
        ("llama", {"resid_mid": None}, {BESIDE}),
        # numbers that multiply
        ("granite", {"branch_scale": 1.0}, {STREAM, MIDDLE}),
        ("granite", {"embed_scale": 1.0}, {HANDOVER}),
        # another module
        ("llama", {"mlp_out": "post_attention_layernorm"}, {STREAM}),
        ("llama", {"resid_mid": "input_layernorm"}, {MIDDLE}),
        ("llama", {"neurons": "mlp.up_proj"}, {NEURONS}),
        ("gpt2", {"embed": "transformer.wte"}, {HANDOVER}),
        ("gpt2", {"final_norm": "lm_head"}, {HANDOVER}),
        # queries, keys and values
        ("llama", {"v": out("self_attn.k_proj")}, {WEIGHTED}),
        ("llama", {"k": out("self_attn.v_proj")}, {KEY}),
        (
            "gpt2",
            {
                "q": ModulePlace("attn.c_attn", "output", part=(1, 3)),
                "k": ModulePlace("attn.c_attn", "output", part=(0, 3)),
            },
            {QUERY, KEY},
        ),
    ],
)
def test_a_wrong_layout_is_caught(architecture, changes, broken):
    assert broken <= wrong(architecture, **changes)


@LAYOUTS
def test_a_list_of_blocks_that_begins_too_late_is_refused():
    weights = tiny_weights("llama").copy()
    model = weights.module.model
    model.later = torch.nn.ModuleList([*model.layers][1:])
    layout = adapter_of("llama", "nnsight").layout
    register_layout(replace(layout, blocks="model.later"), replace=True)
    with pytest.raises(NotAModelError, match=r"3 blocks at model\.later, and its config says 4"):
        open_adapter(weights, "nnsight")
    # as many blocks, the last of which are others than those that run
    model.later.append(model.layers[0])
    found = {one.name: one for one in check_model(weights, ["nnsight"], PROMPT)}
    assert not found[HANDOVER].holds
