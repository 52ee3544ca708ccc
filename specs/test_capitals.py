"""Where SmolLM2-135M keeps a country's capital while it reads "The capital of France is".

Claim: through layer 22 the fact sits on the country; from layer 23 on it sits on the last token,
where the answer is read out. One attention layer hands it over, for all capitals alike.

Why it matters: it is the picture of factual recall of Meng et al. 2022 (ROME, arXiv 2202.05262)
and Geva et al. 2023 (arXiv 2304.14767), an enriched subject that late attention reads from.

How: interchange patching of the residual stream, one cell at a time, measured by the logit
difference of the two capitals (Zhang and Nanda 2023, arXiv 2309.16042). Denoising asks where the
clean run's activation suffices to restore the answer, noising where it is necessary.
"""

import pytest

from pytest_interp import FactPrompt, assert_fact_localized, assert_handoff
from pytest_interp.facts.shipped import load_facts

pytestmark = pytest.mark.interp(model="smollm2-135m")

FRANCE = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
# about twenty capitals, asked for in three wordings
CAPITALS = load_facts("capitals").where(lambda fact: fact.template in ("plain", "city", "country"))


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_the_fact_sits_on_the_subject_through_layer_22(trace, baseline, direction):
    result = trace(FRANCE, direction=direction)
    assert_fact_localized(result, "resid_post@subject", (0, 22))
    baseline.check(result)


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_the_fact_sits_on_the_last_token_from_layer_23(trace, direction):
    result = trace(FRANCE, direction=direction)
    assert_fact_localized(result, "resid_post@last", (23, 29))


def test_every_capital_is_handed_over_at_layer_23(trace, baseline):
    """Of the mean over the set: the 95 % interval keeps to its side of each threshold."""
    result = trace(CAPITALS)
    assert_handoff(result, "subject", "last", layer=23)
    baseline.check(result)


def test_the_attention_of_layer_23_hands_it_over(trace, baseline):
    """What that one layer's attention adds at the last token restores the answer; no other's does.

    In the residual stream the fact could also have arrived bit by bit. It does not.
    """
    result = trace(FRANCE, site="attn_out")
    assert_fact_localized(result, "attn_out@last", 23)
    baseline.check(result)
