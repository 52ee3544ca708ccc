"""Which heads of SmolLM2-135M hand a capital over to the last token.

Claim: of all 270 heads one carries most of it, head 4 of layer 23. Patched alone at the last token
it restores the answer; no other head restores a third of it. Over six capitals it is the same head.

Why it matters: "attention of layer 23" (test_capitals.py) is nine heads. Single heads that write
an answer where it is read are the name movers of Wang et al. 2022 (arXiv 2211.00593).

How: interchange patching of what each head gives before the output projection, one head at a time.
The heads and the thresholds were chosen after looking at these prompts: the specs keep what was
seen, and are no test on new facts.
"""

import pytest

from pytest_interp import (
    FactPrompt,
    assert_fact_localized,
    assert_heads_matter,
    assert_sufficient,
    trace_heads,
    trace_joint,
)
from pytest_interp.facts.shipped import load_facts

pytestmark = pytest.mark.interp(model="smollm2-135m")

FRANCE = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
CAPITALS = load_facts("capitals").where(lambda fact: fact.template == "plain")


def test_one_head_hands_paris_over(adapter, baseline):
    result = trace_heads(adapter, FRANCE)
    assert_fact_localized(result, "head.23.4@last")
    baseline.check(result)


def test_the_same_head_hands_every_capital_over(adapter, baseline):
    result = trace_heads(adapter, CAPITALS, layers=range(22, 30))
    assert_heads_matter(result, "head.23.4", at_least=0.5, others_at_most=0.4)
    baseline.check(result)


def test_two_heads_do_together_what_the_whole_layer_does(adapter, baseline):
    sets = {"layer 23": ["attn_out.23@last"], "two heads": ["head.23.4@last", "head.29.1@last"]}
    result = trace_joint(adapter, FRANCE, sets)
    assert_sufficient(result, "layer 23")
    assert_sufficient(result, "two heads")
    baseline.check(result)
