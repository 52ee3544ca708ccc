"""What is claimed of heads: what they add by themselves, where they look, of what kind they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_heads import attribution, patterns, plain, scores
from made_results import trace

from pytest_interp import assert_attends, assert_direct_effect, assert_induction_head
from pytest_interp.claims import (
    Status,
    check_attends,
    check_direct_effect,
    check_duplicate_token_head,
    check_induction_head,
    check_previous_token_head,
)
from pytest_interp.errors import ClaimError, ClaimFailed, ClaimInconclusive, ExperimentError

PASSED, FAILED, INCONCLUSIVE = Status.PASSED, Status.FAILED, Status.INCONCLUSIVE
ADDS = attribution({"head.2.1": 3.0, "head.2.2": -1.0, "mlp_out.1": 2.0})


@pytest.mark.parametrize(
    ("component", "asked", "status"),
    [
        ("head.2.1", {"at_least": 2.5}, PASSED),
        ("head.2.1", {"at_least": 3.0}, INCONCLUSIVE),  # right at the mean
        ("head.2.1", {"at_least": 3.5}, FAILED),
        ("head.2.1", {"at_most": 3.5}, PASSED),
        ("head.2.1", {"at_least": 2.5, "at_most": 2.8}, FAILED),
        ("head.2.2", {"at_most": -0.5}, PASSED),
        ("head.2.2", {"at_least": 0.1}, FAILED),
        ("head.2.1", {"share": 0.7}, PASSED),  # 3 of 4
        ("head.2.1", {"share": 0.8}, FAILED),
        ("attn_out.2", {"at_least": 1.7, "share": 0.45}, PASSED),
        (["head.2.1", "mlp_out.1"], {"at_least": 4.6}, PASSED),
        ("mlp_out.0", {"at_least": 0.1}, FAILED),
    ],
)
def test_a_component_adds_so_much_by_itself(component, asked, status):
    verdict = check_direct_effect(ADDS, component, **asked)
    assert verdict.status is status
    assert verdict.metric == "direct logit attribution"
    assert verdict.n_prompts == 8


def test_a_share_is_named_as_one():
    verdict = check_direct_effect(ADDS, "head.2.1", share=0.7)
    assert verdict.effect.value == pytest.approx(0.75, abs=0.01)
    assert verdict.effect.where == "share of head.2.1"
    assert "at least 70% of the whole" in verdict.claim
    assert "of 4.00 logits (mean), head.2.1 adds 3.00" in str(verdict)


@pytest.mark.guarantee(
    "undefined",
    "A component that adds as much after the corrupt prompts does not speak of the fact.",
    sees="Inconclusive, with what it adds there.",
)
def test_what_is_added_whatever_the_prompt_says_is_no_effect_of_the_fact():
    constant = attribution({"mlp_out.0": 3.0, "head.2.1": 5.0}, {"mlp_out.0": 3.0})
    verdict = check_direct_effect(constant, "mlp_out.0", at_least=1)
    assert verdict.status is INCONCLUSIVE
    assert "a control does not: after the corrupt prompts" in verdict.sentence
    assert check_direct_effect(constant, "head.2.1", at_least=1)
    # what writes against the answer in both does not speak of it either
    against = attribution({"mlp_out.0": -1.0, "head.2.1": 5.0}, {"mlp_out.0": -1.0})
    assert check_direct_effect(against, "mlp_out.0", at_most=-0.5).status is INCONCLUSIVE


def test_several_components_are_spoken_of_together():
    said = check_direct_effect(ADDS, ["head.2.1", "mlp_out.1"], at_least=4.6).claim
    assert said.startswith("head.2.1 and mlp_out.1 themselves add to the logit difference")
    assert check_direct_effect(ADDS, "head.2.1", at_least=2).claim.startswith(
        "head.2.1 itself adds"
    )


def test_the_control_reads_the_same_components_however_they_are_given():
    constant = attribution({"mlp_out.0": 3.0, "head.2.1": 5.0}, {"mlp_out.0": 3.0})
    assert check_direct_effect(constant, iter(["mlp_out.0"]), at_least=1).status is INCONCLUSIVE
    assert check_direct_effect(constant, iter(["head.2.1"]), share=0.1)


def test_without_corrupt_prompts_the_control_is_not_run():
    alone = replace(ADDS, corrupt=None, on_corrupt=None)
    verdict = check_direct_effect(alone, "head.2.1", at_least=2.5)
    assert verdict
    assert "after the corrupt prompts: not run, there are none" in str(verdict)


def test_a_cap_of_the_logits_is_said():
    capped = replace(ADDS, softcap=30.0)
    verdict = check_direct_effect(capped, "head.2.1", at_least=2.5)
    assert verdict.claim.endswith("at least 2.5 logits, before the cap of the logits at 30")


@pytest.mark.parametrize(
    ("component", "asked", "says"),
    [
        ("head.2.1", {}, "give at least one of at_least= and at_most="),
        ("head.9.0", {"at_least": 1}, "'head.9.0' is no part of this logit difference"),
        ("head.2.1", {"share": 2}, "give a share from 0 to 1"),
        ("head.2.1", {"at_least": np.nan}, "give a finite number"),
        ("head.2.1", {"at_least": 1, "confidense": 0.9}, "did you mean 'confidence'"),
    ],
)
def test_direct_effects_that_make_no_sense_are_refused(component, asked, says):
    with pytest.raises(ClaimError, match=says):
        check_direct_effect(ADDS, component, **asked)


LOOKS = patterns({"head.1.2": 0.7, "head.0.3": 0.15})


@pytest.mark.parametrize(
    ("head", "at_least", "status"),
    [
        ("head.1.2", 0.5, PASSED),
        ("head.1.2", 0.7, INCONCLUSIVE),  # right at the mean
        ("head.1.2", 0.9, FAILED),
        ("head.0.3", 0.5, FAILED),
        ("head.0.0", 0.5, FAILED),
    ],
)
@pytest.mark.parametrize("facts", [True, False], ids=["facts", "plain prompts"])
def test_a_head_looks_from_the_last_token_to_the_subject(head, at_least, status, facts):
    found, to = (LOOKS, "subject") if facts else (plain(LOOKS), "land")
    verdict = check_attends(found, head, "last", to, at_least=at_least)
    assert verdict.status is status
    assert verdict.n_prompts == 8
    assert "2 of 12 heads" not in str(verdict)
    assert "1 of 12 heads reach 0.50" in str(verdict) or at_least != 0.5
    units = "facts" if facts else "prompts"
    assert f"by {units}: 8 of them" in verdict.interval


@pytest.mark.guarantee(
    "undefined",
    "A head that looks at all earlier tokens alike attends to none of them.",
    sees="Inconclusive, where even attention would reach the limit too.",
)
def test_what_even_attention_reaches_too_is_no_claim():
    verdict = check_attends(LOOKS, "head.1.2", "last", "subject", at_least=0.15)
    assert verdict.status is INCONCLUSIVE
    assert "a control does not: even attention" in verdict.sentence
    assert verdict.controls[0].value == pytest.approx(1 / 5)


def test_facts_that_the_model_does_not_know_are_left_out():
    clean = np.array([4.0] * 7 + [-1.0])
    asked = ("head.1.2", "last", "subject")
    assert check_attends(replace(LOOKS, clean=clean), *asked, at_least=0.5).n_left_out == 1
    verdict = check_attends(replace(LOOKS, clean=-LOOKS.clean), *asked, at_least=0.5)
    assert verdict.status is INCONCLUSIVE
    assert "The model knows 0 of 8 facts" in verdict.sentence


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (("head.1.2", "subject", "last", 0.5), "'last' comes after 'subject', and no token"),
        (("head.1.2", "last", "nowhere", 0.5), "has no token 'nowhere'"),
        (("head.7.2", "last", "subject", 0.5), "there is no head.7.2"),
        (("mlp_out.1", "last", "subject", 0.5), "is no head"),
        (("head.1.2", "last", "subject", 0), "above 0 and at most 1"),
        (("head.1.2", "last", "subject", 1.5), "above 0 and at most 1"),
    ],
)
def test_looks_that_make_no_sense_are_refused(asked, says):
    *where, least = asked
    with pytest.raises(ClaimError, match=says):
        check_attends(LOOKS, *where, at_least=least)


KINDS = {
    "induction": check_induction_head,
    "previous_token": check_previous_token_head,
    "duplicate_token": check_duplicate_token_head,
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("value", "at_least", "status"),
    [(0.8, 0.4, PASSED), (0.4, 0.4, INCONCLUSIVE), (0.2, 0.4, FAILED), (0.8, 0.9, FAILED)],
)
def test_a_head_is_of_a_kind_where_its_score_is_high(kind, value, at_least, status):
    found = scores({kind: {"head.1.2": value}})
    verdict = KINDS[kind](found, "head.1.2", at_least=at_least)
    assert verdict.status is status
    assert "by sequences: 8 of them" in verdict.interval
    assert ("repeated random tokens" in verdict.claim) == (kind != "previous_token")
    others = set(KINDS) - {kind}
    assert all(KINDS[other](found, "head.1.2").status is FAILED for other in others)


@pytest.mark.guarantee(
    "undefined",
    "A head that scores as high where nothing is repeated looks at a place, and is no induction "
    "head.",
    sees="Inconclusive, with the score of the control.",
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_head_that_looks_at_a_place_is_of_no_kind(kind):
    found = scores({kind: {"head.1.2": 0.8}}, control=0.7)
    verdict = KINDS[kind](found, "head.1.2")
    assert verdict.status is INCONCLUSIVE
    assert "a control does not: no such pair" in verdict.sentence


def test_few_sequences_say_nothing():
    found = scores({"induction": {"head.1.2": 0.8}}, spread=np.zeros(3))
    verdict = check_induction_head(found, "head.1.2")
    assert verdict.status is INCONCLUSIVE
    assert "3 sequences say too little: 4 are needed" in verdict.sentence


def test_heads_that_the_model_lacks_are_refused():
    found = scores({})
    with pytest.raises(ClaimError, match=r"there is no head.3.0: the layers 0 to 2 were read"):
        check_induction_head(found, "head.3.0")
    with pytest.raises(ClaimError, match=r"is no component.* written as 'head.9.6'"):
        check_induction_head(found, "3-0")
    with pytest.raises(ExperimentError, match="is no component"):
        check_direct_effect(ADDS, "3-0", at_least=1)


@pytest.mark.parametrize(
    ("check", "maker"),
    [
        (lambda x: check_direct_effect(x, "embed", at_least=1), "direct_logit_attribution"),
        (lambda x: check_attends(x, "head.1.2", 0, 0, at_least=1), "attention_patterns"),
        (lambda x: check_induction_head(x, "head.1.2"), "induction_scores"),
    ],
)
def test_another_result_is_refused(check, maker):
    with pytest.raises(ClaimError, match=f"expected what {maker}"):
        check(trace())


def spoilt(array):
    made = np.array(array)
    made.flat[0] = np.nan
    return made


@pytest.mark.guarantee(
    "undefined",
    "Claims about heads of which a number is not finite are inconclusive.",
    sees="Undefined is not zero, with the fact, the prompt or the sequence.",
)
def test_numbers_that_are_none_decide_nothing():
    values = ADDS.contributions.copy()
    values[3] = np.nan
    broken = replace(ADDS, contributions=values)
    looks = replace(LOOKS, patterns=tuple(np.full_like(p, np.nan) for p in LOOKS.patterns))
    kinds = scores({"induction": {"head.0.0": 0.8}})
    kinds = replace(kinds, induction=spoilt(kinds.induction))
    for verdict in (
        check_direct_effect(broken, "head.2.1", at_least=1),
        check_direct_effect(broken, "head.2.1", at_most=1),
        check_direct_effect(broken, "head.2.1", share=0.1),
        check_attends(looks, "head.1.2", "last", "subject", at_least=0.5),
        check_attends(plain(looks), "head.1.2", "last", "land", at_least=0.5),
        check_induction_head(kinds, "head.0.0"),
    ):
        assert verdict.status is INCONCLUSIVE
        assert "Undefined is not zero" in verdict.sentence


def test_assertions_raise_on_all_but_a_passed_claim():
    assert assert_direct_effect(ADDS, "head.2.1", at_least=2.5)
    with pytest.raises(ClaimFailed, match=r"claimed at least 9.00"):
        assert_direct_effect(ADDS, "head.2.1", at_least=9)
    with pytest.raises(ClaimFailed):
        assert_attends(LOOKS, "head.0.3", "last", "subject", at_least=0.5)
    with pytest.raises(ClaimInconclusive):
        assert_induction_head(scores({"induction": {"head.1.2": 0.8}}, control=0.7), "head.1.2")
