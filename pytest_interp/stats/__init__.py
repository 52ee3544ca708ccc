"""Intervals of means, permutation p-values and divergences, by SciPy and NumPy. No torch here."""

from pytest_interp.stats.clusters import Floats, clusters
from pytest_interp.stats.divergence import kl_divergence
from pytest_interp.stats.intervals import RESAMPLES, Intervals, mean_intervals, units_needed
from pytest_interp.stats.matching import matched_pairs
from pytest_interp.stats.regions import region_p_value

__all__ = [
    "RESAMPLES",
    "Areas",
    "Floats",
    "Intervals",
    "Units",
    "area",
    "area_differences",
    "areas",
    "clusters",
    "kl_divergence",
    "matched_pairs",
    "mean_intervals",
    "region_p_value",
    "units_needed",
]
