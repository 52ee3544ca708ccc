"""Indirect objects in SmolLM2-135M: the standard exercise (Wang et al. 2022), told end to end.

"When Mary and John went to the store, John gave a drink to" goes on with Mary. Claim: as in GPT-2,
heads note which name is repeated, others look at the name that is not and write it as the answer,
and one head writes against it. Two things are not as in GPT-2. The head that writes most towards
the answer looks at the repeated name, and writes against that. And all four name movers can go at
once: what they write is made up for by others.

Why it matters: what a head writes, where it looks, and what is lost without it are three questions.
Their answers disagree, here on the name movers.

How: ten pairs of prompts in five wordings, each with names of its own. The corrupt twin repeats the
other name. Ablated activations are replaced by their mean over prompts with three different names,
of the same wordings. Roles were found by an earlier look at other names of the same wordings. What
does not hold is asserted too, with the reason.
"""

from functools import cache

import pytest
from indirect_objects import FIRST, SECOND, indirect_objects, three_names

from pytest_interp import (
    ablate,
    assert_ablation_drops,
    assert_attends,
    assert_direct_effect,
    assert_faithful,
    assert_survives_ablation,
    attention_patterns,
    circuit,
    direct_logit_attribution,
    knock_out_attention,
)
from pytest_interp.errors import ClaimFailed

pytestmark = pytest.mark.interp(model="smollm2-135m")

FACTS = indirect_objects(FIRST, SECOND)
"""All of fourteen tokens."""
ANSWER_FIRST = indirect_objects(FIRST, FIRST)
OTHER_NAME = 1
"""Its token, where the answer stands first."""
THREE_NAMES = three_names()
NAME_MOVERS = ("head.23.0", "head.23.1", "head.23.2", "head.23.7")
AGAINST_THE_SUBJECT = "head.23.3"
INHIBITION = ("head.20.0", "head.19.2")
NEGATIVE = "head.24.4"
DUPLICATES = ("head.8.1", "head.5.6", "head.2.4", "head.9.2", "head.8.0")


@cache
def attributed(adapter):
    return direct_logit_attribution(adapter, FACTS)


@cache
def patterns(adapter):
    return attention_patterns(adapter, ANSWER_FIRST, layers=(20, 23, 24))


@cache
def without(adapter):
    """At the last token, where the heads write."""
    sets = {
        "the name movers": NAME_MOVERS,
        "the inhibition heads": INHIBITION,
    }
    alone = (AGAINST_THE_SUBJECT, NEGATIVE)
    asked = {"kind": "mean", "reference": THREE_NAMES, "positions": "last", "random": 5}
    return ablate(adapter, FACTS, alone, sets=sets, **asked)


def test_name_movers_look_at_the_other_name_and_write_it(adapter):
    for head in NAME_MOVERS[:2]:
        assert_attends(patterns(adapter), head, "last", OTHER_NAME, at_least=0.2)
    assert_direct_effect(attributed(adapter), NAME_MOVERS, at_least=1)


def test_the_head_that_writes_most_looks_at_the_repeated_name(adapter):
    assert_attends(patterns(adapter), AGAINST_THE_SUBJECT, "last", "subject", at_least=0.4)
    assert_direct_effect(attributed(adapter), AGAINST_THE_SUBJECT, at_least=1)
    assert_ablation_drops(without(adapter), AGAINST_THE_SUBJECT, at_least=0.2)


def test_inhibition_heads_write_nothing_and_are_needed(adapter):
    assert_attends(patterns(adapter), INHIBITION[0], "last", "subject", at_least=0.5)
    with pytest.raises(ClaimFailed):  # it acts through the heads above
        assert_direct_effect(attributed(adapter), INHIBITION[0], at_least=0.5)
    assert_ablation_drops(without(adapter), "the inhibition heads", at_least=0.2)


def test_a_negative_head_writes_against_the_name_that_it_looks_at(adapter):
    assert_attends(patterns(adapter), NEGATIVE, "last", OTHER_NAME, at_least=0.2)
    assert_direct_effect(attributed(adapter), NEGATIVE, at_most=-0.3)
    assert_survives_ablation(without(adapter), NEGATIVE, keeps=0.9)


def test_without_the_name_movers_others_make_up_for_them(adapter, baseline):
    """They write about half of the difference, and hardly anything is lost without them."""
    with pytest.raises(ClaimFailed):
        assert_ablation_drops(without(adapter), "the name movers", at_least=0.4)
    baseline.check(without(adapter))


def test_heads_that_look_from_the_repeated_name_to_its_first_place_are_needed(adapter):
    sets = {"duplicate-token heads": DUPLICATES}
    asked = {"kind": "mean", "reference": THREE_NAMES, "positions": "subject", "random": 5}
    found = ablate(adapter, FACTS, sets=sets, **asked)
    assert_ablation_drops(found, "duplicate-token heads", at_least=0.2)


def test_the_last_token_reads_the_repeated_name_in_layers_19_to_23(adapter, baseline):
    found = knock_out_attention(adapter, FACTS, "last", "subject", layers=(4, 13, 21), window=5)
    assert_ablation_drops(found, "layers 19 to 23", at_least=0.3)
    assert_survives_ablation(found, "layers 2 to 6")
    assert_survives_ablation(found, "layers 11 to 15")
    baseline.check(found)


def test_these_heads_and_all_mlps_are_a_part_of_the_circuit_and_not_all_of_it(adapter, baseline):
    heads = (*DUPLICATES, *INHIBITION, *NAME_MOVERS, AGAINST_THE_SUBJECT, NEGATIVE)
    keep = (*heads, *(f"mlp_out.{layer}" for layer in range(30)))
    found = circuit(
        adapter, FACTS.take(5), keep, ablation="mean", reference=THREE_NAMES, sampled=0,
        minimality=False, random=0,
    )  # fmt: skip
    with pytest.raises(ClaimFailed, match="faithfulness"):
        assert_faithful(found)
    baseline.check(found)
