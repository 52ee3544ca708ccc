"""Every part of a claim counts: each made map here is wrong in one way alone."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens

from pytest_interp.claims import (
    Status,
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_sufficient as sufficient,
)
from tests.claims.conftest import join, make_fact, make_set, make_trace


def off(layer, token, by):
    noise = np.zeros((6, 3))
    noise[layer, token] = by
    return make_trace(noise=noise)


@pytest.mark.parametrize(
    ("trace", "cell"),
    [
        (off(1, 0, -0.5), "layer 1, subject: 0.500, claimed at least 0.80"),
        (off(1, 2, +0.5), "layer 1, last: 0.500, claimed at most 0.30"),
        (off(4, 0, +0.5), "layer 4, subject: 0.500, claimed at most 0.30"),
        (off(4, 2, -0.5), "layer 4, last: 0.500, claimed at least 0.80"),
    ],
    ids=["source before", "target before", "source after", "target after"],
)
def test_each_part_of_a_handoff(trace, cell):
    verdict = check_handoff(trace, "subject", "last", 3)
    assert verdict.sentence == "False in 1 of 12 cells."
    assert cell in verdict.details


@pytest.mark.parametrize(
    ("trace", "cell"),
    [
        (off(1, 0, -0.5), "layer 1, subject: 0.500, claimed at least 0.80"),
        (off(4, 0, +0.5), "layer 4, subject: 0.500, claimed at most 0.30"),
        (off(1, 1, +0.5), "layer 1, 4 ' is': 0.500, claimed at most 0.30"),
        (off(1, 2, +0.5), "layer 1, 5 ' a': 0.500, claimed at most 0.30"),
    ],
    ids=["inside", "other layers", "other token", "last token"],
)
def test_each_part_of_a_localization(trace, cell):
    verdict = check_fact_localized(trace, "resid_post@subject", (0, 2))
    assert verdict.sentence == "False in 1 of 12 cells."
    assert cell in verdict.details


def test_templates_are_the_units_of_the_interval():
    # four facts of each template say the same; six templates do not
    shifts = np.zeros((6, 6, 3))
    shifts[:, 1, 0] = [-0.14, -0.14, 0.06, 0.06, 0.06, 0.06]
    traces = [make_trace(noise=shifts[i % 6], fact=make_fact(i)) for i in range(24)]
    as_if_apart = sufficient(join(traces), "resid_post@subject", (0, 1), at_least=0.9)
    assert as_if_apart.status is Status.PASSED
    together = join(traces, [f"t{i % 6}" for i in range(24)])
    verdict = sufficient(together, "resid_post@subject", (0, 1), at_least=0.9)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.effect.low < 0.9 < verdict.effect.value
    assert verdict.scope == "n = 24 from 6 templates, about 48 answers"
    assert verdict.interval == "by templates: 6 of them, 5 degrees of freedom"
    assert "there are 6 templates, about 10 would do if they are like these" in verdict.sentence


def test_more_confidence_takes_more_evidence():
    traces = make_set(n=20, spread=0.1, templates=1)
    sure, less_sure = (
        sufficient(traces, "resid_post@last", (3, 4), at_least=0.95, confidence=share)
        for share in (0.95, 0.5)
    )
    assert sure.effect.low < less_sure.effect.low
    assert (sure.status, less_sure.status) == (Status.INCONCLUSIVE, Status.PASSED)
    assert (sure.confidence, less_sure.confidence) == (0.95, 0.5)


def test_a_found_range_is_checked_on_the_other_facts():
    finding, checking = make_set(n=10, templates=1).split(0.5)
    one_way = {i: make_trace(fact=make_fact(int(i)), handoff=3) for i in finding.ids}
    other_way = {i: make_trace(fact=make_fact(int(i)), handoff=2) for i in checking.ids}
    found = one_way | other_way
    traces = join([found[str(i)] for i in range(10)])
    verdict = check_fact_localized(traces, "resid_post@subject", split=0.5)
    assert "in layers 0 to 2" in verdict.claim
    assert verdict.status is Status.FAILED
    assert "layer 2, subject: 0.000" in verdict.details


def lenses(*settled):
    return [
        replace(lens(crossover=n), str_tokens=(f"{i}",), prompt=f"{i}")
        for i, n in enumerate(settled)
    ]


def test_the_whole_interval_lies_within_both_bounds():
    spread = lenses(5, 6, 7, 8)
    low, high = check_crystallises(spread, by_layer=11).effect.low, 11
    assert 4 < low < 6
    assert check_crystallises(spread, by_layer=high, not_before=6).status is Status.INCONCLUSIVE
    assert check_crystallises(spread, by_layer=high, not_before=4).status is Status.PASSED
    assert check_crystallises(spread, by_layer=7).status is Status.INCONCLUSIVE
    assert check_crystallises(spread, by_layer=high, not_before=9).status is Status.FAILED


def test_templates_are_the_units_of_a_mean_layer_too():
    settled = lenses(*(5, 5, 5) * 3, *(8, 8, 8) * 3)
    apart = check_crystallises(settled, by_layer=8)
    together = check_crystallises(settled, by_layer=8, clusters=sorted("abcdef" * 3))
    assert (apart.status, together.status) == (Status.PASSED, Status.INCONCLUSIVE)
    assert "there are 6 templates at settled layer; add templates" in together.sentence
