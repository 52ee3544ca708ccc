"""Areas under the ROC curve, against SciPy and by simulation; matching, against brute force."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from pytest_interp.errors import ClaimError
from pytest_interp.stats.matching import matched_pairs
from pytest_interp.stats.separation import Units, area, area_differences, areas

CHANCE_OF_A_RUN = 0.02
"""By how much the coverage of a simulation may lie under the stated one."""


@pytest.mark.parametrize("seed", range(5))
def test_an_area_is_the_mann_whitney_statistic(seed):
    rng = np.random.default_rng(seed)
    first = rng.random(40) < 0.4
    scores = rng.integers(0, 6, size=(3, 40)).astype(float)  # with many ties
    for row, found in zip(scores, area(scores, first), strict=True):
        u = stats.mannwhitneyu(row[first], row[~first]).statistic
        assert found == pytest.approx(u / (first.sum() * (~first).sum()))


def test_an_undefined_score_makes_its_own_row_undefined():
    scores = np.array([[1.0, 2.0, 0.0, 0.5], [1.0, np.nan, 0.0, 0.5]])
    first = np.array([True, True, False, False])
    np.testing.assert_equal(area(scores, first), [1.0, np.nan])
    found = areas(scores, Units(first, ("a", "b", "c", "d")))
    for values in (found.area, found.low, found.high):
        assert np.isfinite(values[0])
        assert np.isnan(values[1])
    lead = area_differences(scores[::-1], scores, Units(first, ("a", "b", "c", "d")))
    assert np.isnan(lead.low).all()


@pytest.mark.guarantee(
    "undefined",
    "Two classes that a probe tells apart without a mistake still have an interval with a width.",
    sees="Few groups give a low lower bound, and the claim is inconclusive.",
)
@pytest.mark.parametrize("n", [4, 8, 20])
def test_classes_that_are_told_apart_have_a_width(n):
    units = Units(np.arange(2 * n) < n, tuple(range(2 * n)))
    scores = np.where(units.first, 1.0, 0.0)
    found = areas(scores, units)
    assert found.area == found.high == 1.0
    assert 0.4 < found.low < 1 - 1 / (2 * n)
    lead = area_differences(scores, scores, units)
    assert lead.area == 0.0
    assert lead.low < -1 / (2 * n) < 1 / (2 * n) < lead.high


def drawn(rng, groups, within, shift, mixed, shared):
    """Scores of prompts of groups that share a part; a group holds one class, or both."""
    own = rng.normal(size=(groups, within)) * np.sqrt(1 - shared)
    scores = own + rng.normal(size=(groups, 1)) * np.sqrt(shared)
    first = np.zeros((groups, within), dtype=bool)
    if mixed:
        first[:, ::2] = True
    else:
        first[::2] = True
    names = np.repeat(np.arange(groups), within)
    return (scores + shift * first).ravel(), Units(first.ravel(), tuple(names.tolist()))


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.5])
@pytest.mark.parametrize(
    ("groups", "within", "mixed", "shared"),
    [
        (24, 1, False, 0.0),
        (20, 4, False, 0.7),
        (12, 4, True, 0.5),
        (60, 2, True, 0.0),
    ],
)
def test_intervals_cover(groups, within, mixed, shared, shift):
    rng = np.random.default_rng(0)
    true, n, inside = stats.norm.cdf(shift / np.sqrt(2)), 400, 0
    for _ in range(n):
        found = areas(*drawn(rng, groups, within, shift, mixed, shared))
        inside += found.low <= true <= found.high
    assert inside / n >= 0.95 - CHANCE_OF_A_RUN


@pytest.mark.parametrize("shifts", [(1.0, 1.0), (1.5, 0.5), (0.0, 0.0)])
@pytest.mark.parametrize(("within", "mixed"), [(1, False), (4, True)])
def test_intervals_of_a_lead_cover(shifts, within, mixed):
    rng = np.random.default_rng(1)
    true = np.subtract(*(stats.norm.cdf(s / np.sqrt(2)) for s in shifts))
    n, inside = 400, 0
    for _ in range(n):
        one, units = drawn(rng, 24, within, shifts[0], mixed, 0.4)
        # the other sees the same prompts, in part
        noise = drawn(rng, 24, within, 0.0, mixed, 0.4)[0]
        other = (one - shifts[0] * units.first) * 0.6 + noise * 0.8 + shifts[1] * units.first
        found = area_differences(one, other, units)
        inside += found.low <= true <= found.high
    assert inside / n >= 0.95 - CHANCE_OF_A_RUN


def test_groups_matter_to_the_interval():
    scores, units = drawn(np.random.default_rng(3), 20, 6, 1.0, False, 0.8)
    alone = Units(units.first, tuple(range(len(units.first))))
    grouped, single = areas(scores, units), areas(scores, alone)
    assert grouped.high - grouped.low > 1.5 * (single.high - single.low)


def test_a_class_of_one_group_has_no_interval():
    with pytest.raises(ClaimError, match="1 and 2 groups"):
        Units(np.array([True, True, False, False]), ("a", "a", "b", "c"))
    with pytest.raises(ClaimError, match="3 groups for 2 prompts"):
        Units(np.array([True, False]), ("a", "b", "c"))


@pytest.mark.parametrize("seed", range(40))
def test_matching_is_that_of_brute_force(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=rng.integers(1, 5)), rng.normal(0.5, size=rng.integers(1, 6))
    caliper = float(rng.choice([0.1, 0.5, 1.0, 5.0]))
    limit = caliper * np.concatenate([a, b]).std()
    best = (0, 0.0)
    for order in permutations(range(len(b)), min(len(a), len(b))):
        for rows in permutations(range(len(a)), len(order)):
            gaps = np.abs(a[list(rows)] - b[list(order)])
            near = gaps <= limit
            best = max(best, (int(near.sum()), -float(gaps[near].sum())))
    pairs = matched_pairs(a, b, caliper)
    gaps = np.abs(a[pairs[:, 0]] - b[pairs[:, 1]])
    assert (gaps <= limit).all()
    assert len(set(pairs[:, 0])) == len(set(pairs[:, 1])) == len(pairs) == best[0]
    assert gaps.sum() == pytest.approx(-best[1])


def test_nothing_is_matched_with_nothing():
    assert matched_pairs([], [1.0], 1.0).shape == (0, 2)
