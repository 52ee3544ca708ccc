"""Claims on estimates: what the error could turn decides nothing."""

from dataclasses import replace

import numpy as np
import pytest
from made_estimates import N_FACTS, N_HEADS, N_LAYERS, estimates

from pytest_interp.claims import assert_estimated_effect, check_estimated_effect
from pytest_interp.claims.verdict import Status
from pytest_interp.errors import ClaimError


@pytest.mark.guarantee(
    "undefined",
    "An estimate of which nothing was computed exactly decides no claim, and an error that could "
    "turn a claim leaves it undecided.",
    sees="inconclusive, with the error and how to make it smaller",
)
@pytest.mark.parametrize(
    ("error", "at_least", "status", "said"),
    [
        (None, 0.3, Status.INCONCLUSIVE, "verify=20"),
        (None, 0.9, Status.INCONCLUSIVE, "verify=20"),
        (0.1, 0.3, Status.PASSED, ""),
        (0.4, 0.3, Status.INCONCLUSIVE, r"it holds, but .* \(head 0.400\) could turn it"),
        (0.1, 0.9, Status.FAILED, ""),
        (-0.4, 0.9, Status.INCONCLUSIVE, r"it is false, but .* could turn it"),
        (0.1, 0.6, Status.INCONCLUSIVE, "interval"),
    ],
)
def test_what_the_error_could_turn_is_undecided(error, at_least, status, said):
    verdict = check_estimated_effect(estimates(error=error), "head.1.1", at_least=at_least)
    assert verdict.status is status
    assert verdict.direction == "denoise"
    assert not said or __import__("re").search(said, verdict.sentence)


@pytest.mark.parametrize(("exact", "status"), [(0.8, Status.PASSED), (0.2, Status.FAILED)])
def test_of_a_cell_that_was_computed_exactly_the_exact_number_counts(exact, status):
    found = estimates(exact=exact)
    assert found.largest_error("head") == pytest.approx(abs(0.6 - exact))
    verdict = check_estimated_effect(found, "head.1.1", at_least=0.5)
    assert verdict.status is status
    assert verdict.effect.value == pytest.approx(exact)


STRONGEST = pytest.mark.guarantee(
    "green",
    "In a column of tokens the strongest one counts by what was computed exactly, also where its "
    "estimate is small.",
    sees="A verdict that rests on the exact number of that token.",
)


def of_two_tokens(exact):
    """At layer 0 the estimates of the subject's two tokens are 0.2 and 0.1."""
    found = estimates(exact=0.6)
    tokens, known = (np.array(one["mlp_out"]) for one in (found.change, found.exact))
    tokens[:, 0, 1:3] = (2.0, 1.0)
    known[:] = tokens
    known[:, 0, 1:3] = exact
    return replace(
        found,
        change={**found.change, "mlp_out": tokens},
        exact={**found.exact, "mlp_out": known},
    )


@STRONGEST
def test_a_token_of_a_small_estimate_and_a_large_effect_counts():
    found = of_two_tokens((1.0, 9.0))
    verdict = check_estimated_effect(found, "mlp_out.1@subject", at_least=0.5, others_at_most=0.3)
    assert verdict.status is Status.FAILED
    assert verdict.effect.value == pytest.approx(0.9)
    assert check_estimated_effect(found, "mlp_out.0@subject", at_least=0.8)


@STRONGEST
def test_a_token_that_was_not_computed_leaves_the_others_open():
    found = of_two_tokens((1.0, np.nan))
    asked = {"at_least": 0.5, "others_at_most": 0.15}
    verdict = check_estimated_effect(found, "mlp_out.1@subject", **asked)
    assert verdict.status is Status.INCONCLUSIVE
    assert "(mlp_out 0.100) could turn it" in verdict.sentence


def test_what_was_computed_and_is_no_number_bounds_no_error():
    verdict = check_estimated_effect(of_two_tokens((1.0, np.inf)), "mlp_out.1@last", at_least=0.5)
    assert verdict.status is Status.FAILED  # all of its tokens were computed
    found = estimates()
    known = np.array(found.exact["head"])
    known[:, 0, 0] = np.inf
    verdict = check_estimated_effect(
        replace(found, exact={**found.exact, "head": known}), "head.1.1", at_least=0.5
    )
    assert verdict.status is Status.INCONCLUSIVE
    assert "a cell of head that was computed exactly is no finite number" in verdict.sentence


@pytest.mark.parametrize("direction", ["denoise", "noise"])
def test_all_others_keep_below_a_limit(direction):
    found = estimates(error=0.05, direction=direction)
    assert_estimated_effect(found, "head.1.1", at_least=0.5, others_at_most=0.1)
    verdict = check_estimated_effect(found, "head.0.0", at_least=0.5, others_at_most=0.1)
    assert verdict.status is Status.FAILED
    assert "head.1.1" in verdict.details


@pytest.mark.parametrize("n", [1, N_FACTS])
def test_tokens_are_named_by_what_they_are(n):
    found = estimates(error=0.05, n=n)
    assert_estimated_effect(found, "mlp_out@subject", 1, at_least=0.5, others_at_most=0.1)
    assert_estimated_effect(found, "mlp_out.1@1", at_least=0.5, others_at_most=0.1)
    for cell in ("mlp_out.1@subject_last", "mlp_out.1@last", "mlp_out.0@subject"):
        verdict = check_estimated_effect(found, cell, at_least=0.5)
        assert verdict.status is Status.FAILED, cell


def test_what_is_not_finite_decides_nothing():
    broken = estimates(effect=np.nan, error=0.05)
    verdict = check_estimated_effect(broken, "head.1.1", at_least=0.5)
    assert verdict.status is Status.INCONCLUSIVE
    assert "head.1.1 is nan" in verdict.sentence
    assert broken.largest() is None
    assert broken.summary() == "the largest estimate is undefined"


@pytest.mark.parametrize(
    ("cells", "asked", "said"),
    [
        ("head.1.7", {}, "names no part of head that there is: they are 0 to 1"),
        ("head.1", {}, "names no part"),
        ("head.1.1@last", {}, "position='last'"),
        ("head.9.1", {}, "layers 9"),
        ("mlp_out.1", {}, "'mlp_out.1@last'"),
        ("mlp_out@last", {}, "either a layer of its own, or layer_range"),
        ("mlp_out.1@last", {"layer_range": 1}, "either a layer of its own, or layer_range"),
        ("attn_out.1@last", {}, "was not estimated, but head, mlp_out"),
        ([], {}, "cells is empty"),
        (5, {}, "cells=5: name one or several"),
        ("head.1.1", {"at_least": 0}, "at_least"),
        ("head.1.1", {"others_at_most": 0.9}, "others_at_most"),
        ("mlp_out.1@9", {}, "position 9 is outside"),
    ],
)
def test_a_claim_that_is_badly_stated_is_refused(cells, asked, said):
    with pytest.raises(ClaimError, match=said):
        check_estimated_effect(estimates(error=0.1), cells, **{"at_least": 0.5, **asked})


def test_only_estimates_are_taken():
    with pytest.raises(ClaimError, match="attribution_patching"):
        check_estimated_effect("head", "head.1.1", at_least=0.5)


def test_a_part_keeps_what_belongs_to_its_facts():
    part = estimates().pick([1, 4])
    assert part.change["head"].shape == (2, N_LAYERS, N_HEADS)
    assert len(part.str_tokens) == 2


def test_json_holds_means_by_site():
    said = estimates(error=0.05).to_json()
    assert said["estimates"]["head"][1][1] == pytest.approx(0.6)
    assert said["estimates"]["mlp_out"][1] == pytest.approx([0.6, 0, 0])  # subject, elsewhere, last
    assert said["largest_error"] == {"head": 0.05, "mlp_out": 0.05}
