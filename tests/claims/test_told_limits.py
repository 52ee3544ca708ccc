"""Claims about steering and probes, at their limits: against results made of plain numbers."""

from dataclasses import replace

import numpy as np
import pytest
from made_told import DOSES, SPREAD, UNTOLD, N, of_persons, probed, projected_out, steered

from pytest_interp.claims import (
    check_ablation_removes,
    check_decodable,
    check_dose_response,
    check_separates,
    check_side_effects_below,
)
from pytest_interp.errors import ClaimError

ALL = slice(None)


def with_(rows, at, value):
    """A copy with another value at some places."""
    made = np.array(rows)
    made[at] = value
    return made


def is_(verdict, status, *words):
    assert verdict.status == status, str(verdict)
    for word in words:
        assert word in str(verdict)


def controls(verdict):
    return {one.name: one.value for one in verdict.controls}


@pytest.mark.parametrize(
    ("result", "asked", "status"),
    [
        (steered(), {}, "passed"),
        (steered(), {"at_least": 3.8}, "passed"),
        (steered(), {"at_least": 4.2}, "failed"),
        (steered(), {"rising": False}, "failed"),
        (steered(by=-1.0), {"rising": False, "label": "told"}, "passed"),
        # it rises from end to end, and not from every dose to the next
        (steered(log_odds=with_(steered().log_odds, 3, -0.5)), {}, "failed"),
    ],
)
def test_the_log_odds_follow_the_dose(result, asked, status):
    is_(check_dose_response(result, **asked), status)


def test_the_band_is_of_the_random_direction_that_moves_most_from_end_to_end():
    mild = check_dose_response(steered())
    assert controls(mild)["random directions"] == pytest.approx(0.1)
    falls = with_(steered().random_log_odds, (1, 0), 5.0)  # at the smallest dose alone
    is_(check_dose_response(steered(random_log_odds=falls)), "inconclusive", "random directions")
    rises = with_(steered().random_log_odds, (2, 4), 5.0)  # at the largest
    is_(check_dose_response(steered(random_log_odds=rises)), "inconclusive", "random directions")


def test_a_band_is_of_the_prompts_that_the_claim_is_about():
    told = with_(steered().random_log_odds, (0, 4, ~UNTOLD), 9.0)
    verdict = check_dose_response(steered(random_log_odds=told), label="untold")
    is_(verdict, "passed")
    assert verdict.n_prompts == N // 2
    is_(check_dose_response(steered(random_log_odds=told), label="told"), "inconclusive")


def test_prompts_that_stay_where_they_are_move_the_wrong_way():
    still = with_(steered().log_odds, (ALL, slice(6)), 0.0)
    verdict = check_dose_response(steered(log_odds=still))
    is_(verdict, "inconclusive", "wrong way")
    assert controls(verdict)["wrong way"] == 0.25
    is_(check_dose_response(steered(log_odds=still), wrong_way_at_most=0.25), "passed")


@pytest.mark.parametrize(
    ("projections", "asked", "status"),
    [
        (steered().projections, {}, "passed"),
        (-steered().projections, {}, "failed"),
        (SPREAD, {}, "failed"),
        (with_(steered().projections, slice(2), -2.0), {"auroc_at_least": 0.9}, "inconclusive"),
    ],
)
def test_projections_separate_the_first_class_from_the_second(projections, asked, status):
    is_(check_separates(steered(projections=projections), **asked), status)


@pytest.mark.parametrize(
    ("changes", "asked", "status", "words"),
    [
        ({}, {}, "passed", ""),
        ({}, {"kl": 0.039}, "failed", "divergence of neutral text at dose -2: 0.04"),
        ({"right": with_(np.ones((5, N)), (4, slice(11)), 0)}, {}, "failed", "lost at dose 2"),
        ({"right": with_(np.ones((5, N)), (0, slice(11)), 0)}, {}, "failed", "lost at dose -2"),
        ({"right": with_(np.ones((5, N)), (4, ~UNTOLD), 0)}, {"label": "untold"}, "passed", ""),
        ({"right": with_(np.ones((5, N)), (4, ~UNTOLD), 0)}, {"label": "told"}, "failed", ""),
        # by default the first class
        ({"right": with_(np.ones((5, N)), (4, ~UNTOLD), 0)}, {}, "passed", ""),
        # what was wrong without steering cannot be lost
        ({"right": with_(np.ones((5, N)), (ALL, slice(4)), 0)}, {}, "passed", ""),
        (
            {"right": with_(np.ones((5, N)), (ALL, slice(9)), 0)},
            {},
            "inconclusive",
            "answers 3 of 12 prompts rightly without steering, from 3 groups",
        ),
    ],
)
def test_side_effects_are_of_the_worst_dose(changes, asked, status, words):
    asked = {"right_lost": 0.5, **asked}
    is_(check_side_effects_below(steered(**changes), **asked), status, words)


ONE_CLASS = projected_out(after=np.where(UNTOLD, -1.0, 1.0))


@pytest.mark.parametrize(
    ("result", "asked", "status", "words"),
    [
        (projected_out(), {}, "passed", ""),
        (projected_out(after=0.0), {}, "passed", ""),  # neither one nor the other: it has stopped
        (projected_out(after=0.1), {}, "failed", ""),
        (projected_out(before=0.0), {}, "inconclusive", "abstains on 0 of 24 prompts"),
        (projected_out(random=-1.0), {}, "inconclusive", "random directions"),
        # one random direction does it, and two do not
        (
            projected_out(random_after=with_(np.ones((3, N)), 1, -1.0)),
            {},
            "inconclusive",
            "random directions",
        ),
        (projected_out(random_after=with_(np.ones((3, N)), (1, slice(9)), -1.0)), {}, "passed", ""),
        (ONE_CLASS, {"label": "untold", "at_least": 0.7}, "passed", ""),
        (ONE_CLASS, {"label": "told", "at_least": 0.7}, "failed", ""),
        (projected_out(before=with_(-np.ones(N), slice(3), 1)), {}, "inconclusive", "3 groups"),
        (projected_out(before=with_(-np.ones(N), slice(4), 1)), {"at_least": 0.5}, "passed", ""),
    ],
)
def test_prompts_that_abstain_stop(result, asked, status, words):
    is_(check_ablation_removes(result, **asked), status, words)


CLAIMS = [
    (check_dose_response, steered()),
    (check_separates, steered()),
    (check_side_effects_below, steered()),
    (check_ablation_removes, projected_out()),
]


@pytest.mark.parametrize(("check", "result"), CLAIMS)
def test_prompts_of_few_persons_say_too_little(check, result):
    four = of_persons(result, *"abcd")
    assert "say too little" not in check(four).sentence
    is_(check(of_persons(result, *"abc")), "inconclusive", "3 groups")


def test_persons_of_another_class_do_not_count():
    groups = ("a", "b", "c") * 4 + tuple(f"person {i}" for i in range(12))
    few = replace(steered(), groups=groups)
    is_(check_dose_response(few), "passed")
    is_(check_dose_response(few, label="untold"), "inconclusive", "3 groups of prompts")
    is_(check_dose_response(few, label="told"), "passed")


@pytest.mark.parametrize(("check", "result"), CLAIMS)
def test_another_result_is_refused(check, result):
    with pytest.raises(ClaimError, match="got ProbeResult"):
        check(probed())
    with pytest.raises(ClaimError, match=r"expected what probe\(adapter, prompts\) returns"):
        check_decodable(result)


@pytest.mark.parametrize(
    ("result", "asked", "status", "words"),
    [
        (probed(), {}, "passed", ""),
        (probed(), {"layer": 3}, "passed", ""),
        (probed(), {"layer": 0}, "failed", ""),
        (probed(), {"layer": 2}, "inconclusive", "other wordings"),
        (probed(picked=(2, 3, 2)), {}, "inconclusive", "other wordings"),
        (probed(template_scores=None), {"layer": 2}, "passed", ""),
        # of 99 shuffles five at most may do as well, with the true labels among a hundred
        (probed(shuffled=with_(np.zeros((99, 4)), slice(4), 1)), {}, "passed", "0.05 <= 0.05"),
        (
            probed(shuffled=with_(np.zeros((99, 4)), slice(5), 1)),
            {},
            "inconclusive",
            "shuffled labels: 0.06",
        ),
        # a baseline that does as well, and one that need not be exceeded
        (
            probed(baseline_scores=np.stack([probed().baseline_scores[0], probed().selected])),
            {},
            "inconclusive",
            "crosses the limit: its lead over token counts",
        ),
        (
            probed(baseline_scores=np.stack([probed().baseline_scores[0], probed().selected])),
            {"baselines": ["layer 0"]},
            "passed",
            "above layer 0",
        ),
        (probed(), {"above": 0.49}, "inconclusive", "the interval crosses"),
        (probed(), {"above": 0.0, "auroc_at_least": 1}, "inconclusive", "the interval crosses"),
    ],
)
def test_classes_are_told_apart_beyond_every_baseline(result, asked, status, words):
    verdict = check_decodable(result, **asked)
    is_(verdict, status)
    assert words.lower() in str(verdict).lower()


@pytest.mark.parametrize(
    ("check", "result", "asked", "says"),
    [
        (check_separates, steered(), {"auroc_at_least": 0.5}, "give an area above 0.5"),
        (check_separates, steered(), {"auroc_at_least": 1.1}, "give an area above 0.5"),
        (check_decodable, probed(), {"auroc_at_least": 0.5}, "give an area above 0.5"),
        (check_decodable, probed(), {"auroc_at_least": 1.1}, "give an area above 0.5"),
        (check_decodable, probed(), {"above": -0.1}, "give a lead from 0 to below 0.5"),
        (check_decodable, probed(), {"above": 0.5}, "give a lead from 0 to below 0.5"),
        (check_decodable, probed(), {"layer": 4}, "the probe read layers 0 to 3"),
        (check_decodable, probed(), {"baselines": ()}, "give a list of names, at least one"),
        (check_decodable, probed(), {"baselines": "layer 0"}, "give a list of names"),
        (check_dose_response, steered(), {"label": "none"}, "give one of untold, told"),
        (check_dose_response, steered(doses=(0.0, 1.0, 2.0, 3.0, 4.0)), {}, "some below 0"),
        (check_dose_response, steered(doses=(-4.0, -3.0, -2.0, -1.0, 0.0)), {}, "and some above"),
        (check_dose_response, steered(), {"wrong_way_at_most": 2}, "give a share from 0 to 1"),
        (check_ablation_removes, projected_out(), {"at_least": 0}, "give a number above 0"),
        (check_side_effects_below, steered(), {"kl": 0}, "give a number above 0"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(check, result, asked, says):
    with pytest.raises(ClaimError, match=says):
        check(result, **asked)


def test_doses_are_named_as_they_were_given():
    assert f"from dose {DOSES[0]:g} to {DOSES[-1]:g}" in str(check_dose_response(steered()))
