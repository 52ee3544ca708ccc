"""The promise of the shipped facts: SmolLM2 knows each of them."""

import pytest

from pytest_interp import known_facts, load_model
from pytest_interp.facts.shipped import fact_sets, load_facts


@pytest.fixture(scope="module")
def smollm2():
    return load_model("smollm2-135m", "transformer_lens")


@pytest.mark.parametrize("name", fact_sets())
def test_smollm2_knows_every_fact(smollm2, name):
    asked = known_facts(smollm2, load_facts(name))
    assert [(one.fact.id, one.problem) for one in asked if not one.known] == []
    # the answer is the top token or the next one
    assert max(one.rank for one in asked) <= 1
