"""Gemma 3 270M hands a capital over as SmolLM2 does, at layer 12 of its 18, and goes on otherwise.

Claim: through layer 11 the capital sits on the country, from layer 12 on it sits on the last token.
One attention layer hands it over; that of layer 15 adds to it. The lens reads the capital as soon
as it has arrived, and then loses it: the model itself goes on with " the". SmolLM2 reads it out in
the very last layer, six layers after it arrived (``test_capitals_lens.py``).

How: prompts, measures and thresholds are those of SmolLM2's specs, written before anybody looked at
Gemma. The layers, and what is said of the lens, are its own: they were found on six capitals in one
wording. The other sixteen, in two more wordings, were traced after that; the claim about all 22
holds narrowly. Over all 37 in five wordings its interval is too wide (``docs/results.md``). What
does not hold in the form of SmolLM2's claims is asserted too.
"""

import pytest

from pytest_interp import (
    FactPrompt,
    assert_complete,
    assert_crystallises,
    assert_fact_localized,
    assert_faithful,
    assert_handoff,
    assert_sufficient,
    circuit,
    load_facts,
)
from pytest_interp.errors import ClaimFailed, ClaimInconclusive

pytestmark = pytest.mark.interp(model="gemma3-270m")

FRANCE = FactPrompt(
    clean_prompt="The capital of France is",
    corrupt_prompt="The capital of Japan is",
    answer=" Paris",
    counterfactual_answer=" Tokyo",
    subject="France",
)
CAPITALS = load_facts("capitals").where(lambda fact: fact.template in ("plain", "city", "country"))
PLAIN = CAPITALS.where(lambda fact: fact.template == "plain")
LAYERS = range(11, 18)
"""Those around the hand-off; a patch costs only the layers above it."""


def test_the_fact_sits_on_the_subject_through_layer_11(trace, baseline):
    result = trace(FRANCE)
    assert_fact_localized(result, "resid_post@subject", (0, 11))
    baseline.check(result)


def test_the_fact_sits_on_the_last_token_from_layer_12(trace):
    assert_fact_localized(trace(FRANCE), "resid_post@last", (12, 17))


def test_every_capital_is_handed_over_at_layer_12(trace, baseline):
    """Of the mean over 22: the 95 % interval keeps to its side of each threshold."""
    result = trace(CAPITALS, layers=LAYERS)
    assert_handoff(result, "subject", "last", layer=12)
    for one in result.pick(range(4)):  # and France, China, Austria and Sweden each for itself
        assert_handoff(one, "subject", "last", layer=12)
    baseline.check(result)


def test_the_attention_of_layer_12_hands_it_over_and_that_of_15_adds_to_it(trace, baseline):
    result = trace(FRANCE, site="attn_out")
    assert_sufficient(result, "attn_out@last", 12)
    # in SmolLM2 no second layer restores as much
    with pytest.raises(ClaimFailed, match="layer 15, last"):
        assert_fact_localized(result, "attn_out@last", 12)
    baseline.check(result)


def test_the_capital_is_read_as_it_arrives_and_is_not_what_the_model_says(lens, baseline):
    read = lens(PLAIN)
    crossovers = [one.crossover_layer for one in read]
    assert sum(layer.reached and layer == 12 for layer in crossovers) >= 4
    with pytest.raises(ClaimInconclusive, match="The model answers 0 of 6"):
        assert_crystallises(read, by_layer=17)
    baseline.check(read)


def test_the_heads_of_the_layer_and_all_mlps_are_most_of_the_circuit(adapter, baseline):
    """What is left out adds nothing to speak of; how much is kept six prompts do not decide."""
    keep = ["head.12", *(f"mlp_out.{layer}" for layer in range(18))]
    found = circuit(
        adapter, PLAIN, keep, ablation="mean", reference="clean", sampled=0, minimality=False,
        random=0,
    )  # fmt: skip
    assert_complete(found, at_most=0.3)
    with pytest.raises(ClaimInconclusive, match="faithfulness"):
        assert_faithful(found, at_least=0.75)
    baseline.check(found)
