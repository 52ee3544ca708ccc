"""Claims about sets: bounds of intervals decide, not means."""

import numpy as np
import pytest

from pytest_interp import assert_fact_localized, assert_handoff
from pytest_interp.claims import (
    Status,
    asserting,
    check_fact_localized,
    check_handoff,
    check_no_effect,
    check_sufficient,
    hearing,
)
from pytest_interp.claims.verdict import Verdict
from pytest_interp.errors import ClaimError, ClaimFailed, ClaimInconclusive
from tests.claims.conftest import join, make_fact, make_set, make_trace


def test_true_claims_pass_with_their_statistics(traces):
    verdict = assert_handoff(traces, "subject", "last", 3)
    assert verdict.scope == "n = 20 from 5 templates, about 40 answers"
    assert verdict.effect.low < verdict.effect.value < verdict.effect.high
    (p_value,) = [c for c in verdict.controls if c.name.startswith("random regions")]
    assert p_value.value <= 0.001
    assert p_value.limit == 0.05
    # three layers have four places in each of three columns
    assert "corrected for 12 regions of this size" in p_value.note
    assert verdict.to_json()["controls"][-1]["holds"]


def test_false_claims_fail(traces):
    for layer in (2, 4):
        assert check_handoff(traces, "subject", "last", layer).status is Status.FAILED
    assert check_fact_localized(traces, "resid_post@subject", (0, 1)).status is Status.FAILED


SUBJECT, BETWEEN, LAST = range(3)
"""Columns of the noise of a made trace."""


@pytest.mark.parametrize(
    ("role", "layers", "elsewhere"),
    [
        ("subject", (0, 2), BETWEEN),
        ("subject", (0, 2), LAST),
        ("last", (3, 5), SUBJECT),
        ("last", (3, 5), BETWEEN),
    ],
)
def test_an_effect_of_all_facts_elsewhere_in_the_range_breaks_the_claim(role, layers, elsewhere):
    noise = np.zeros((6, 3))
    site = f"resid_post@{role}"
    clear = join([make_trace(fact=make_fact(i)) for i in range(8)])
    assert assert_fact_localized(clear, site, layers)
    noise[layers[0] + 1, elsewhere] = 0.6
    both = join([make_trace(noise=noise, fact=make_fact(i)) for i in range(8)])
    name = ("subject", "between", "last")[elsewhere]
    with pytest.raises(ClaimFailed, match=f"layer {layers[0] + 1}, {name}: 0.600"):
        assert_fact_localized(both, site, layers)


@pytest.mark.parametrize("rest", [0.0, 0.6])
def test_the_last_token_of_a_subject_is_weighed_against_its_others(rest):
    # the subject has two tokens; the second holds the fact, the first a share of it
    noise = np.zeros((6, 3))
    noise[:3, :2] = (rest - 1, 1)
    traces = join(
        [make_trace(noise=noise, fact=make_fact(i), subject_positions=(3, 4)) for i in range(8)]
    )
    if rest:
        with pytest.raises(ClaimFailed, match=r"layer 0, subject_rest: 0\.600"):
            assert_fact_localized(traces, "resid_post@subject_last", (0, 2))
    else:
        assert assert_fact_localized(traces, "resid_post@subject_last", (0, 2))


def test_an_interval_across_the_limit_is_undecided():
    # the mean clears the threshold, the lower bound does not: three noisy facts
    few = make_set(n=3, spread=0.25, templates=1, seed=2)
    assert check_handoff(few, "subject", "last", 3).status is Status.INCONCLUSIVE
    many = make_set(n=60, spread=0.25, templates=1, seed=2)
    assert check_handoff(many, "subject", "last", 3).status is Status.PASSED


def test_the_bounds_decide_and_not_the_mean():
    few = make_set(n=4, spread=0.2, templates=1, seed=1)
    high = check_sufficient(few, "resid_post@last", (3, 4))
    assert high.effect.value > high.threshold > high.effect.low
    low = check_no_effect(few, "resid_post@last", (0, 2), at_most=0.2)
    assert abs(low.effect.value) < low.threshold < max(low.effect.high, -low.effect.low)
    assert {high.status, low.status} == {Status.INCONCLUSIVE}


def test_unknown_facts_are_left_out_and_named_up_to_a_share():
    unknown = [make_trace(clean=-1.0, corrupt=-3.0, fact=make_fact(i)) for i in (18, 19)]
    traces = join([*make_set(n=18), *unknown])
    verdict = assert_handoff(traces, "subject", "last", 3)
    assert (verdict.n_prompts, verdict.n_left_out) == (18, 2)
    assert "2 facts that the model does not know" in str(verdict)
    # exactly the least share is enough
    assert assert_handoff(traces, "subject", "last", 3, min_known=0.9)
    with pytest.raises(ClaimInconclusive, match="knows 18 of 20 facts; at least 95%"):
        assert_handoff(traces, "subject", "last", 3, min_known=0.95)


def test_an_undecided_set_is_counted_by_all_its_templates():
    verdict = check_handoff(make_set(n=16, clean=-1.0, corrupt=-3.0), "subject", "last", 3)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.scope == "n = 16 from 5 templates, about 32 answers"
    assert (verdict.metric, verdict.threshold, verdict.n_left_out) == ("logit_diff", 0.8, 16)
    assert "... and 13 more" in str(verdict)


def test_a_range_that_is_not_found_is_reported_like_any_other_claim():
    verdict = check_fact_localized(make_set(n=8, handoff=0), "resid_post@subject", split=0.5)
    assert verdict.status is Status.FAILED
    assert (verdict.direction, verdict.metric, verdict.threshold) == ("denoise", "logit_diff", 0.8)


def test_split_finds_on_one_part_and_checks_on_the_other(traces):
    verdict = assert_fact_localized(traces, "resid_post@subject", split=0.5)
    assert "layers 0 to 2" in verdict.claim
    assert "range found on 10 other facts" in verdict.claim
    assert verdict.n_prompts == 10
    with pytest.raises(ClaimError, match="needs a set of facts"):
        check_fact_localized(make_trace(), "resid_post@subject", split=0.5)


def test_split_without_any_region_fails(traces):
    weak = make_set(n=6, handoff=0)
    with pytest.raises(ClaimFailed, match=r"no layer has a mean effect of 0\.80"):
        assert_fact_localized(weak, "resid_post@subject", split=0.5)


def test_an_index_is_refused_where_it_means_different_tokens():
    traces = join([make_trace(), make_trace(subject_positions=(2, 3), fact=make_fact(1))])
    with pytest.raises(ClaimError, match="different things"):
        check_fact_localized(traces, "resid_post@3", (0, 2))


def test_same_seed_same_verdict(traces):
    a, b = (check_handoff(traces, "subject", "last", 3, seed=5) for _ in range(2))
    assert a == b


def test_own_claims_become_assertions_that_are_heard():
    def check_enough(n: int) -> Verdict:
        status = Status.PASSED if n > 2 else Status.FAILED
        return Verdict("there are enough", status, f"There are {n}.", n_prompts=n, n_clusters=1)

    assert_enough = asserting(check_enough)
    assert assert_enough.__name__ == "assert_enough"
    heard = []
    with hearing(heard.append), pytest.raises(ClaimFailed, match=r"^failed: There are 2\."):
        assert_enough(2)
    assert [verdict.status for verdict in heard] == [Status.FAILED]
