"""Intervals and permutation p-values."""

import numpy as np
import pytest
from scipy import stats as scipy_stats

from benchmarks.coverage import CAPITALS, SAMPLES, SHAPES, apart, coverage
from benchmarks.regions import hand_off, level
from pytest_interp.stats import (
    clusters,
    kl_divergence,
    mean_intervals,
    region_p_value,
    units_needed,
)
from pytest_interp.stats.quantiles import normal, student


# 2000 intervals: a true coverage of 95 % strays by 0.5 % (one standard deviation)
@pytest.mark.parametrize("n", [20, 50])
@pytest.mark.parametrize("shape", SHAPES)
def test_nominal_95_percent_covers_93_to_97(shape, n):
    assert 0.93 <= coverage(shape, apart(*(1,) * n))[0] <= 0.975


@pytest.mark.parametrize("sizes", [(4,) * 5, (2,) * 10, (5,) * 10, CAPITALS], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_coverage_holds_when_facts_of_a_few_templates_are_alike(shape, sizes):
    # a true coverage of 93 % strays by 0.6 % (one standard deviation)
    assert 0.915 <= coverage(shape, apart(*sizes))[0] <= 0.985


@pytest.mark.guarantee(
    "green",
    "An interval of facts that share entities holds the true mean as often as it says.",
    sees="Simulated coverage of at least 94 % for pairs, mirrors, chains and crossed templates.",
)
@pytest.mark.parametrize(
    "name",
    [
        "4 entities, ordered",
        "8 entities, ordered",
        "10 facts and mirrors",
        "chain of 37",
        "chain of 37 in 5 templates",
        "8 entities x 5 templates",
    ],
)
@pytest.mark.parametrize("shape", ["normal", "strong skew: exponential"])
def test_coverage_holds_when_facts_share_entities(shape, name):
    # 4000 samples: 94.3 to 98.9 %; 600 stray by 0.9 % (one standard deviation)
    share, width = coverage(shape, SAMPLES[name], runs=600)
    assert share >= 0.92
    assert width <= 2.1


def test_facts_that_share_nothing_in_truth_are_covered_by_intervals_of_less_than_twice_the_width():
    share, width = coverage("normal", SAMPLES["37 that share nothing in truth"], runs=600)
    assert share >= 0.97
    assert width <= 1.8


def test_ignoring_entities_would_be_wrong():
    sample = SAMPLES["8 entities, ordered"]
    values = sample.values(SHAPES["normal"][0], np.random.default_rng(0), 0.9)
    alone, shared = mean_intervals(values), mean_intervals(values, {"entities": sample.pairs})
    assert np.median(shared.high - shared.low) > 3 * np.median(alone.high - alone.low)
    assert shared.counts == (("facts", 56), ("entities", 8))
    assert (shared.by == 1).mean() > 0.95


def test_clusters_are_what_tells_units_apart():
    def told(*shared):
        return clusters([set(names) for names in shared]).astype(int).T.tolist()

    assert told("ab", "bc", "ca") == [[1, 1, 0], [1, 0, 1], [0, 1, 1]]
    # a name of all says nothing; one within another adds nothing; equal ones are one
    assert told("ax", "bx") == [[1, 0], [0, 1]]
    assert told("paf", "pbf", "cg", "dg") == [[1, 1, 0, 0], [0, 0, 1, 1]]
    # those without a name of their own belong together
    assert told("a", "a", "", "") == [[1, 1, 0, 0], [0, 0, 1, 1]]
    for alike in (("a", "a"), ("ab", "ba"), ("", ""), ("a",)):
        assert told(*alike) == []


def test_units_that_are_in_two_clusters_are_left_out_with_each():
    values = np.array([1.0, 0.8, 0.5, 0.9])
    pairs = [(0, 1), (1, 2), (2, 3), (3, 0)]
    found = mean_intervals(values, {"entities": pairs})
    without = [values[[entity not in pair for pair in pairs]].mean() for entity in range(4)]
    error = np.sqrt(((np.array(without) - values.mean()) ** 2).sum())
    reach = scipy_stats.t.ppf(0.975, 3) * error
    assert float(found.high - found.mean) >= reach * 0.999
    assert float(found.high - found.low) <= 2.6 * reach


def test_two_ways_together_reach_at_least_as_far_as_each():
    sample = SAMPLES["8 entities x 5 templates"]
    values = sample.values(SHAPES["normal"][0], np.random.default_rng(1), 0.9)
    templates = [(name,) for name in sample.templates]
    entities = mean_intervals(values, {"entities": sample.pairs})
    both = mean_intervals(values, {"entities": sample.pairs, "templates": templates})
    assert both.counts[1:] == (("entities", 8), ("templates", 5), ("entities and templates", 5))
    assert ((both.high - both.low) >= 0.9 * (entities.high - entities.low)).all()
    assert set(np.unique(both.by)) >= {2, 3}


def test_how_many_more_units_would_decide():
    n = units_needed(reach=0.2, units=4, wanted=0.1)
    narrow = [0.2 * scipy_stats.t.ppf(0.975, k - 1) / scipy_stats.t.ppf(0.975, 3) * (4 / k) ** 0.5
              for k in (n - 1, n)]  # fmt: skip
    assert narrow[0] > 0.1 >= narrow[1]
    assert units_needed(0.2, 4, 0.0) is units_needed(0.2, 4, 1e-9) is units_needed(0, 1, 1) is None


def test_ignoring_clusters_would_be_wrong():
    rng = np.random.default_rng(0)
    templates = [i % 8 for i in range(40)]
    values = (rng.normal(size=8)[templates] + 0.01 * rng.normal(size=40))[:, None]
    shared = {"templates": [(name,) for name in templates]}
    alone, together = mean_intervals(values), mean_intervals(values, shared)
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
    found = mean_intervals(values, {"templates": names})
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


def test_quantiles_are_those_of_scipy_stats_to_the_last_bit():
    freedom = np.concatenate([np.arange(1, 400), np.random.default_rng(0).uniform(0.3, 90, 400)])
    for probability in (0.5, 0.9, 0.975, 0.9995):
        expected = scipy_stats.t.ppf(probability, freedom)
        np.testing.assert_array_equal(student(probability, freedom), expected)
        assert normal(probability) == scipy_stats.norm.ppf(probability)
    assert np.isnan(student(0.975, 0))
    assert np.isnan(scipy_stats.t.ppf(0.975, 0))
