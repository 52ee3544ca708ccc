"""What sites must sum to, on every architecture; and what a wrong place looks like."""

import pytest
from tiny import ARCHITECTURES, adapter_of, tiny_weights

from pytest_interp.adapters import backend_names
from pytest_interp.models.arithmetic import RELATIONS, Handover
from pytest_interp.models.check import check_model
from pytest_interp.models.influence import INFLUENCES

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
    for one in (Handover(), *RELATIONS, *INFLUENCES):
        why_not = one.why_not(adapter, tokens)
        if why_not:
            assert one.name in (MIDDLE, BESIDE), why_not
        else:
            assert one.error(adapter, tokens) < 1e-5, one.name


def test_the_check_lists_each_of_them():
    found = {one.name: one for one in check_model(tiny_weights("gemma3"), ["nnsight"], PROMPT)}
    assert all(one.holds for one in found.values())
    lacking = [name for name, one in found.items() if one.status == "not applicable"]
    assert lacking == [BESIDE]
    assert {STREAM, MIDDLE, WEIGHTED, HEADS, NEURONS, HANDOVER, QUERY, KEY} < set(found)
    assert found["large edit at v"].at_least
    assert found["identity at q"].differences == {"nnsight": 0.0}
