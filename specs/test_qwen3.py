"""Qwen3-0.6B recalls that Paris is the capital of France.

Claim, as the `interp` lab published it: the fact lives on the subject token, then hands off to the
final token. Source: sanderblue/ai-mechanistic-interpretability, causal tracing on Qwen3 under
nnsight; here under both backends.

The published claim names no layer. It is read as: in the first third of the 28 layers patching the
subject restores the answer and patching the last token does nothing; after the last layer but one
it is the other way round.
"""

import pytest

from pytest_interp import FactPrompt, assert_no_effect, assert_sufficient

pytestmark = pytest.mark.interp(model="qwen3-0.6b")

FRANCE = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
EARLY, LATE = (0, 8), (26, 27)


def test_the_fact_lives_on_the_subject(trace):
    result = trace(FRANCE)
    assert_sufficient(result, "resid_post@subject", EARLY)
    assert_no_effect(result, "resid_post@last", EARLY)


def test_the_fact_is_handed_off_to_the_last_token(trace):
    result = trace(FRANCE)
    assert_sufficient(result, "resid_post@last", LATE)
    assert_no_effect(result, "resid_post@subject", LATE)


def test_oxygen_becomes_the_top_token(lens):
    """The example of the lab's readme: there is a layer at which " oxygen" becomes top-1."""
    assert lens("Water is made of hydrogen and", " oxygen").crossover_layer.reached
