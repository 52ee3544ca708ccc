"""The same maps from TransformerLens's own patching functions, where these take the model."""

import numpy as np
import pytest
import torch
from tiny import adapter_of, tiny_weights
from transformer_lens import patching
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

from pytest_interp import FactPrompt, causal_trace, trace_heads
from pytest_interp.adapters import backend_names
from pytest_interp.facts.prompts import tokenize_fact

FACT = FactPrompt(
    clean_prompt="w3 w14 w15 w9",
    corrupt_prompt="w3 w7 w15 w20",
    answer="w31",
    counterfactual_answer="w8",
)
LARGEST = 1e-5
"""Of logits. Measured: 3e-6."""


@pytest.fixture(scope="module")
def bridge():
    twin = tiny_weights("gpt2").twin()
    return build_bridge_from_module(
        twin, type(twin).__name__, hf_config=twin.config, tokenizer=None
    )


def map_of(bridge, function):
    """[layer, ...] of the metric, by one of its functions."""
    fact = tokenize_fact(FACT, tiny_weights("gpt2").tokenizer)
    clean, corrupt = torch.tensor([fact.clean_ids]), torch.tensor([fact.corrupt_ids])

    def metric(logits):
        return logits[0, -1, fact.answer_id] - logits[0, -1, fact.counterfactual_id]

    with torch.no_grad():
        _, cache = bridge.run_with_cache(clean)
        return getattr(patching, function)(bridge, corrupt, cache, metric).numpy()


@pytest.mark.guarantee(
    "green",
    "Maps of heads, queries, keys, values and patterns agree with TransformerLens's own patching.",
    sees="its numbers, to 1e-5 of a logit",
)
@pytest.mark.parametrize(
    "site", ["head", "v", *(pytest.param(one, marks=pytest.mark.slow) for one in "qk")]
)
def test_heads_by_position(bridge, site):
    part = f"get_act_patch_attn_head_{'out' if site == 'head' else site}"
    theirs, whole = map_of(bridge, f"{part}_by_pos"), map_of(bridge, f"{part}_all_pos")
    for backend in backend_names():
        adapter = adapter_of("gpt2", backend)
        for position in (1, 3):
            ours = trace_heads(adapter, FACT, site=site, position=position, controls=False)
            np.testing.assert_allclose(ours.patched[0], theirs[:, position], atol=LARGEST)
        ours = trace_heads(adapter, FACT, site=site, position="all", controls=False)
        np.testing.assert_allclose(ours.patched[0], whole, atol=LARGEST)
    assert np.ptp(theirs) > 0.1


def test_patterns(bridge):
    theirs = map_of(bridge, "get_act_patch_attn_head_pattern_all_pos")
    for backend in backend_names():
        adapter = adapter_of("gpt2", backend)
        ours = trace_heads(adapter, FACT, site="pattern", position="all", controls=False)
        np.testing.assert_allclose(ours.patched[0], theirs, atol=LARGEST)
    assert np.ptp(theirs) > 0.01


@pytest.mark.parametrize("site", ["resid_pre", "attn_out", "resid_mid", "mlp_out"])
def test_the_stream(bridge, site):
    theirs = map_of(bridge, f"get_act_patch_{site}")
    ours = causal_trace(adapter_of("gpt2", "nnsight"), FACT, site=site, controls=False)
    np.testing.assert_allclose(ours.patched_metric, theirs, atol=LARGEST)
