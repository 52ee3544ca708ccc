"""What a trace is asked: one value, by name or as objects; and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from tiny import adapter_of

from pytest_interp import FactPrompt, causal_trace
from pytest_interp.errors import ExperimentError, PromptError, UnknownNameError
from pytest_interp.facts.prompts import tokenize_fact
from pytest_interp.options import (
    Corruption,
    Gaussian,
    Interchange,
    Metric,
    TraceOptions,
    register_corruption,
    register_metric,
)
from pytest_interp.options.metrics import LOGIT_DIFF

FACT = FactPrompt(
    clean_prompt="w3 w14 w15 w9 w26",
    corrupt_prompt="w3 w7 w15 w20 w26",
    answer="w31",
    counterfactual_answer="w8",
)


@pytest.fixture
def adapter():
    return adapter_of("gpt2", "nnsight")


def test_names_stand_for_objects():
    by_name = TraceOptions.of(site="mlp_out", metric="logit_diff", corruption="gaussian")
    assert by_name.site.name == "mlp_out"
    assert by_name.metric is LOGIT_DIFF
    assert by_name.corruption == Gaussian()
    assert TraceOptions.of().corruption == Interchange()


def test_single_options_take_the_place_of_those_in_a_value():
    asked = TraceOptions.of(direction="noise", layers=[2, 1])
    changed = TraceOptions.of(asked, direction="denoise")
    assert (changed.direction, changed.layers) == ("denoise", (2, 1))
    assert asked.direction == "noise"


def test_the_value_is_in_the_result(adapter):
    asked = TraceOptions.of(site="attn_out", corruption=Gaussian(samples=2), layers=[0])
    trace = causal_trace(adapter, FACT, asked, controls=False)
    assert trace.options == replace(asked, corruption=Gaussian(samples=2, seed=0))
    told = trace.to_json()
    assert (told["corruption"], told["samples"], told["noise_scale"]) == ("gaussian", 2, 3.0)


def test_a_metric_from_outside(adapter):
    twice = Metric("twice", lambda *run: 2 * LOGIT_DIFF(*run), "logits", least_gap=2.0)
    register_metric(twice)
    own = causal_trace(adapter, FACT, metric="twice", controls=False)
    known = causal_trace(adapter, FACT, controls=False)
    assert own.clean_metric == pytest.approx(2 * known.clean_metric, rel=1e-5)
    np.testing.assert_allclose(own.recovery, known.recovery, atol=1e-5)
    assert own.preferences == pytest.approx((known.clean_metric, known.corrupt_metric), rel=1e-5)


def test_noise_needs_no_corrupt_prompt(adapter):
    alone = replace(FACT, corrupt_prompt=None, subject="w14 w15 w9")
    asked = {"corruption": Gaussian(samples=2), "layers": [1], "controls": False}
    found = causal_trace(adapter, alone, **asked)
    beside = causal_trace(adapter, replace(FACT, subject="w14 w15 w9"), **asked)
    np.testing.assert_array_equal(found.recovery, beside.recovery)
    with pytest.raises(PromptError, match="no corrupt_prompt, and interchange runs one"):
        causal_trace(adapter, alone, controls=False)
    with pytest.raises(PromptError, match="neither a corrupt_prompt nor a subject"):
        causal_trace(adapter, replace(alone, subject=None), **asked)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"clean_prompt": "w1 w2 w3", "corrupt_prompt": "w1 w2"}, "3 tokens .* as many tokens"),
        ({"corrupt_prompt": FACT.clean_prompt}, "same tokens"),
        ({"subject": "w40"}, "'w40' does not occur"),
        ({"answer": "w4 w5"}, r"'w4 w5' is 2 tokens \['w4', 'w5'\]"),
        ({"answer": "w5", "counterfactual_answer": "w5"}, "same token"),
    ],
)
def test_facts_that_cannot_be_traced(adapter, changes, message):
    with pytest.raises(PromptError, match=message):
        causal_trace(adapter, replace(FACT, **changes), controls=False)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"site": "final_norm"}, ExperimentError, "use one of resid_pre, q, k, v, pattern, head, "),
        ({"site": "resid_pots"}, UnknownNameError, "Did you mean 'resid_post'"),
        ({"direction": "denoising"}, UnknownNameError, "Did you mean 'denoise'"),
        ({"metric": "logit-diff"}, UnknownNameError, "Did you mean 'logit_diff'"),
        ({"corruption": "gausian"}, UnknownNameError, "Did you mean 'gaussian'"),
        ({"layers": [7]}, ExperimentError, "layers 0 to 3"),
        ({"layers": []}, ExperimentError, "layers 0 to 3"),
        ({"layers": range(10**9)}, ExperimentError, "more than 10,000 layers: no model has so"),
        ({"directoin": "noise"}, ExperimentError, "Did you mean 'direction'"),
    ],
)
def test_options_that_cannot_be(adapter, options, error, message):
    with pytest.raises(error, match=message):
        causal_trace(adapter, FACT, **options, controls=False)


def test_a_parameter_without_a_default_has_to_be_given_in_a_file():
    @register_corruption
    @dataclass(frozen=True)
    class Shifted(Interchange):
        name: ClassVar[str] = "shifted"
        by: int

    read = TypeAdapter(Corruption).validate_python
    assert read({"name": "shifted", "by": 2}) == Shifted(by=2)
    with pytest.raises(ValidationError, match=r"by\n *Field required"):
        read({"name": "shifted"})


@pytest.mark.parametrize(
    ("parameters", "message"), [({"samples": 0}, "at least one"), ({"scale": 0.0}, "above 0")]
)
def test_noise_that_cannot_be(parameters, message):
    with pytest.raises(ExperimentError, match=message):
        Gaussian(**parameters)


def test_probability_as_the_metric():
    adapter, fact = adapter_of("qwen3", "nnsight"), FACT
    trace = causal_trace(adapter, fact, metric="answer_prob", controls=False)
    module, ids = adapter.weights.module, tokenize_fact(fact, adapter.tokenizer)
    for value, tokens in (
        (trace.clean_metric, ids.clean_ids),
        (trace.corrupt_metric, ids.corrupt_ids),
    ):
        prob = module(torch.tensor([tokens])).logits[0, -1].softmax(-1)[ids.answer_id]
        assert value == pytest.approx(prob.item(), abs=1e-6)
    assert trace.recovery[-1, -1] == pytest.approx(1, abs=1e-5)
