"""A mechanism is a property of the model, not of the library that looked at it.

Claim: TransformerLens and nnsight see the same tokens, predict the same distribution over the next
token (KL divergence about 0) and draw the same causal map.

Why it matters: libraries that rewrite a model or tokenize by other rules have given results that
did not hold on the model itself.
"""

import pytest

from pytest_interp import FactPrompt, assert_backends_agree, causal_trace
from pytest_interp.adapters import open_adapter

PROMPTS = (
    "The capital of France is",
    "Water is made of hydrogen and",
    "def add(a, b):\n    return",
    "1, 2, 3, 4, 5, 6,",
)
MODELS = ["smollm2-135m", "gemma3-270m", "gpt2", "qwen3-0.6b"]
FRANCE = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)


@pytest.fixture(scope="module")
def both(model):
    """The same weights under both backends."""
    return open_adapter(model, "transformer_lens"), open_adapter(model, "nnsight")


@pytest.mark.interp(model=MODELS)
def test_same_tokens(both):
    first, second = both
    for prompt in PROMPTS:
        assert first.str_tokens(prompt) == second.str_tokens(prompt)
        assert first.encode(prompt).tolist() == second.encode(prompt).tolist()


@pytest.mark.interp(model=MODELS)
def test_same_next_token_distribution(both):
    assert_backends_agree(*both, prompts=PROMPTS)


@pytest.mark.interp(model="smollm2-135m")
def test_same_causal_map(both):
    first, second = (causal_trace(adapter, FRANCE) for adapter in both)
    assert_backends_agree(first, second)
