"""Intervals and permutation p-values."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from benchmarks.coverage import SHAPES, coverage
from pytest_interp.stats import mean_intervals, region_p_value


@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("shape", SHAPES)
def test_nominal_95_percent_covers_93_to_97(shape, n):
    # 2000 intervals: a true coverage of 95 % strays by 0.5 % (one standard deviation)
    assert 0.93 <= coverage(shape, n).share <= 0.97


@pytest.mark.parametrize("shape", ["normal", "near 1, tail below: beta(5, 1)"])
def test_coverage_holds_when_facts_of_a_template_are_alike(shape):
    assert 0.93 <= coverage(shape, 50, clusters=10, runs=1000).share <= 0.97


def test_ignoring_clusters_would_be_wrong():
    rng = np.random.default_rng(0)
    templates = [i % 8 for i in range(40)]
    values = (rng.normal(size=8)[templates] + 0.01 * rng.normal(size=40))[:, None]
    alone, together = mean_intervals(values), mean_intervals(values, templates)
    assert (together.high - together.low) > 2 * (alone.high - alone.low)


def test_few_units_get_students_interval():
    values = np.array([0.8, 0.9, 1.0, 0.7])
    found = mean_intervals(values)
    low, high = scipy_stats.t.interval(0.95, 3, values.mean(), scipy_stats.sem(values))
    assert (float(found.low), float(found.high)) == pytest.approx((low, high))


def test_one_unit_is_its_own_interval():
    found = mean_intervals([[0.5, 0.75]])
    np.testing.assert_array_equal(found.low, [0.5, 0.75])
    np.testing.assert_array_equal(found.high, [0.5, 0.75])


def test_same_seed_same_interval_and_equal_values_no_width():
    values = np.random.default_rng(1).beta(5, 1, (20, 3))
    a, b = mean_intervals(values, seed=3), mean_intervals(values, seed=3)
    np.testing.assert_array_equal(a.low, b.low)
    same = mean_intervals(np.full((20, 2), 0.9))
    np.testing.assert_allclose(same.high - same.low, 0, atol=1e-9)


def test_a_region_that_stands_out_is_significant():
    maps = np.zeros((5, 8, 3))
    maps[:, 2:5, 1] = 1.0
    assert region_p_value(maps, [2, 3, 4], 1) == pytest.approx(1 / 2000)
    assert region_p_value(maps, [4, 5, 6], 1) > 0.001
    assert region_p_value(maps, [5, 6, 7], 0) == 1.0


def test_p_values_of_noise_are_uniform():
    # the best region of pure noise, searched for: the correction has to pay for the search
    rng = np.random.default_rng(0)
    found = []
    for seed in range(200):
        maps = rng.normal(size=(4, 10, 3))
        mean = maps.mean(0)
        sums = mean[:-1] + mean[1:]
        layer, column = np.unravel_index(sums.argmax(), sums.shape)
        found.append(region_p_value(maps, [layer, layer + 1], int(column), 199, seed))
    share = np.mean(np.array(found) <= 0.05)
    # 200 draws at 5 %: three standard deviations are 4.6 %
    assert share <= 0.1
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_cells_that_a_fact_lacks_take_no_part():
    maps = np.zeros((3, 6, 2))
    maps[:, 1:3, 0] = 1.0
    maps[0, :, 1] = np.nan
    assert region_p_value(maps, [1, 2], 0) < 0.01
