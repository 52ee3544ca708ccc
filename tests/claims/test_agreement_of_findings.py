"""Two results agree by their numbers; findings that rounding decides, and numbers that are none."""

from dataclasses import replace

import numpy as np
import pytest
from made_results import lens, lens_set

from pytest_interp.claims import Status, check_backends_agree


@pytest.mark.guarantee(
    "green",
    "Findings that differ everywhere are no agreement, though rounding may explain each of them.",
    sees="An inconclusive verdict that names the finding.",
)
def test_top_tokens_that_differ_everywhere_are_no_agreement():
    near = {"top_margin": np.full(12, 1e-5)}
    one, other = replace(lens(), **near), replace(lens(backend="nnsight"), **near)
    verdict = check_backends_agree(one, replace(other, top_token=("another",) * 12))
    assert verdict.status is Status.INCONCLUSIVE
    assert "top_token agrees nowhere" in verdict.sentence
    # one of twelve is rounding
    some = (*other.top_token[:3], "another", *other.top_token[4:])
    assert check_backends_agree(one, replace(other, top_token=some))


def test_ranks_that_differ_everywhere_are_a_disagreement():
    other = lens(backend="nnsight")
    verdict = check_backends_agree(lens(), replace(other, answer_rank=other.answer_rank + 1000))
    assert verdict.status is Status.FAILED


@pytest.mark.guarantee(
    "red",
    "A rank may differ by as many places as there are tokens within rounding of the answer.",
    sees="Ranks among near equals are within tolerance; a rank that moved further fails.",
)
def test_a_rank_may_differ_by_the_tokens_that_are_level_with_it():
    level = np.where(np.arange(12) < 2, 3, 0)
    first, second = (replace(lens(backend=b), answer_level=level) for b in ("a", "b"))
    ranks = first.answer_rank.copy()
    ranks[:2] = (9, 5)
    verdict = check_backends_agree(replace(first, answer_rank=ranks), second)
    assert verdict.status is Status.PASSED
    assert "Differing within that: answer_rank" in verdict.sentence
    ranks[1] = 12
    verdict = check_backends_agree(replace(first, answer_rank=ranks), second)
    assert (verdict.status, verdict.sentence[:22]) == (Status.FAILED, "answer_rank.1 is 12 an")
    one, other = lens_set(8, 3), replace(lens_set(8, 3), name="other")
    wide = replace(other, lenses=(other.lenses[0], replace(other.lenses[1], answer_level=level)))
    assert one.tolerances()["answer_rank"].atol == 1
    assert wide.tolerances()["answer_rank"].atol == 4


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
