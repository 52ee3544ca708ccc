"""Paths into queries, keys and values, from TransformerLens's own direct path patching."""

import numpy as np
import pytest
import torch
from paths_by_hooks import fact
from tiny import N_HEADS, N_LAYERS, adapter_of, tiny_weights
from transformer_lens import patching
from transformer_lens.model_bridge.sources._bridge_builder import build_bridge_from_module

from pytest_interp import path_patching
from pytest_interp.adapters import backend_names
from pytest_interp.facts.prompts import tokenize_fact

LARGEST = 1e-5
"""Of logits. Measured: 1.7e-6."""
SENDER = (1, 3)


@pytest.fixture(scope="module")
def theirs():
    """The metric with each path from the sender, by input [layer, head]."""
    twin = tiny_weights("gpt2").twin()
    bridge = build_bridge_from_module(
        twin, type(twin).__name__, hf_config=twin.config, tokenizer=None
    )
    read = tokenize_fact(fact(), tiny_weights("gpt2").tokenizer)
    clean, corrupt = torch.tensor([read.clean_ids]), torch.tensor([read.corrupt_ids])

    def metric(logits):
        return logits[0, -1, read.answer_id] - logits[0, -1, read.counterfactual_id]

    with torch.no_grad():
        caches = [bridge.run_with_cache(ids)[1] for ids in (clean, corrupt)]
        return {
            part: patching.get_act_patch_direct_path(
                bridge, corrupt, *caches, metric, *SENDER, part, verbose=False
            ).numpy()
            for part in "qkv"
        }


@pytest.mark.guarantee(
    "green",
    "Paths from a head to later queries, keys and values agree with TransformerLens's own.",
    sees="its numbers, to 1e-5 of a logit",
)
@pytest.mark.parametrize("backend", backend_names())
def test_paths_into_every_later_head(theirs, backend):
    places = [
        (part, layer, head)
        for part in "qkv"
        for layer in range(SENDER[0] + 1, N_LAYERS)
        for head in range(N_HEADS)
    ]
    receivers = [f"{part}.{layer}.{head}" for part, layer, head in places]
    found = path_patching(
        adapter_of("gpt2", backend), fact(), "head.1.3", receivers, direction="denoise"
    )
    wanted = np.array([theirs[part][layer, head] for part, layer, head in places])
    np.testing.assert_allclose(found.corrupt[0] + found.change[0, :, 0], wanted, atol=LARGEST)
    assert np.ptp(wanted) > 0.01
