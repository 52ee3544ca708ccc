"""Agreement of two backends on all that was measured, and not on its means alone."""

from dataclasses import replace

import numpy as np
import pytest
from made_ablations import made_circuit
from made_estimates import estimates
from made_heads import patterns
from made_results import MADE
from made_told import steered

from pytest_interp.claims import Status, check_backends_agree

OTHER = replace(MADE, backend="nnsight")
WHOLE = pytest.mark.guarantee(
    "green",
    "Two backends agree on what each fact and each prompt was measured to be, not on means alone.",
    sees="A failed verdict that names the array.",
)


def agreement(result, **changed):
    first = replace(result, provenance=MADE)
    return check_backends_agree(first, replace(result, provenance=OTHER, **changed))


def swapped(array, axis=0):
    """The first two entries in each other's place: all means over the axis stay."""
    order = [1, 0, *range(2, np.shape(array)[axis])]
    return np.take(array, order, axis)


@WHOLE
def test_a_pattern_that_differs_at_an_earlier_token_is_no_agreement():
    looks = patterns({"head.2.1": 0.5})
    assert agreement(looks)
    other = [np.array(one) for one in looks.patterns]
    other[3][0, 0, 2] = (0.0, 0.0, 1.0, 0.0, 0.0)
    verdict = agreement(looks, patterns=tuple(other))
    assert verdict.status is Status.FAILED
    assert "the pattern of 'The capital of land3 is'" in verdict.effect.where


@WHOLE
def test_the_same_numbers_at_other_places_are_no_agreement():
    made = estimates(error=0.05)
    assert agreement(made)
    other = {site: swapped(one) for site, one in made.change.items()}
    verdict = agreement(made, change=other)
    assert verdict.status is Status.FAILED
    assert verdict.effect.where == "the map of head"
    shorter = {site: np.array(one) for site, one in made.change.items()}
    shorter["mlp_out"][0, :, -1] = np.nan
    fewer = (made.str_tokens[0][:3], *made.str_tokens[1:])
    assert agreement(replace(made, change=shorter, str_tokens=fewer))
    assert agreement(made, change=shorter).status is Status.FAILED


@WHOLE
def test_means_that_agree_are_no_agreement_of_the_facts():
    made = made_circuit()
    assert agreement(made)
    verdict = agreement(made, circuit_without=swapped(made.circuit_without))
    assert verdict.status is Status.FAILED
    assert verdict.effect.where == "circuit_without"


@WHOLE
def test_means_over_a_class_are_no_agreement_of_its_prompts():
    made = steered(length=1.0)
    assert agreement(made)
    verdict = agreement(made, log_odds=swapped(made.log_odds, axis=1))
    assert verdict.status is Status.FAILED


def test_what_neither_backend_measured_is_no_disagreement():
    assert agreement(estimates())  # nothing was computed exactly, so that there is no error
    answers = np.array(steered().right)
    answers[:, :12] = np.nan  # the untold prompts have none
    made = steered(length=1.0, right=answers)
    assert made.to_json()["right"]["untold"] == [None] * 5
    assert agreement(made)
