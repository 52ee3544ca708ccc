"""One rule says whether a model knows a fact: for the command, for controls and for claims."""

from dataclasses import replace

import pytest

from pytest_interp.experiments.knowledge import Knowledge
from pytest_interp.facts.known import why_unknown
from pytest_interp.facts.sets import Fact
from pytest_interp.results.known import unknown_because
from tests.claims.conftest import make_fact, make_trace

NAN, INF = float("nan"), float("inf")


@pytest.mark.guarantee(
    "green",
    "A fact is known by one rule, in `pytest-interp facts`, in controls and in claims.",
    sees="The same facts are known everywhere, and the same reason is given.",
)
@pytest.mark.parametrize(
    ("clean", "corrupt", "reason"),
    [
        (4.0, -4.0, None),
        (0.3, -0.9, None),  # unequal sides of a gap that is large enough
        (0.5, -0.5, None),
        (0.4, -0.4, "the gap 0.8 is below the least of 1"),
        (-0.1, -3.0, "does not prefer ' x' to ' y': by -0.10 logits"),
        (0.0, -3.0, "does not prefer ' x' to ' y': by +0.00 logits"),
        (3.0, 0.5, "after 'The home 0 of dogs is a' the model does not prefer ' y' to ' x'"),
        (NAN, -3.0, "not finite"),
        (3.0, NAN, "not finite"),
        (INF, -3.0, "not finite"),
    ],
)
def test_a_fact_is_known_by_one_rule(clean, corrupt, reason):
    asked = Knowledge(Fact("0", "t", make_fact()), clean, corrupt, rank=0)
    made = replace(make_trace(), clean_metric=clean, corrupt_metric=corrupt)
    traced = unknown_because(made)
    for said in (asked.reason, traced):
        assert (said is None) == (reason is None)
        assert (reason or "") in (said or "")
    assert asked.known is (reason is None)


def test_noise_need_not_prefer_the_other_answer_and_a_metric_has_its_own_gap():
    fact = make_fact()
    assert why_unknown(fact, 3.0, 0.5, prefers_counterfactual=False) is None
    assert "gap 0.05 is below the least of 0.1" in str(
        why_unknown(fact, 3.0, -0.5, gap=0.05, least_gap=0.1)
    )


def test_a_pair_that_does_not_fit_the_tokenizer_is_not_known():
    told = Knowledge(Fact("0", "t", make_fact()), problem="the prompts differ in length")
    assert (told.known, told.reason) == (False, "the prompts differ in length")
