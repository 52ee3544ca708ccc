"""Indirect objects in Gemma 3 270M: where it agrees with SmolLM2, and where it does not.

Claim: as in SmolLM2 (``test_ioi.py``), one head writes most towards the answer, and it looks at the
repeated name and not at the answer. Heads that note the repetition write nothing and are needed.
The heads of layer 15 that write much of the rest look at neither name: they are no name movers.

How: prompts, measures and thresholds are those of SmolLM2's spec, but for one wording, which has a
token less here, and for shares of attention: Gemma keeps a third for its first token. The roles
were found by an earlier look at other names of the same wordings, but for one: head 13.3 left the
group of those that note the repetition after these names had been tried, as what it writes came out
inconclusive. What does not hold is asserted too.
"""

from functools import cache

import pytest
from indirect_objects import FIRST, SECOND, WORDINGS, indirect_objects, three_names

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
from pytest_interp.errors import ClaimFailed, ClaimInconclusive

pytestmark = pytest.mark.interp(model="gemma3-270m")

ASKED = WORDINGS | {"cafe": "After {a} and {b} met at the cafe, {s} passed the salt to"}
FACTS = indirect_objects(FIRST, SECOND, wordings=ASKED)
"""All of fifteen tokens."""
ANSWER_FIRST = indirect_objects(FIRST, FIRST, wordings=ASKED)
OTHER_NAME = 2
"""Its token, where the answer stands first."""
THREE_NAMES = three_names(ASKED)
WRITERS = ("head.15.0", "head.15.2", "head.15.3")
AGAINST_THE_SUBJECT = "head.11.3"
INHIBITION = ("head.9.3", "head.10.3")
LOOKS_AT_THE_SUBJECT = "head.13.3"
"""More than any other; what it writes differs from prompt to prompt."""
AGAINST_THE_ANSWER = ("head.15.1", "head.17.2")
REPEATED = ("head.5.2", "head.5.1", "head.5.3", "head.3.3", "head.0.1", "head.11.1")
"""Induction heads of layer 5, duplicate-token heads, and one that looks at its own token."""


@cache
def attributed(adapter):
    return direct_logit_attribution(adapter, FACTS)


@cache
def patterns(adapter):
    return attention_patterns(adapter, ANSWER_FIRST, layers=(9, 11, 15))


@cache
def without(adapter):
    """At the last token, where the heads write."""
    sets = {
        "the writers": WRITERS,
        "heads that look at the repeated name": (*INHIBITION, LOOKS_AT_THE_SUBJECT),
    }
    alone = (AGAINST_THE_SUBJECT, *AGAINST_THE_ANSWER)
    asked = {"kind": "mean", "reference": THREE_NAMES, "positions": "last", "random": 5}
    return ablate(adapter, FACTS, alone, sets=sets, **asked)


def test_the_head_that_writes_most_looks_at_the_repeated_name(adapter, baseline):
    assert_attends(patterns(adapter), AGAINST_THE_SUBJECT, "last", "subject", at_least=0.2)
    assert_direct_effect(attributed(adapter), AGAINST_THE_SUBJECT, at_least=1)
    assert attributed(adapter).largest(1)[0] == AGAINST_THE_SUBJECT
    baseline.check(attributed(adapter))


def test_inhibition_heads_look_at_the_repeated_name_and_write_nothing(adapter):
    assert_attends(patterns(adapter), INHIBITION[0], "last", "subject", at_least=0.3)
    for head in INHIBITION:
        with pytest.raises(ClaimFailed):  # they act through the heads above
            assert_direct_effect(attributed(adapter), head, at_least=0.5)
    with pytest.raises(ClaimInconclusive):
        assert_direct_effect(attributed(adapter), LOOKS_AT_THE_SUBJECT, at_least=0.5)


def test_heads_that_write_the_name_do_not_look_at_it(adapter):
    assert_direct_effect(attributed(adapter), WRITERS, at_least=1)
    for head in WRITERS:
        with pytest.raises(ClaimFailed):
            assert_attends(patterns(adapter), head, "last", OTHER_NAME, at_least=0.2)


def test_two_heads_write_against_the_answer(adapter):
    for head in AGAINST_THE_ANSWER:
        assert_direct_effect(attributed(adapter), head, at_most=-0.3)


@pytest.mark.slow
def test_heads_that_look_at_the_repeated_name_are_needed(adapter, baseline):
    assert_ablation_drops(without(adapter), AGAINST_THE_SUBJECT, at_least=0.2)
    assert_ablation_drops(without(adapter), "heads that look at the repeated name", at_least=0.2)
    with pytest.raises(ClaimInconclusive):  # 0.35: ten pairs hardly tell whether it is enough
        assert_ablation_drops(without(adapter), "the writers", at_least=0.2)
    for head in AGAINST_THE_ANSWER:
        assert_survives_ablation(without(adapter), head, keeps=0.9)
    baseline.check(without(adapter))


@pytest.mark.slow
def test_heads_that_look_from_the_repeated_name_to_its_first_place_are_needed(adapter):
    sets = {"heads at the repeated name": REPEATED}
    asked = {"kind": "mean", "reference": THREE_NAMES, "positions": "subject", "random": 5}
    found = ablate(adapter, FACTS, sets=sets, **asked)
    assert_ablation_drops(found, "heads at the repeated name", at_least=0.2)


@pytest.mark.slow
def test_the_last_token_reads_the_repeated_name_in_layers_11_to_13(adapter, baseline):
    found = knock_out_attention(adapter, FACTS, "last", "subject", layers=(3, 12, 16), window=3)
    assert_ablation_drops(found, "layers 11 to 13", at_least=0.3)
    assert_survives_ablation(found, "layers 2 to 4")
    assert_survives_ablation(found, "layers 15 to 17")
    baseline.check(found)


@pytest.mark.slow
def test_these_heads_and_all_mlps_keep_most_and_five_prompts_do_not_decide(adapter, baseline):
    look = (*REPEATED, *INHIBITION, LOOKS_AT_THE_SUBJECT, AGAINST_THE_SUBJECT)
    keep = (*look, *WRITERS, *AGAINST_THE_ANSWER, *(f"mlp_out.{layer}" for layer in range(18)))
    found = circuit(
        adapter, FACTS.take(5), keep, ablation="mean", reference=THREE_NAMES, sampled=0,
        minimality=False, random=0,
    )  # fmt: skip
    with pytest.raises(ClaimInconclusive, match="faithfulness"):
        assert_faithful(found)
    baseline.check(found)
