"""What the head that hands over the capital is told, and by whom: paths in SmolLM2-135M.

Claim: head 23.4, which looks at the country (``test_attention.py``) and writes the capital
(``test_attribution.py``), reads there, as its values, what the first MLP wrote 23 layers before.
No other MLP and no attention layer in between is read to a similar extent.

How: path patching (Wang et al. 2022), exact: each sender's output is exchanged for that key-value
head alone, with all else held, and what comes after runs freely. The value is that of key-value
head 1 of the layer, which heads 3 to 5 read. Exchanged at the country alone, it does the same; at
the last token, nothing.
"""

import pytest

from pytest_interp import (
    assert_estimated_effect,
    assert_path,
    attribution_patching,
    load_facts,
    path_patching,
)

pytestmark = pytest.mark.interp(model="smollm2-135m")

COUNTRIES = ("france", "china", "austria", "sweden", "australia", "tunisia")
CAPITALS = load_facts("capitals").where(
    lambda fact: fact.template == "plain" and fact.id.rsplit("-", 1)[1] in COUNTRIES
)
SENDERS = tuple(f"{kind}.{layer}" for layer in range(23) for kind in ("attn_out", "mlp_out"))


def test_its_values_are_what_the_first_mlp_wrote(adapter, baseline):
    paths = path_patching(adapter, CAPITALS, SENDERS, "v.23.1")
    assert_path(paths, "mlp_out.0", "v.23.1", at_least=0.2, others_at_most=0.1)
    baseline.check(paths)


def test_it_is_at_the_country_that_they_are_read(adapter):
    paths = path_patching(adapter, CAPITALS, "mlp_out.0", ("v.23.1@subject", "v.23.1@last"))
    assert_path(paths, "mlp_out.0", "v.23.1@subject", at_least=0.2)
    assert abs(paths.of("mlp_out.0", "v.23.1@last")).max() < 0.01


def test_one_gradient_finds_the_head(adapter, baseline):
    found = attribution_patching(adapter, CAPITALS, sites="head", position="last", verify=3)
    assert found.largest().cell == "head.23.4"
    # it was computed exactly, and the gradient misses a third of it
    assert_estimated_effect(found, "head.23.4", at_least=0.5)
    assert found.largest_error("head") > 0.2
    baseline.check(found)
