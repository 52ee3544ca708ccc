"""Claims about numbers that an experiment measured of each fact."""

from dataclasses import dataclass

import numpy as np
import pytest
from made_facts import facts

from pytest_interp.claims.over_facts import Demand, decide_over_facts
from pytest_interp.claims.terms import Terms
from pytest_interp.claims.verdict import Status
from pytest_interp.errors import ClaimError
from pytest_interp.options import TraceOptions
from pytest_interp.results.control import Control
from pytest_interp.results.head_trace import HeadTrace
from pytest_interp.results.over_facts import OverFacts, as_set


@dataclass(frozen=True, eq=False, kw_only=True)
class Sizes(OverFacts):
    """A result with one array over facts."""

    sizes: np.ndarray
    _by_fact = ("sizes",)

    def to_json(self):
        return self.facts_json()

    def tolerances(self):
        return {}


def sizes(values, clean=5.0, corrupt=-5.0):
    n = len(values)
    return Sizes(facts=facts(n), clean=np.full(n, clean), corrupt=np.full(n, corrupt), sizes=values)


def decided(result, sense="at least", limit=0.5, controls=()):
    demand = Demand("head.1.2@last", result.sizes, sense, limit)
    return decide_over_facts("it is so", result, [demand], Terms(controls=controls))


SPREAD = np.array([0.9, 0.8, 0.7, 0.85, 0.75, 0.8, 0.95, 0.65])


@pytest.mark.parametrize(
    ("sense", "limit", "status"),
    [
        ("at least", 0.5, Status.PASSED),
        ("at least", 0.8, Status.INCONCLUSIVE),
        ("at least", 1.2, Status.FAILED),
        ("at most", 1.2, Status.PASSED),
        ("at most", 0.5, Status.FAILED),
        ("within", 1.0, Status.PASSED),
        ("within", 0.3, Status.FAILED),
    ],
)
def test_the_whole_interval_has_to_keep_to_its_side(sense, limit, status):
    verdict = decided(sizes(SPREAD), sense, limit)
    assert verdict.status is status
    assert verdict.n_prompts == len(SPREAD)
    assert verdict.effect.low < SPREAD.mean() < verdict.effect.high
    assert "head.1.2@last" in verdict.effect.where


def test_one_prompt_needs_no_interval():
    verdict = decided(sizes([0.6]))
    assert verdict.status is Status.PASSED
    assert verdict.scope == "existence, n = 1"


@pytest.mark.guarantee(
    "undefined",
    "A number of a component that is not finite decides no claim.",
    sees="inconclusive, with the component and the prompt",
)
def test_what_is_not_finite_decides_nothing():
    verdict = decided(sizes([*SPREAD, np.nan]))
    assert verdict.status is Status.INCONCLUSIVE
    assert "head.1.2@last is nan" in verdict.sentence


def test_facts_that_the_model_does_not_know_are_left_out():
    values = np.array([*SPREAD, -9.0])
    result = Sizes(facts=facts(9), clean=np.array([5.0] * 8 + [-1.0]), sizes=values)
    verdict = decided(result)
    assert verdict.status is Status.PASSED
    assert verdict.n_left_out == 1


def test_too_few_known_facts_decide_nothing():
    verdict = decided(sizes(SPREAD, clean=0.3, corrupt=-0.3))
    assert verdict.status is Status.INCONCLUSIVE
    assert "knows 0 of 8 facts" in verdict.sentence
    assert "gap" in verdict.sentence


def test_a_control_that_does_not_hold_decides_against_a_pass():
    verdict = decided(sizes(SPREAD), controls=[Control("identity patch", 0.5, 0.1)])
    assert verdict.status is Status.INCONCLUSIVE
    assert "identity patch" in verdict.sentence


def test_arrays_have_one_entry_for_each_fact():
    with pytest.raises(ClaimError, match="facts are 3"):
        Sizes(facts=facts(3), clean=np.ones(3), sizes=np.ones(2))


def test_a_part_keeps_what_belongs_to_its_facts():
    part = sizes(SPREAD).pick([1, 3])
    assert part.ids == ("1", "3")
    assert part.sizes.tolist() == [0.8, 0.85]
    assert len(part.corrupt) == 2


def test_one_prompt_is_a_set_of_one():
    one = facts(1).prompts[0]
    assert as_set(one).prompts == (one,)
    with pytest.raises(ClaimError, match="not a str"):
        as_set("The capital of France is")


@pytest.mark.parametrize("corruption", ["interchange", "gaussian"])
def test_noise_need_not_make_the_model_prefer_the_other_answer(corruption):
    result = HeadTrace(
        facts=facts(3),
        clean=np.full(3, 6.0),
        corrupt=np.full(3, 0.5),  # the answer still leads
        options=TraceOptions.of(site="head", corruption=corruption),
        patched=np.full((3, 1, 1), 5.0),
        position="last",
        layers=(0,),
        heads=(0,),
        n_layers=2,
    )
    unknown = [reason is not None for reason in result.unknown_because()]
    assert unknown == [corruption == "interchange"] * 3
