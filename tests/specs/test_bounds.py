"""Bounds on one number of a result."""

from types import SimpleNamespace

import numpy as np
import pytest

from pytest_interp.claims import Status
from pytest_interp.errors import ClaimError
from pytest_interp.results.crossover import NeverReached, ReachedLayer
from pytest_interp.specs.bounds import Bound, check_bound

LENS = SimpleNamespace(
    answer=" a",
    layers=(0, 1),
    answer_prob=np.zeros(2),
    answer_rank=np.zeros(2, int),
    answer_margin=np.zeros(2),
    top_token=("b", "a"),
)
REACHED, NEVER = ReachedLayer(1, LENS), NeverReached(LENS)

CASES = [
    (3, {"at_most": 3}, True),
    (3.5, {"at_most": 3}, False),
    (3, {"at_least": 3, "at_most": 3}, True),
    (2, {"at_least": 3, "at_most": 5}, False),
    (3, {"equals": 3}, True),
    (3, {"equals": 4}, False),
    ("denoise", {"equals": "denoise"}, True),
    ("denoise", {"equals": "noise"}, False),
    ("denoise", {"at_most": 3}, False),
    (REACHED, {"at_most": 1}, True),
    (REACHED, {"equals": 1}, True),
    (REACHED, {"at_most": 0}, False),
    (NEVER, {"at_most": 30}, False),
    (NEVER, {"at_least": -5}, False),
    (NEVER, {"equals": -1}, False),
    (-0.0, {"at_least": 0}, True),
]


def check(value, **bound):
    return check_bound(SimpleNamespace(value=value), "value", Bound(**bound))


@pytest.mark.parametrize(("value", "bound", "holds"), CASES)
def test_bound(value, bound, holds):
    result = SimpleNamespace(part=SimpleNamespace(value=value))
    verdict = check_bound(result, "part.value", Bound(**bound))
    assert verdict.status is (Status.PASSED if holds else Status.FAILED)
    assert verdict.sentence.startswith("part.value is")


@pytest.mark.guarantee(
    "undefined",
    "A bound in a spec file on a number that is not finite is undecided, infinities too.",
    sees="An inconclusive verdict with the number.",
)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, np.float64("inf")])
@pytest.mark.parametrize("bound", [{"at_least": 0.8}, {"at_most": 0.8}, {"equals": 1.0}])
def test_what_is_not_finite_is_within_no_bound(value, bound):
    verdict = check(value, **bound)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.sentence == f"value is undefined here: {value:g}"


def test_a_layer_that_is_not_within_the_bound_explains_itself():
    assert "' a' is the top token from layer 1" in check(REACHED, at_most=0).details
    never = check(NEVER, at_most=30)
    assert "' a' is never the top token" in never.details
    assert never.sentence == "value is never, and is claimed to be at most 30"
    assert (never.effect, never.threshold, never.margin) == (None, None, None)


@pytest.mark.parametrize("value", [None, float("nan")])
def test_undefined_is_inconclusive(value):
    verdict = check(value, at_most=3)
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.sentence.startswith("value is undefined here")


def test_path_that_ends_in_nothing_is_inconclusive():
    verdict = check_bound(SimpleNamespace(peak=None), "peak.layer", Bound(at_most=3))
    assert verdict.status is Status.INCONCLUSIVE


@pytest.mark.parametrize("value", [np.zeros(2), (1, 2), {}])
def test_more_than_one_value_is_misstated(value):
    with pytest.raises(ClaimError, match="one number"):
        check(value, at_most=3)


@pytest.mark.parametrize("value", [NEVER, REACHED, 3, 0.5, "text", np.float32(2)], ids=repr)
@pytest.mark.guarantee(
    "undefined",
    "A bound in a spec file is about a value itself: `crossover_layer.real` reaches no number.",
    sees="A ClaimError that names the value to write instead.",
)
@pytest.mark.parametrize("part", ["real", "layer", "upper"])
def test_a_part_of_a_number_is_none_of_the_result(value, part):
    with pytest.raises(
        ClaimError, match=rf"'value' is one value.*write 'value', not 'value.{part}'"
    ):
        check_bound(SimpleNamespace(value=value), f"value.{part}", Bound(at_most=3))


def test_private_attributes_are_not_offered():
    class Made:
        whole = property(lambda self: 1)
        _half = property(lambda self: 2)

    with pytest.raises(ClaimError, match=r"has no 'part': choose one of whole$"):
        check_bound(Made(), "part", Bound(at_most=3))


def test_numbers_of_numpy_are_numbers():
    assert check(np.float32(2), at_most=3)
    assert check(np.int64(2), equals=2)
