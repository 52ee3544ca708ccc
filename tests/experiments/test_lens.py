"""The logit lens, against the model's own norm and head applied by hand.

Float32: probabilities agree to about 1e-6 and logits to 1e-5 on the tiny models.
"""

from __future__ import annotations

import hooks
import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, VOCABULARY, adapter_of, tiny_module, tiny_tokenizer

from pytest_interp import FactPrompt, FactSet, lens_facts, logit_lens
from pytest_interp.adapters import Weights, backend_names, open_adapter
from pytest_interp.errors import ClaimError, ExperimentError, PromptError

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
def test_it_takes_one_forward_pass(backend, passes):
    adapter, found = passes(backend)
    logit_lens(adapter, PROMPT, "w31")
    assert len(found) == 1


# prompts of six, four and five tokens, in no order of length
FACTS = FactSet.of(
    FactPrompt(clean_prompt=prompt, answer=answer, counterfactual_answer="w30")
    for prompt, answer in (
        (PROMPT, "w31"),
        ("w7 w2 w40 w5", "w8"),
        ("w7 w2 w41 w5", "w31"),
        ("w9 w9 w3 w1 w2", "w12"),
        ("w1 w14 w15 w9 w26 w5", "w2"),
        ("w2 w14 w15 w9 w26 w6", "w31"),
    )
)


@pytest.mark.parametrize("layers", [None, (0, 2)])
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ["gpt2", "gemma3"])
def test_lenses_of_a_set_are_those_of_its_prompts_one_by_one(model, backend, layers):
    adapter = adapter_of(model, backend)
    found = lens_facts(adapter, FACTS, layers)
    assert (found.ids, found.name) == (tuple("012345"), "facts")
    for fact, lens in zip(FACTS.prompts, found, strict=True):
        alone = logit_lens(adapter, fact.clean_prompt, fact.answer, layers=layers)
        for name in ("answer_prob", "answer_margin", "top_margin", "final_prob"):
            np.testing.assert_allclose(getattr(lens, name), getattr(alone, name), atol=1e-5)
        np.testing.assert_array_equal(lens.answer_rank, alone.answer_rank)
        for name in ("prompt", "answer", "answer_id", "position", "str_tokens", "layers"):
            assert getattr(lens, name) == getattr(alone, name)
        assert lens.top_token == alone.top_token
        assert lens.n_layers == alone.n_layers


@pytest.mark.parametrize("backend", backend_names())
def test_prompts_of_one_length_share_a_pass_within_memory(backend, passes, monkeypatch):
    adapter, found = passes(backend)
    lens_facts(adapter, FACTS)
    assert len(found) == 3, "one for each length"
    # one prompt, with one row for each of 4 layers
    monkeypatch.setattr("pytest_interp.experiments.lens.rows_in_budget", lambda *_: 8)
    lens_facts(adapter, FACTS)
    assert len(found) == 3 + len(FACTS)
    # two prompts, each with a row of its own and one for each layer
    monkeypatch.setattr("pytest_interp.experiments.lens.rows_in_budget", lambda *_: 2 * (1 + 4))
    lens_facts(adapter, FACTS)
    assert len(found) == 3 + len(FACTS) + 4


def test_clean_prompts_of_the_same_tokens_are_one():
    spaced = FactPrompt(clean_prompt=f" {PROMPT}", answer="w31", counterfactual_answer="w30")
    facts = FactSet.of([FACTS.prompts[0], FACTS.prompts[1], spaced])
    with pytest.raises(ClaimError, match="' w3 w14 w15 w9 w26 w5' is given twice, at 0 and 2"):
        lens_facts(adapter_of("gpt2", "nnsight"), facts)


def ruined(backend, value, rows):
    """A tiny model whose unembedding is this value in some rows."""
    module = tiny_module("llama")
    with torch.no_grad():
        module.lm_head.weight[rows] = value
    return open_adapter(Weights("ruined", module, tiny_tokenizer(), "random"), backend)


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(
    ("value", "rows"),
    [(float("nan"), slice(32, 33)), (float("nan"), slice(None)), (0.0, slice(None))],
    ids=["the answer is not a number", "nothing is a number", "all are equal"],
)
def test_what_does_not_lead_is_never_on_top(backend, value, rows):
    lens = logit_lens(ruined(backend, value, rows), PROMPT, "w31")
    assert lens.answer_id == 32
    assert not lens.on_top.any()
    assert not lens.crossover_layer.reached
    assert not lens.settled_layer.reached
    if value != 0:
        assert lens.answer_rank.tolist() == [VOCABULARY] * 4
        assert np.isnan(lens.answer_margin).all()


@pytest.mark.parametrize("backend", backend_names())
def test_beside_a_token_that_is_not_a_number_none_is_on_top(backend):
    lens = logit_lens(ruined(backend, float("nan"), slice(3, 4)), PROMPT, "w31")
    assert np.isfinite(logit_lens(adapter_of("llama", backend), PROMPT, "w31").answer_margin).all()
    assert np.isnan(lens.answer_margin).all()
    assert (lens.answer_rank > 0).all()
    assert not lens.crossover_layer.reached


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


def test_layers_that_fill_no_memory_are_refused_at_the_first_that_is_not_there():
    adapter = adapter_of("gemma3", "nnsight")
    with pytest.raises(ExperimentError, match=r"layer \d cannot be used: .* layers 0 to \d"):
        logit_lens(adapter, PROMPT, "w31", layers=range(10**9))
