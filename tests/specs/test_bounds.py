"""Bounds on one number of a result."""

from types import SimpleNamespace

import numpy as np
import pytest

from pytest_interp.errors import ClaimError, ClaimFailed, ClaimInconclusive
from pytest_interp.results.crossover import CrossoverLayer
from pytest_interp.specs.bounds import Bound, check_bound

CURVE = {"answer": " a", "layers": (0, 1), "top_token": ("b", "a")} | dict.fromkeys(
    ("prob", "rank", "margin"), np.zeros(2)
)
REACHED, NEVER = CrossoverLayer(1, **CURVE), CrossoverLayer(None, **CURVE)

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


@pytest.mark.parametrize(("value", "bound", "holds"), CASES)
def test_bound(value, bound, holds):
    result = SimpleNamespace(part=SimpleNamespace(value=value))
    if holds:
        assert check_bound(result, "part.value", Bound(**bound))
    else:
        with pytest.raises(ClaimFailed, match=r"part\.value is"):
            check_bound(result, "part.value", Bound(**bound))


@pytest.mark.parametrize("value", [None, float("nan")])
def test_undefined_is_inconclusive(value):
    with pytest.raises(ClaimInconclusive, match="undefined"):
        check_bound(SimpleNamespace(value=value), "value", Bound(at_most=3))


def test_path_that_ends_in_nothing_is_inconclusive():
    with pytest.raises(ClaimInconclusive, match="undefined"):
        check_bound(SimpleNamespace(peak=None), "peak.layer", Bound(at_most=3))


@pytest.mark.parametrize("value", [np.zeros(2), (1, 2), {}])
def test_more_than_one_value_is_misstated(value):
    with pytest.raises(ClaimError, match="one number"):
        check_bound(SimpleNamespace(value=value), "value", Bound(at_most=3))


def test_numbers_of_numpy_are_numbers():
    assert check_bound(SimpleNamespace(value=np.float32(2)), "value", Bound(at_most=3))
    assert check_bound(SimpleNamespace(value=np.int64(2)), "value", Bound(equals=2))
