"""Who writes the capital: direct logit attribution of SmolLM2-135M and of Gemma 3 270M.

Claim: the head that hands the capital over writes more towards it than any other head, in three
wordings. In SmolLM2 it is head 23.4, which looks at the country (``test_attention.py``), and writes
about a quarter of the whole; in Gemma head 12.2, and two fifths. Two heads of SmolLM2's last layer
write much as well, one for and one against it, so that their sum is no measure of either.

How: the logit difference of the two capitals as a sum over components, through the final norm with
its scale held (Elhage et al. 2021). It counts what a component writes itself, in this run, and not
what later ones make of it, nor what would take its place.
"""

import pytest

from pytest_interp import assert_direct_effect, direct_logit_attribution, load_facts

pytestmark = pytest.mark.interp(model="smollm2-135m")

HANDS_OVER = {"smollm2-135m": "head.23.4", "gemma3-270m": "head.12.2"}
CAPITALS = load_facts("capitals").where(lambda fact: fact.template in ("plain", "city", "country"))


@pytest.fixture
def attribution(adapter):
    return direct_logit_attribution(adapter, CAPITALS)


@pytest.mark.interp(model=[*HANDS_OVER])
def test_the_head_that_looks_at_the_country_writes_the_capital(
    interp_target, attribution, baseline
):
    head = HANDS_OVER[interp_target.model]
    assert_direct_effect(attribution, head, at_least=1.5, share=0.15)
    heads = [name for name in attribution.largest(300) if name.startswith("head.")]
    assert heads[0] == head
    baseline.check(attribution)


def test_it_is_written_late_and_two_heads_write_for_and_against_it(attribution):
    assert_direct_effect(attribution, "head.29.1", at_least=0.5)
    assert_direct_effect(attribution, "head.29.0", at_most=-0.3)
    pair = attribution.of(["head.29.0", "head.29.1"]).mean()
    assert abs(pair) < 0.2 * attribution.of("head.29.1").mean()
    # the seven layers from 23 on write about nine tenths of it, or more, in each wording
    late = [f"{kind}.{layer}" for layer in range(23, 30) for kind in ("attn_out", "mlp_out")]
    assert_direct_effect(attribution, late, share=0.45)
