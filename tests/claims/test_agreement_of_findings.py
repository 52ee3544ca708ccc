"""Two results agree by their numbers; findings that rounding decides, and numbers that are none."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens

from pytest_interp.claims import Status, check_backends_agree


@pytest.mark.guarantee(
    "green",
    "Findings that differ everywhere are no agreement, though rounding may explain each of them.",
    sees="An inconclusive verdict that names the finding.",
)
@pytest.mark.parametrize("name", ["top_token", "answer_rank"])
def test_findings_that_differ_everywhere_are_no_agreement(name):
    near = {"top_margin": np.full(12, 1e-5)}
    one, other = replace(lens(), **near), replace(lens(backend="nnsight"), **near)
    changed = {"top_token": ("another",) * 12, "answer_rank": other.answer_rank + 1000}
    verdict = check_backends_agree(one, replace(other, **{name: changed[name]}))
    assert verdict.status is Status.INCONCLUSIVE
    assert f"{name} agrees nowhere" in verdict.sentence
    # one of twelve is rounding
    some = list(getattr(other, name))
    some[3] = changed[name][3]
    assert check_backends_agree(one, replace(other, **{name: tuple(some)}))


@pytest.mark.guarantee(
    "red",
    "Ranks far from the top are compared by the logits that decide them, not by their count.",
    sees="A rank among near equals is listed as within rounding, and fails nothing.",
)
def test_a_rank_among_near_equals_may_differ_where_the_logits_do_not():
    one, second = lens(), lens(backend="nnsight")
    ranks = one.answer_rank.copy()
    ranks[:2] = 12
    first = replace(one, answer_rank=ranks)
    verdict = check_backends_agree(first, second)
    assert verdict.status is Status.PASSED
    assert "Differing within that: answer_rank" in verdict.sentence
    moved = second.answer_margin.copy()
    moved[0] += 0.01
    assert not check_backends_agree(first, replace(second, answer_margin=moved))


@pytest.mark.guarantee(
    "undefined",
    "What is not finite under both backends is no agreement, and under one a difference.",
    sees="An inconclusive verdict that names the number, or a failed one.",
)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_do_not_agree(value):
    margin = lens().answer_margin.copy()
    margin[4] = value
    one, other = (replace(lens(backend=b), answer_margin=margin) for b in ("a", "b"))
    verdict = check_backends_agree(one, other)
    assert (verdict.status, verdict.sentence) == (
        Status.INCONCLUSIVE,
        "answer_margin is undefined under both backends.",
    )
    assert check_backends_agree(one, lens(backend="b")).status is Status.FAILED
