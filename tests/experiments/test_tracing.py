"""Causal tracing, against one pass a cell with plain torch hooks.

Recoveries are ratios of logit differences: in float32 they agree to about 1e-6 on tiny models and
to 1e-5 on SmolLM2; the tolerances below are ten times that.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from types import SimpleNamespace

import hooks
import numpy as np
import pytest
import torch
from tiny import ARCHITECTURES, MODELS, adapter_of

from pytest_interp import FactPrompt, causal_trace, causal_traces
from pytest_interp.adapters import backend_names
from pytest_interp.errors import ExperimentError
from pytest_interp.facts.prompts import tokenize_fact
from pytest_interp.options import Gaussian

SITES = ("resid_pre", "resid_post", "attn_out", "mlp_out")
DIRECTIONS = ("denoise", "noise")
FACTS = {
    "tiny": FactPrompt(
        clean_prompt="w3 w14 w15 w9 w26",
        corrupt_prompt="w3 w7 w15 w20 w26",
        answer="w31",
        counterfactual_answer="w8",
    ),
    "smollm2-135m": FactPrompt(
        clean_prompt="The capital of France is",
        corrupt_prompt="The capital of Japan is",
        answer=" Paris",
        counterfactual_answer=" Tokyo",
        subject="France",
    ),
}


def fact_for(model: str) -> FactPrompt:
    return FACTS.get(model, FACTS["tiny"])


@cache
def reference(model: str, site: str, direction: str) -> SimpleNamespace:
    """Every cell patched by a torch hook, one row a position."""
    adapter = adapter_of(model, "nnsight")
    module, fact = adapter.weights.module, tokenize_fact(fact_for(model), adapter.tokenizer)
    clean, corrupt = torch.tensor([fact.clean_ids]), torch.tensor([fact.corrupt_ids])
    source, base = (clean, corrupt) if direction == "denoise" else (corrupt, clean)

    def metric(logits):
        return (logits[:, -1, fact.answer_id] - logits[:, -1, fact.counterfactual_id]).double()

    n = clean.shape[1]
    patched = np.zeros((adapter.n_layers, n))
    for layer in range(adapter.n_layers):
        kept = hooks.read(module, source, site, layer)

        def patch(x, kept=kept):
            x = x.clone()
            for position in range(n):
                x[position, position] = kept[0, position]
            return x

        logits = hooks.logits(module, base.repeat(n, 1), site, layer, patch)
        patched[layer] = metric(logits).numpy()
    runs = [metric(hooks.logits(module, ids)).item() for ids in (clean, corrupt)]
    return SimpleNamespace(clean=runs[0], corrupt=runs[1], patched=patched)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(
    "model",
    # the specs hold maps of the real model under both backends
    [pytest.param(m, marks=[pytest.mark.slow] if m == "smollm2-135m" else []) for m in MODELS],
)
def test_the_map_is_that_of_one_pass_a_cell(model, backend, site, direction):
    truth = reference(model, site, direction)
    trace = causal_trace(
        adapter_of(model, backend), fact_for(model), site=site, direction=direction, controls=False
    )
    atol = 1e-4 if model == "smollm2-135m" else 1e-5
    gap = truth.clean - truth.corrupt
    assert trace.clean_metric == pytest.approx(truth.clean, abs=atol)
    assert trace.corrupt_metric == pytest.approx(truth.corrupt, abs=atol)
    expected = (truth.patched - truth.corrupt) / gap
    # in logits: where the gap is small, the ratio is larger than what it was computed from
    np.testing.assert_allclose(trace.recovery * gap, expected * gap, rtol=0, atol=atol)
    assert np.ptp(expected) > 0.1, "the map is not flat, so agreement means something"


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize("model", ARCHITECTURES)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_gaussian_corruption_is_noise_on_the_subject(model, backend, direction):
    """Against hooks that add the same noise to the embeddings, one sample and one cell a pass."""
    adapter, prompt = adapter_of(model, backend), FACTS["tiny"]
    options = {"corruption": Gaussian(scale=2.0, samples=2, seed=5)}
    trace = causal_trace(
        adapter,
        prompt,
        site="resid_post",
        direction=direction,
        layers=[1],
        **options,
        controls=False,
    )
    module, fact = adapter.weights.module, tokenize_fact(prompt, adapter.tokenizer)
    assert trace.corrupted_positions == fact.subject_positions == (1, 2, 3)

    embeddings = module.get_input_embeddings()(torch.arange(adapter.d_vocab))
    drawn = torch.randn(2, 3, adapter.d_model, generator=torch.Generator().manual_seed(5))
    noise = torch.zeros(2, len(fact), adapter.d_model)
    noise[:, 1:4] = drawn * 2.0 * embeddings.double().std(correction=0).float()
    ids = torch.tensor([fact.clean_ids])

    def metric(logits):
        return (logits[0, -1, fact.answer_id] - logits[0, -1, fact.counterfactual_id]).item()

    clean = metric(hooks.logits(module, ids))
    noisy, cells = [], np.zeros((2, len(fact)))
    for sample in range(2):

        def corrupt(x, sample=sample):
            return x + noise[sample]

        noisy.append(metric(hooks.logits(module, ids, "embed", None, corrupt)))
        with hooks.hooked(module, "embed", None, corrupt):
            corrupted = hooks.read(module, ids, "resid_post", 1)
        original = hooks.read(module, ids, "resid_post", 1)
        for position in range(len(fact)):
            kept = original if direction == "denoise" else corrupted

            def patch(x, kept=kept, position=position):
                x = x.clone()
                x[:, position] = kept[:, position]
                return x

            if direction == "denoise":
                with hooks.hooked(module, "embed", None, corrupt):
                    cells[sample, position] = metric(
                        hooks.logits(module, ids, "resid_post", 1, patch)
                    )
            else:
                cells[sample, position] = metric(hooks.logits(module, ids, "resid_post", 1, patch))
    assert trace.clean_metric == pytest.approx(clean, abs=1e-5)
    assert trace.corrupt_metric == pytest.approx(np.mean(noisy), abs=1e-5)
    np.testing.assert_allclose(trace.patched_metric[0], cells.mean(0), atol=1e-5)


def test_gaussian_noise_is_the_same_on_both_backends():
    one, other = (
        causal_trace(adapter_of("gpt2", b), FACTS["tiny"], corruption="gaussian", controls=False)
        for b in backend_names()
    )
    np.testing.assert_allclose(one.recovery, other.recovery, atol=1e-5)
    assert one.options.corruption == Gaussian(scale=3.0, samples=8, seed=0)


@pytest.mark.parametrize("site", SITES)
def test_chunks_do_not_change_the_map(site):
    adapter, fact = adapter_of("llama", "nnsight"), FACTS["tiny"]
    whole = causal_trace(adapter, fact, site=site, controls=False)
    for max_rows in (3, 5, 11):
        cut = causal_trace(adapter, fact, site=site, max_rows=max_rows, controls=False)
        np.testing.assert_allclose(cut.recovery, whole.recovery, atol=1e-5)


def test_no_pass_has_more_rows_than_it_may(monkeypatch):
    """However many facts and noise samples there are."""
    adapter, rows = adapter_of("llama", "nnsight"), []
    forward = type(adapter)._forward

    def counted(self, *args):
        logits = forward(self, *args)
        rows.append(len(logits))
        return logits

    monkeypatch.setattr(type(adapter), "_forward", counted)
    words = [f"w{i}" for i in range(5, 25)]
    facts = [
        FactPrompt(
            clean_prompt=f"w1 {a} w3",
            corrupt_prompt=f"w1 {b} w3",
            answer=" w3",
            counterfactual_answer=" w4",
            subject=a,
        )
        for a, b in pairwise(words)
    ]
    whole = causal_traces(adapter, facts)
    assert max(rows) > 100
    rows.clear()
    cut = causal_traces(adapter, facts, max_rows=20)
    assert 10 < max(rows) <= 20
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_allclose(one.patched_metric, other.patched_metric, atol=1e-5)
    noisy = causal_trace(adapter, facts[0], corruption=Gaussian(samples=7), controls=False)
    rows.clear()
    asked = {"corruption": Gaussian(samples=7), "controls": False}
    cut = causal_trace(adapter, facts[0], max_rows=20, **asked)
    assert max(rows) <= 20
    np.testing.assert_allclose(cut.patched_metric, noisy.patched_metric, atol=1e-5)
    with pytest.raises(ExperimentError, match="at least 3 rows"):
        causal_trace(adapter, facts[0], max_rows=2, controls=False)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
@pytest.mark.parametrize("corruption", ["interchange", "gaussian"])
def test_which_answer_a_run_prefers_is_known_whatever_the_metric(direction, corruption):
    adapter, fact = adapter_of("qwen3", "nnsight"), FACTS["tiny"]
    by_logits, by_prob = (
        causal_trace(
            adapter,
            fact,
            site="resid_post",
            direction=direction,
            metric=metric,
            corruption=corruption,
            layers=[0],
            controls=False,
        )
        for metric in ("logit_diff", "answer_prob")
    )
    assert by_logits.preferences == (by_logits.clean_metric, by_logits.corrupt_metric)
    assert by_prob.preferences == pytest.approx(by_logits.preferences, abs=1e-6)
    assert "logit_diffs" not in by_prob.to_json()


def test_some_layers_alone():
    adapter, fact = adapter_of("gpt2", "transformer_lens"), FACTS["tiny"]
    whole = causal_trace(adapter, fact, controls=False)
    some = causal_trace(adapter, fact, layers=[3, 1], controls=False)
    assert some.layers == (1, 3)
    np.testing.assert_allclose(some.recovery, whole.recovery[[1, 3]], atol=1e-6)


def test_a_batch_of_facts_gives_each_its_own_trace():
    adapter = adapter_of("qwen2", "nnsight")
    facts = [
        FACTS["tiny"],
        FactPrompt(
            clean_prompt="w1 w2 w3 w4",
            corrupt_prompt="w1 w5 w3 w4",
            answer="w6",
            counterfactual_answer="w7",
        ),
        FactPrompt(
            clean_prompt="w9 w14 w15 w9 w26",
            corrupt_prompt="w8 w14 w15 w9 w26",
            answer="w2",
            counterfactual_answer="w8",
        ),
    ]
    together = causal_traces(adapter, facts, site="attn_out")
    for fact, trace in zip(facts, together, strict=True):
        alone = causal_trace(adapter, fact, site="attn_out", controls=False)
        assert trace.fact == fact
        np.testing.assert_allclose(trace.recovery, alone.recovery, atol=1e-5)


def test_no_difference_is_undefined_and_not_zero():
    trace = causal_trace(adapter_of("gpt2", "nnsight"), FACTS["tiny"], controls=False)
    fields = {
        name: getattr(trace, name) for name, f in trace.__dataclass_fields__.items() if f.init
    }
    flat = type(trace)(**{**fields, "corrupt_metric": trace.clean_metric})
    assert flat.is_degenerate
    assert np.isnan(flat.recovery).all()
    assert flat.peak is None
    # rounding is a share of the size: what is too little beside 100 is plenty beside 0.01
    for clean, gap, degenerate in ((100.0, 1e-4, True), (100.0, 0.1, False), (0.01, 1e-6, False)):
        near = type(trace)(**{**fields, "clean_metric": clean, "corrupt_metric": clean - gap})
        assert near.is_degenerate is degenerate


def test_a_cell_is_asked_for_by_the_number_of_its_layer():
    adapter = adapter_of("gpt2", "nnsight")
    trace = causal_trace(adapter, FACTS["tiny"], layers=[1, 3], controls=False)
    assert trace.at(3, -1) == trace.recovery[1, -1]
    with pytest.raises(KeyError, match=r"layer 2 was not traced; layers are \[1, 3\]"):
        trace.at(2, 0)
