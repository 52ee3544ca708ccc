"""Intervals and permutation p-values."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from benchmarks.coverage import CAPITALS, SHAPES, coverage
from benchmarks.regions import hand_off, level
from pytest_interp.stats import kl_divergence, mean_intervals, region_p_value


# 2000 intervals: a true coverage of 95 % strays by 0.5 % (one standard deviation)
@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("shape", SHAPES)
def test_nominal_95_percent_covers_93_to_97(shape, n):
    assert 0.93 <= coverage(shape, (1,) * n) <= 0.97


@pytest.mark.parametrize("sizes", [(4,) * 5, (2,) * 10, (5,) * 10, CAPITALS], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_coverage_holds_when_facts_of_a_few_templates_are_alike(shape, sizes):
    # a true coverage of 93 % strays by 0.6 % (one standard deviation)
    assert 0.915 <= coverage(shape, sizes) <= 0.985


def test_ignoring_clusters_would_be_wrong():
    rng = np.random.default_rng(0)
    templates = [i % 8 for i in range(40)]
    values = (rng.normal(size=8)[templates] + 0.01 * rng.normal(size=40))[:, None]
    alone, together = mean_intervals(values), mean_intervals(values, templates)
    assert (together.high - together.low) > 2 * (alone.high - alone.low)


def test_few_units_get_students_interval_with_the_error_of_the_jackknife():
    values = np.array([0.8, 0.9, 1.0, 0.7])
    found = mean_intervals(values)
    without = [np.delete(values, i).mean() for i in range(4)]
    error = np.sqrt(((np.array(without) - values.mean()) ** 2).sum())
    low, high = scipy_stats.t.interval(0.95, 3, values.mean(), error)
    assert (float(found.low), float(found.high)) == pytest.approx((low, high))


def test_clusters_of_unequal_size_are_left_out_whole():
    values, names = np.array([1.0, 1.0, 1.0, 0.5, 0.0]), [*"aaabc"]
    found = mean_intervals(values, names)
    without = np.array([0.5 / 2, 3.0 / 4, 3.5 / 4])
    error = np.sqrt(((without - values.mean()) ** 2).sum())
    reach = scipy_stats.t.ppf(0.975, 2) * error
    assert float(found.high - found.mean) == pytest.approx(reach)


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


@pytest.mark.parametrize(
    "maps",
    ["independent cells", "neighbouring layers alike", "hand-offs at layers of their own"],
)
def test_facts_that_share_no_place_are_found_to_share_one_in_5_percent(maps):
    best, named = level(maps, (10, 10, 3), 5, runs=200)
    # 200 draws at 5 %: three standard deviations are 4.6 %
    assert best <= 0.1
    assert named <= 0.05


@pytest.mark.parametrize("facts", [10, 37])
def test_a_hand_off_that_all_facts_share_is_found(facts):
    maps = hand_off(facts, columns=3)
    assert region_p_value(maps, range(23), 0) == pytest.approx(1 / 2000)
    assert region_p_value(maps, range(23, 30), 1) == pytest.approx(1 / 2000)


def test_an_effect_that_is_the_same_everywhere_has_no_place():
    assert region_p_value(np.ones((10, 6, 3)), [1, 2], 0) == 1.0


def test_one_traced_layer_leaves_the_columns_to_agree_on():
    maps = np.zeros((10, 1, 3))
    maps[:, 0, 1] = 1.0
    assert region_p_value(maps, [0], 1) < 0.01
    assert region_p_value(maps, [0], 0) == 1.0


def test_cells_that_a_fact_lacks_take_no_part():
    maps = np.zeros((8, 6, 2))
    maps[:, 1:3, 0] = 1.0
    maps[:4, :, 1] = np.nan
    assert region_p_value(maps, [1, 2], 0) < 0.01
    assert region_p_value(maps, [1, 2], 1) == 1.0


def test_a_region_without_effects_is_never_significant():
    maps = np.zeros((3, 6, 2))
    maps[:, :, 1] = np.nan
    assert region_p_value(maps, [1, 2], 1) == 1.0


def test_kl_divergence_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 3, 5, 7))
    p, q = (np.exp(x) / np.exp(x).sum(-1, keepdims=True) for x in (first, second))
    found = kl_divergence(first, second)
    assert found.shape == (3, 5)
    np.testing.assert_allclose(found, (p * np.log(p / q)).sum(-1))
    np.testing.assert_array_equal(kl_divergence(first, first), 0)


def test_kl_divergence_of_words_that_are_all_but_impossible_is_finite():
    first, second = np.array([0.0, -740.0]), np.array([0.0, -760.0])
    assert kl_divergence(first, second) == pytest.approx(0, abs=1e-300)
    assert kl_divergence(second[::-1], first) == pytest.approx(740)
