"""Arguments that make no sense are refused, with what was expected."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens

from pytest_interp.claims import (
    Status,
    check_backends_agree,
    check_crystallises,
    check_fact_localized,
    check_handoff,
    check_no_effect,
    check_sufficient,
)
from pytest_interp.errors import ClaimError
from pytest_interp.results.control import Control
from tests.claims.conftest import make_trace

NAN = float("nan")


def test_unknown_keywords_are_refused_with_the_nearest(trace):
    with pytest.raises(ClaimError, match=r"check_sufficient.*'at_leest': did you mean 'at_least'"):
        check_sufficient(trace, "resid_post@last", 4, at_leest=0.9999)
    with pytest.raises(ClaimError, match=r"'seeed': did you mean 'seed'"):
        check_handoff(trace, "subject", "last", 3, seeed=3)
    for check in (check_fact_localized, check_no_effect):
        with pytest.raises(ClaimError, match=r"'min_gp': did you mean 'min_gap'"):
            check(trace, "resid_post@last", (0, 2), min_gp=0.5)


@pytest.mark.parametrize(
    "terms",
    [
        {"confidence": 0},
        {"confidence": 0.05},  # the error, taken for the confidence
        {"confidence": 1},
        {"confidence": 95},
        {"confidence": NAN},
        {"min_gap": -1},
        {"min_gap": NAN},
        {"min_known": -0.1},
        {"min_known": 80},
        {"seed": -1},
        {"seed": 0.5},
        {"controls": ["unrelated pair"]},
        {"controls": Control("bad", 1.0, 0.5)},
        {"controls": "bad"},
        {"seed": 10**400},
        {"inside": NAN},
        {"inside": 0.0},
        {"inside": 0.3, "outside": 0.3},
        {"inside": 0.5, "outside": 5},
        {"outside": NAN},
        {"outside": -0.1},
        {"edge": -1},
        {"edge": 1.0},
        {"edge": True},
    ],
    ids=str,
)
def test_senseless_terms_are_refused(trace, terms):
    name = list(terms)[-1]
    with pytest.raises(ClaimError, match=rf"{name}=.*: give|{name}= takes a list of control runs"):
        check_fact_localized(trace, "resid_post@subject", (0, 2), **terms)


@pytest.mark.guarantee(
    "messages",
    "A limit that is no usable number is refused in words, whatever was given.",
    sees="A ClaimError with the argument and what it takes; long numbers are cut.",
)
@pytest.mark.parametrize(
    "limit", [NAN, -1, 0, float("inf"), "0.8", None, 10**400, 10**5000], ids=type
)
def test_senseless_limits_are_refused(trace, limit):
    with pytest.raises(ClaimError, match=r"at_least=.*: give"):
        check_sufficient(trace, "resid_post@last", 4, at_least=limit)
    if limit:
        with pytest.raises(ClaimError, match=r"at_most=.*: give"):
            check_no_effect(trace, "resid_post@last", 1, at_most=limit)
    with pytest.raises(ClaimError, match=r"within=.*: give"):
        check_handoff(trace, "subject", "last", 3, within=limit or -1)


@pytest.mark.parametrize("split", [0, 1, 1.5, NAN, "half"])
def test_a_senseless_share_is_refused(traces, split):
    with pytest.raises(ClaimError, match=r"split=.*: give"):
        check_fact_localized(traces, "resid_post@subject", split=split)


@pytest.mark.parametrize("layers", ["02", (0.0, 2.0), (-3, -1), True, 3.0, (0, 1, 2), None, (0,)])
def test_what_is_no_range_of_layers_is_refused(trace, layers):
    with pytest.raises(ClaimError, match="layer_range"):
        check_sufficient(trace, "resid_post@subject", layers)


@pytest.mark.guarantee(
    "messages",
    "A range of layers is bounded before it is listed.",
    sees="A ClaimError at once, with the layers that were not traced.",
)
@pytest.mark.parametrize(
    ("layers", "absent"),
    [
        ((0, 10**9), "6 to 1000000000"),
        (range(10**12), "6 to 999999999999"),
        ((2, 2**62), "6 to 4611686018427387904"),
        ((6, 7), "6 to 7"),
    ],
    ids=str,
)
def test_a_range_beyond_the_trace_is_not_listed(trace, layers, absent):
    with pytest.raises(ClaimError, match=f"layers {absent} of layer_range .* were not traced; the"):
        check_sufficient(trace, "resid_post@subject", layers)


def test_layers_that_the_range_steps_over_are_named():
    part = make_trace()
    rows = [0, 2, 3, 5]
    part = replace(part, layers=tuple(rows), patched_metric=part.patched_metric[rows])
    with pytest.raises(ClaimError, match="layers 1, 4 of layer_range"):
        check_sufficient(part, "resid_post@subject", (0, 5))
    with pytest.raises(ClaimError, match="layers 4 of layer_range"):
        check_sufficient(part, "resid_post@subject", (3, 4))


@pytest.mark.guarantee(
    "green",
    "A control counts however it is handed over: in a list, a tuple, an iterator or a generator.",
    sees="The claim is inconclusive, and the verdict names the control that does not hold.",
)
@pytest.mark.parametrize("handed", [list, tuple, iter, lambda found: (one for one in found)])
def test_a_control_that_does_not_hold_counts_however_it_is_given(trace, traces, handed):
    bad = [Control("bad", 1.0, 0.5)]
    for one in (trace, traces):
        verdict = check_sufficient(one, "resid_post@last", (3, 4), controls=handed(bad))
        assert "a control does not: bad" in verdict.sentence
        verdict = check_handoff(one, "subject", "last", 3, controls=handed(bad))
        assert verdict.status is Status.INCONCLUSIVE
    verdict = check_fact_localized(traces, "resid_post@subject", split=0.5, controls=handed(bad))
    assert "a control does not: bad" in verdict.sentence


@pytest.mark.parametrize(("value", "limit"), [("0.1", 0.5), (0.1, "0.5"), (0.1, None)])
def test_a_control_is_made_of_numbers(value, limit):
    with pytest.raises(ClaimError, match="the control 'x' needs a number as its"):
        Control("x", value, limit)
    assert Control("x", None, 0.5, "not run").holds


@pytest.mark.guarantee(
    "messages",
    "A result whose arrays do not fit its layers and tokens is refused when it is made.",
    sees="A ClaimError with the shape that it has and the one that it needs.",
)
def test_an_array_of_the_wrong_shape_is_refused(trace):
    for shape in ((6, 4), (6, 9), (4, 6), (6,), (6, 6, 1)):
        with pytest.raises(ClaimError, match=r"patched_metric .* need \(6, 6\)"):
            replace(trace, patched_metric=np.zeros(shape))
    with pytest.raises(ClaimError, match="at least one entry each"):
        replace(trace, layers=(), patched_metric=np.zeros((0, 6)))
    for name in ("answer_margin", "answer_rank", "top_token"):
        with pytest.raises(ClaimError, match=rf"{name} of a LensResult .* 12 layers need"):
            replace(lens(), **{name: np.zeros(3)})


def test_a_layer_is_a_whole_number(trace):
    for layer in (3.0, True, "3", lens(crossover=99).crossover_layer):
        with pytest.raises(ClaimError, match=r"layer=.*: give a whole number"):
            check_handoff(trace, "subject", "last", layer)
    assert check_handoff(trace, "subject", "last", np.int64(3))
    assert check_handoff(trace, "subject", "last", lens(crossover=3).crossover_layer)


def test_what_is_no_trace_is_refused(trace):
    for wrong in ([trace, trace], "trace", None, lens()):
        with pytest.raises(ClaimError, match="expected a causal trace or a TraceSet, got"):
            check_handoff(wrong, "subject", "last", 3)
    with pytest.raises(ClaimError, match="a site is a text"):
        check_sufficient(trace, 3, 3)
    with pytest.raises(ClaimError, match="cannot read the site"):
        check_handoff(trace, 3.5, "last", 3)


def test_arguments_of_other_claims():
    for wrong in (make_trace(), [make_trace()], "lens", None):
        with pytest.raises(ClaimError, match="expected a lens result or a list of them"):
            check_crystallises(wrong, by_layer=9)
    for terms in (
        {"by_layer": 9.0},
        {"not_before": -4},
        {"min_margin": -99},
        {"min_margin": NAN},
        {"confidence": 95},
    ):
        with pytest.raises(ClaimError, match=f"{next(iter(terms))}="):
            check_crystallises(lens(), **({"by_layer": 9} | terms))
    with pytest.raises(ClaimError, match="max_kl="):
        check_backends_agree(object(), object(), "text", max_kl=NAN)
    with pytest.raises(ClaimError, match="atol="):
        check_backends_agree(lens(), lens(), atol=-1)
