"""What sites must sum to, on every architecture; and what a wrong place looks like."""

from dataclasses import replace

import pytest
from tiny import ARCHITECTURES, adapter_of, tiny_module, tiny_tokenizer, tiny_weights

from pytest_interp.adapters import (
    ModulePlace,
    Weights,
    backend_names,
    open_adapter,
    register_layout,
)
from pytest_interp.models.arithmetic import RELATIONS, moved_by_a_large_edit
from pytest_interp.models.check import check_model

PROMPT = "w1 w2 w3 w20 w5"
NAMES = [relation.name for relation in RELATIONS]


@pytest.mark.guarantee(
    "green",
    "What a model's sites must sum to is checked: the stream, heads, attention and neurons.",
    sees="rows of pytest-interp models check: ok, DIFFERS, or not applicable and why",
)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_what_must_hold_holds_on_every_architecture(model, backend):
    adapter = adapter_of(model, backend)
    tokens = adapter.encode(PROMPT)
    for relation in RELATIONS:
        if model == "gemma3" and relation.name in NAMES[2:]:
            assert "a norm behind it" in relation.applies(adapter)
        else:
            assert relation.applies(adapter) == ""
            assert relation.error(adapter, tokens) < 1e-6


def test_the_check_lists_each_of_them():
    found = {one.name: one for one in check_model(tiny_weights("gemma3"), ["nnsight"], PROMPT)}
    assert set(NAMES) < set(found)
    assert all(one.holds for one in found.values())
    assert [bool(found[name].not_applicable) for name in NAMES] == [False, False, True, True]
    assert found["large edit at v"].at_least
    assert found["identity at q"].differences == {"nnsight": 0.0}


@pytest.mark.parametrize(
    ("wrong", "broken"),
    [
        ({"v": ModulePlace("self_attn.k_proj", "output")}, {"pattern @ v = head"}),
        ({"mlp_out": "post_attention_layernorm"}, {NAMES[0]}),
        ({"resid_mid": "input_layernorm"}, set()),
    ],
    ids=["v", "mlp_out", "resid_mid"],
)
def test_a_wrong_place_is_caught(wrong, broken):
    """Also where plain hooks read the same wrong place: they have it from the same layout."""
    layout = adapter_of("llama", "nnsight").layout
    register_layout(replace(layout, **wrong), replace=True)
    found = check_model(tiny_weights("llama"), ["nnsight"], PROMPT)
    assert broken <= {one.name for one in found if not one.holds}
    for one in found:
        if one.name in broken and one.reasons:
            assert "a site is read at the wrong place" in one.reasons[0]
    assert any(not one.holds for one in found)


def test_rounding_is_told_from_a_wrong_place():
    module = tiny_module("llama").bfloat16()
    weights = Weights("half", module, tiny_tokenizer(), "random")
    (heads,) = [
        one for one in check_model(weights, ["nnsight"], PROMPT, limit=1e-9) if one.name == NAMES[2]
    ]
    assert heads.holds
    assert "in float64 by" in heads.reasons[0]
    assert heads.reasons[0].endswith("that is rounding")


def test_an_edit_that_does_nothing_is_seen(monkeypatch):
    adapter = open_adapter(tiny_weights("llama"), "nnsight")
    tokens = adapter.encode(PROMPT)
    kind = adapter.sites("pattern")[0].kind
    assert moved_by_a_large_edit(adapter, kind, tokens) > 1e-3
    run = type(adapter).run
    monkeypatch.setattr(
        type(adapter), "run", lambda self, ids, edits=None, **rest: run(self, ids, **rest)
    )
    assert moved_by_a_large_edit(adapter, kind, tokens) == 0
