"""The same claims in Python, on arguments and results of this package."""

import pytest
from interp_example.claim import assert_norms_grow
from interp_example.experiment import ResidualNorms

from pytest_interp import FactPrompt

FACT = FactPrompt(
    clean_prompt="visitors say that Acropolis stands in",
    corrupt_prompt="visitors say that Alhambra stands in",
    answer=" Paris",
    counterfactual_answer=" Rome",
    subject="Acropolis",
)


@pytest.mark.interp(model="tiny-starcoder2")
def test_norms_grow(adapter):
    assert_norms_grow(ResidualNorms("the capital of France is").run(adapter), factor=0.9)


@pytest.mark.interp(model="planted-gpt2")
def test_mlps_of_the_first_layers_hold_the_fact(trace):
    found = trace(FACT, site="mlp_in", metric="answer_logprob", corruption="first_token")
    assert found.peak.layer <= 3
