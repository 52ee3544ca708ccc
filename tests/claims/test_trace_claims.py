"""Claims about one map: what passes, what fails, what is undecided, and what is said of it."""

import numpy as np
import pytest

from pytest_interp import (
    assert_fact_localized,
    assert_handoff,
    assert_necessary,
    assert_no_effect,
    assert_sufficient,
)
from pytest_interp.claims import Status, check_fact_localized, check_handoff
from pytest_interp.errors import ClaimError, ClaimFailed, ClaimInconclusive
from pytest_interp.results.control import Control
from tests.claims.conftest import make_trace


@pytest.mark.parametrize("layers", [(0, 2), range(3)])
def test_true_localization_passes_and_says_how_far_it_reaches(trace, layers):
    verdict = assert_fact_localized(trace, "resid_post@subject", layers)
    assert verdict
    assert verdict.scope == "existence, n = 1"
    assert verdict.margin == pytest.approx(0.2)
    assert (verdict.direction, verdict.metric) == ("denoise", "logit_diff")
    # a p-value of regions needs other prompts to share a place with
    assert {c.name for c in verdict.controls} == {"whole state"}


@pytest.mark.parametrize(
    ("site", "layers", "first_broken"),
    [
        ("resid_post@subject", (0, 1), "layer 2, subject: 1.000, claimed at most 0.30: off by"),
        ("resid_post@subject", (0, 3), "layer 3, subject: 0.000, claimed at least 0.80: off by"),
        ("resid_post@last", (0, 2), "layer 0, last: 0.000, claimed at least 0.80: off by 0.8"),
        ("resid_post@4", (0, 2), "layer 0, 4: 0.000"),
    ],
)
def test_false_localization_fails_with_the_cell_and_the_map(trace, site, layers, first_broken):
    with pytest.raises(ClaimFailed) as failure:
        assert_fact_localized(trace, site, layers)
    text = str(failure.value)
    assert f"cells that break the claim:\n    {first_broken}" in text
    assert "* breaks the claim" in text


def test_an_effect_elsewhere_in_the_range_breaks_the_claim():
    noise = np.zeros((6, 3))
    noise[1, 1] = 0.5  # on ' is'
    with pytest.raises(ClaimFailed, match=r"layer 1, 4 ' is': 0.500, claimed at most 0.30"):
        assert_fact_localized(make_trace(noise=noise), "resid_post@subject", (0, 2))


def test_edge_leaves_layers_next_to_the_range_open():
    noise = np.zeros((6, 3))
    noise[3, 0] = 0.5  # a gradual hand-off
    trace = make_trace(noise=noise)
    with pytest.raises(ClaimFailed):
        assert_fact_localized(trace, "resid_post@subject", (0, 2))
    assert assert_fact_localized(trace, "resid_post@subject", (0, 2), edge=1)


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"clean": -1.0, "corrupt": -5.0}, "does not prefer ' x'"),
        ({"clean": 5.0, "corrupt": 1.0}, "does not prefer ' y'"),
        ({"clean": 0.3, "corrupt": -0.3}, "gap 0.6 is below the least of 1"),
        ({"clean": 2.0, "corrupt": 2.0}, "recovery is undefined"),
        ({"clean": float("nan"), "corrupt": -2.0}, "not finite"),
    ],
)
def test_a_fact_that_the_model_does_not_know_is_undecided(metrics, reason):
    with pytest.raises(ClaimInconclusive, match=reason):
        assert_fact_localized(make_trace(**metrics), "resid_post@subject", (0, 2))


def test_preferring_the_answer_is_asked_whatever_the_metric():
    by_prob = {"metric": "answer_prob", "clean": 0.25, "corrupt": 0.05}
    assert check_handoff(make_trace(**by_prob, logit_diffs=(2.0, -1.0)), "subject", "last", 3)
    for diffs, reason in (
        (
            (-0.4, -3.0),
            r"not prefer ' x' to ' y': by -0.40 logits \(answer_prob is 0.25 clean and 0.05 cor",
        ),
        ((2.0, 0.5), "does not prefer ' y'"),
        ((float("nan"), -1.0), "logits are not finite"),
        (None, "logit_diffs= does not say"),
    ):
        with pytest.raises(ClaimInconclusive, match=reason):
            assert_handoff(make_trace(**by_prob, logit_diffs=diffs), "subject", "last", 3)
    narrow = make_trace(**by_prob | {"corrupt": 0.2}, logit_diffs=(2.0, -1.0))
    with pytest.raises(ClaimInconclusive, match=r"gap 0.05 is below the least of 0.1"):
        assert_handoff(narrow, "subject", "last", 3)


def test_an_undecided_verdict_says_what_was_measured():
    unknown = make_trace(clean=-1.0, corrupt=-5.0, direction="noise")
    verdict = check_handoff(unknown, "subject", "last", 3, inside=0.7)
    assert (verdict.direction, verdict.metric, verdict.corruption) == (
        "noise",
        "logit_diff",
        "interchange",
    )
    assert (verdict.threshold, verdict.n_left_out) == (0.7, 1)
    assert "The model knows 0 of 1 facts" in verdict.sentence
    assert "'The home 0 of cats is a': the model does not prefer ' x'" in verdict.sentence


def test_gaussian_corruption_need_not_prefer_the_counterfactual():
    trace = make_trace(clean=5.0, corrupt=1.0, corruption="gaussian")
    assert assert_fact_localized(trace, "resid_post@subject", (0, 2))


def test_handoff_at_its_layer_and_at_no_other(trace):
    assert assert_handoff(trace, "subject", "last", 3)
    for layer in (2, 4):
        assert check_handoff(trace, "subject", "last", layer).status is Status.FAILED
    assert assert_handoff(trace, "subject", "last", 2, within=1)
    assert check_handoff(trace, "last", "subject", 3).status is Status.FAILED


def test_sufficient_and_necessary_want_their_direction(trace):
    noising = make_trace(direction="noise")
    assert assert_sufficient(trace, "resid_post@last", (3, 5))
    assert assert_necessary(noising, "resid_post@last", (3, 5))
    with pytest.raises(ClaimError, match="shown by direction='noise'"):
        assert_necessary(trace, "resid_post@last", 3)
    with pytest.raises(ClaimError, match="shown by direction='denoise'"):
        assert_sufficient(noising, "resid_post@last", 3)


def test_no_effect_is_two_sided(trace):
    assert assert_no_effect(trace, "resid_post@last", (0, 2))
    noise = np.zeros((6, 3))
    noise[1, 2] = -0.4
    with pytest.raises(ClaimFailed, match=r"claimed -0.10 to 0.10: off by 0.300"):
        assert_no_effect(make_trace(noise=noise), "resid_post@last", (0, 2))


def test_no_effect_of_a_role_is_that_of_each_of_its_tokens():
    noise = np.zeros((6, 3))
    noise[1, :2] = [-1.9, 0.02]  # on a map that is 1 on the first of the two tokens
    trace = make_trace(noise=noise, subject_positions=(3, 4))
    with pytest.raises(ClaimFailed, match=r"layer 1, subject: -0.900, claimed -0.10 to 0.10"):
        assert_no_effect(trace, "resid_post@subject", 1)


@pytest.mark.parametrize(
    ("site", "layers", "says"),
    [
        ("mlp_out@subject", (0, 2), "trace with site='mlp_out'"),
        ("resid_post.3@subject", (0, 2), "without a number"),
        ("resid_post@subject", (4, 9), "layers 6, 7, 8, 9|6 to 9"),
        ("resid_post@subject", (2, 0), "holds no layers"),
        ("resid_post@subject", range(0, 4, 2), "skips some"),
        ("resid_post@9", (0, 2), "outside of the prompt"),
        ("resid_post@subject", None, "give either a layer_range, or split="),
    ],
)
def test_badly_stated_claims_are_refused(trace, site, layers, says):
    with pytest.raises(ClaimError, match=says):
        check_fact_localized(trace, site, layers)


def test_a_control_that_reads_something_makes_a_true_claim_undecided(trace):
    control = Control("unrelated pair", 0.6, 0.3)
    with pytest.raises(ClaimInconclusive, match="a control does not: unrelated pair"):
        assert_handoff(trace, "subject", "last", 3, controls=[control])


def test_an_instrument_that_misses_the_whole_state_is_not_trusted():
    noise = np.zeros((6, 3))
    noise[5, 2] = -0.15
    with pytest.raises(ClaimInconclusive, match="whole state"):
        assert_handoff(make_trace(noise=noise), "subject", "last", 3)


def test_controls_of_a_trace_are_named_in_the_verdict_and_stay_out_of_the_json(trace):
    kept = trace.with_controls(Control("identity patch", 0.0, 0.001))
    verdict = assert_handoff(kept, "subject", "last", 3)
    assert verdict.controls[0].name == "identity patch"
    assert kept.to_json() == trace.to_json()
