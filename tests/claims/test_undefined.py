"""Undefined is neither zero nor a pass."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens

from pytest_interp.claims import (
    Status,
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_no_effect,
    check_sufficient,
)
from pytest_interp.claims.evidence import column, gather
from pytest_interp.claims.requirements import Requirement, decide
from pytest_interp.claims.terms import Terms
from tests.claims.conftest import join, make_fact, make_set, make_trace

NAN = float("nan")


def broken(*cells, value=NAN, **changes):
    """The usual map, with some cells [layer, token from the subject on] undefined."""
    noise = np.zeros((6, 3))
    for cell in cells:
        noise[cell] = value
    return make_trace(noise=noise, **changes)


def undecided(verdict, *says):
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.effect is None
    for words in ("Undefined is not zero", *says):
        assert words in str(verdict)


@pytest.mark.guarantee(
    "undefined",
    "A claim that reads a number that is not finite is undecided.",
    sees="An inconclusive verdict that names the cell or the prompt.",
)
@pytest.mark.parametrize("value", [NAN, np.inf])
def test_an_undefined_map_supports_no_claim(value):
    trace = broken(..., value=value)
    undecided(check_sufficient(trace, "resid_post@last", (3, 4)), f"layer 0, last is {value}")
    undecided(check_no_effect(trace, "resid_post@last", (0, 2)), "layer 0, last is")
    undecided(check_fact_localized(trace, "resid_post@subject", (0, 2)), "layer 0, subject is")
    undecided(check_handoff(trace, "subject", "last", 3), "layer 0, subject is")


def test_one_undefined_token_makes_its_role_undefined():
    trace = broken((1, 1), subject_positions=(3, 4))  # the second token of the subject
    undecided(check_handoff(trace, "subject", "last", 3), "layer 1, subject is nan in 'The home 0")
    undecided(check_handoff(join([trace]), "subject", "last", 3))


def test_one_undefined_fact_of_many_is_named():
    traces = join([*make_set(n=10), broken((4, 2), fact=make_fact(10))])
    undecided(check_handoff(traces, "subject", "last", 3), "layer 4, last is nan in 'The home 10 ")


def test_cells_that_the_claim_does_not_read_may_be_undefined():
    assert check_no_effect(broken((5, 0)), "resid_post@last", (0, 2))


def test_an_undefined_whole_state_is_no_control_that_holds():
    traces = join([make_trace(), broken((5, 2), fact=make_fact(1))])
    verdict = check_no_effect(traces, "resid_post@last", (0, 2))
    assert verdict.status is Status.INCONCLUSIVE
    assert "whole state: nan is not <=" in str(verdict)


def test_a_split_does_not_look_for_a_range_in_an_undefined_map():
    traces = join([broken((1, 0), fact=make_fact(i)) for i in range(6)])
    undecided(check_fact_localized(traces, "resid_post@subject", split=0.5))


def test_a_column_that_no_fact_has_supports_no_claim(traces):
    evidence = gather(traces, Terms())
    nobody = column(evidence, "subject_rest")
    verdict = decide("none", evidence, [Requirement(nobody, (0, 1), "at most", 0.3)], Terms())
    undecided(verdict, "no fact has a token at subject_rest")


@pytest.mark.guarantee(
    "undefined",
    "A claim that reads a number that is not finite is undecided.",
    sees="An inconclusive verdict that names the cell or the prompt.",
)
def test_an_undefined_lens_does_not_crystallise():
    # logits that are not finite have no rank: none of them is above the answer
    margin = np.where(np.arange(12) == 9, NAN, lens().answer_margin)
    undecided(
        check_crystallises(replace(lens(), answer_margin=margin), by_layer=10),
        "'The capital of France is' are not finite",
    )


@pytest.mark.guarantee(
    "undefined",
    "A peak that is level with another cell, or a map with a number that is not finite, has none.",
    sees="None, an inconclusive bound on `peak.layer`, and `undefined` in the summary.",
)
@pytest.mark.parametrize("value", [NAN, np.inf, -np.inf])
def test_a_map_that_is_not_finite_has_no_peak(value):
    whole = replace(make_trace(), patched_metric=np.full((6, 6), value))
    for trace in (broken((4, 1), value=value), whole):
        assert trace.peak is None
        assert trace.to_json()["peak"] is None
        assert trace.summary() == "the largest effect is undefined: no cell leads"


def test_two_cells_that_are_level_are_no_peak():
    level = np.zeros((6, 6))
    level[2, 3] = level[4, 5] = 4.0
    tied = replace(make_trace(), patched_metric=level)
    assert tied.peak is None
    level[2, 3] += 1e-9
    assert replace(tied, patched_metric=level).peak.layer == 2


@pytest.mark.guarantee(
    "undefined",
    "A hand-off is read from finite effects alone.",
    sees="None, with NaN as the number that decides.",
)
@pytest.mark.parametrize("cell", [(0, 0), (2, 0), (4, 2), (5, 0)])
@pytest.mark.parametrize("value", [NAN, np.inf])
def test_a_map_that_is_not_finite_has_no_hand_off(cell, value):
    layer, number = broken(cell, value=value).hand_off()
    assert layer is None
    assert np.isnan(number)
    assert broken((4, 1)).hand_off()[0] == 3  # between the two
