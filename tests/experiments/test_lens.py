"""The logit lens, against the model's own norm and head applied by hand.

Float32: probabilities agree to about 1e-6 and logits to 1e-5 on the tiny models.
"""

from __future__ import annotations

import hooks
import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, adapter_of

from pytest_interp import logit_lens
from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError, PromptError

PROMPT = "w3 w14 w15 w9 w26 w5"


def by_hand(module, tokens, layer, position):
    """Logits of a layer's residual stream at one position: norm, head, soft-cap."""
    residual = hooks.read(module, tokens, "resid_post", layer)[0, position]
    norm = module.transformer.ln_f if hasattr(module, "transformer") else module.model.norm
    logits = module.lm_head(norm(residual))
    cap = getattr(module.config, "final_logit_softcapping", None)
    return logits if cap is None else cap * torch.tanh(logits / cap)


@pytest.mark.parametrize("position", [-1, 2])
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
def test_every_layer_reads_as_by_hand(model, backend, position):
    adapter = adapter_of(model, backend)
    lens = logit_lens(adapter, PROMPT, "w31", position=position)
    module, tokens = adapter.weights.module, adapter.encode(PROMPT)
    for layer in range(adapter.n_layers):
        logits = by_hand(module, tokens, layer, position)
        order = logits.argsort(descending=True)
        own = logits[lens.answer_id]
        assert lens.answer_prob[layer] == pytest.approx(
            logits.softmax(-1)[lens.answer_id].item(), abs=1e-6
        )
        assert lens.answer_rank[layer] == (order == lens.answer_id).nonzero().item()
        assert lens.top_token[layer] == adapter.tokenizer.decode([order[0].item()])
        top, second = logits[order[0]], logits[order[1]]
        assert lens.top_margin[layer] == pytest.approx((top - second).item(), abs=1e-4)
        best_other = second if order[0] == lens.answer_id else top
        assert lens.answer_margin[layer] == pytest.approx((own - best_other).item(), abs=1e-4)
    final = hooks.logits(module, tokens)[0, position].softmax(-1)[lens.answer_id]
    assert lens.final_prob == pytest.approx(final.item(), abs=1e-6)
    assert lens.final_prob == pytest.approx(lens.answer_prob[-1], abs=1e-6)


@pytest.mark.parametrize("backend", backend_names())
def test_it_takes_one_forward_pass(backend, monkeypatch):
    adapter = adapter_of("llama", backend)
    passes = []
    forward = type(adapter)._forward
    monkeypatch.setattr(
        type(adapter), "_forward", lambda self, *args: passes.append(1) or forward(self, *args)
    )
    logit_lens(adapter, PROMPT, "w31")
    assert len(passes) == 1


def test_some_layers_alone():
    adapter = adapter_of("gemma3", "nnsight")
    whole = logit_lens(adapter, PROMPT, "w31")
    some = logit_lens(adapter, PROMPT, "w31", layers=[0, 2])
    assert some.layers == (0, 2)
    assert some.n_layers == adapter.n_layers == len(whole.layers)
    assert "n_layers" not in some.to_json()
    np.testing.assert_allclose(some.answer_prob, whole.answer_prob[[0, 2]], atol=1e-6)
    assert some.final_prob == pytest.approx(whole.final_prob, abs=1e-6)


@pytest.mark.parametrize("backend", backend_names())
def test_paris_comes_last_in_smollm2(backend):
    """Seen by the model's own output: the top token after the last block is the answer."""
    lens = logit_lens(adapter_of("smollm2-135m", backend), "The capital of France is", " Paris")
    assert lens.crossover_layer == lens.settled_layer == 29
    assert lens.top_token[-1] == " Paris"


class TestErrors:
    def test_a_position_outside_of_the_prompt(self):
        with pytest.raises(ExperimentError, match=r"position 6 .* 6 tokens"):
            logit_lens(adapter_of("gpt2", "nnsight"), PROMPT, "w31", position=6)

    def test_an_answer_without_its_leading_space(self):
        with pytest.raises(PromptError, match="use ' Budapest'"):
            logit_lens(
                adapter_of("smollm2-135m", "nnsight"), "The capital of Hungary is", "Budapest"
            )

    def test_an_empty_prompt(self):
        with pytest.raises(PromptError, match="no token"):
            logit_lens(adapter_of("gpt2", "nnsight"), "", "w31")
