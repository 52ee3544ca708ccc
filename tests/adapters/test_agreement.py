"""The cross-backend claim: same tokens, same next-token distribution."""

from __future__ import annotations

import pytest
import torch
from tiny import MODELS, adapter_of

PROMPTS = {"smollm2-135m": "The capital of France is"}


@pytest.mark.parametrize("model", MODELS)
def test_backends_give_one_distribution(model):
    """KL in nats; rounding in float32 alone gives about 1e-9."""
    one, other = (adapter_of(model, backend) for backend in ("transformer_lens", "nnsight"))
    prompt = PROMPTS.get(model, "w3 w14 w15 w9 w26 w5")
    tokens = one.encode(prompt)
    assert torch.equal(tokens, other.encode(prompt))
    p, q = (a.run(tokens, logits="all").logits.double().log_softmax(-1) for a in (one, other))
    kl = (p.exp() * (p - q)).sum(-1)
    assert kl.abs().max() < 1e-7
    reference = one.weights.module(tokens).logits.double().log_softmax(-1)
    assert (reference - p).abs().max() < 1e-4


def test_two_backends_share_one_set_of_tensors():
    one, other = (adapter_of("smollm2-135m", b) for b in ("transformer_lens", "nnsight"))
    assert one.weights is other.weights
    pristine = {p.data_ptr() for p in one.weights.module.parameters()}
    for wrapped in (one._bridge, other._model._module):
        tensors = [p for p in wrapped.parameters() if p.numel() > 1]
        assert tensors
        # a backend may add small tensors of its own, never a copy of a weight
        extra = sum(p.numel() for p in tensors if p.data_ptr() not in pristine)
        assert extra < 1e5
