"""Coverage of the confidence intervals, by simulation.

Effects of facts are skewed (most near 1, or near 0, with a tail), few, and alike within a
template. A nominal 95 % interval of their mean should hold the true mean 95 times in 100.

    python -m benchmarks.coverage
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pytest_interp.stats import mean_intervals

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
SHAPES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, size: rng.normal(0.9, 0.1, size), 0.9),
    "near 1, tail below: beta(5, 1)": (lambda rng, size: rng.beta(5, 1, size), 5 / 6),
    "near 0, tail above: beta(1, 6)": (lambda rng, size: rng.beta(1, 6, size), 1 / 7),
    "strong skew: exponential": (lambda rng, size: rng.exponential(0.1, size), 0.1),
}
"""How to draw one population, and its mean."""


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the mean."""

    population: str
    n: int
    clusters: int
    share: float


def coverage(
    shape: str, n: int, clusters: int | None = None, runs: int = 2000, seed: int = 0
) -> Coverage:
    """Draw ``runs`` samples of ``n`` facts and count the intervals that hold the true mean.

    With clusters, half of the variance lies between them.
    """
    rng = np.random.default_rng(seed)
    draw, mean = SHAPES[shape]
    hits = 0
    names = None if clusters is None else [i % clusters for i in range(n)]
    # columns of one call share their resamples; different calls do not
    for block in range(runs // 50):
        values = draw(rng, (n, 50)) - mean
        if names is not None:
            shared = draw(rng, (clusters, 50)) - mean
            values = (values + shared[names]) / np.sqrt(2)
        found = mean_intervals(values, names, resamples=999, seed=seed + block)
        hits += int(((found.low <= 0) & (found.high >= 0)).sum())
    return Coverage(shape, n, clusters or n, hits / (runs // 50 * 50))


def main() -> None:
    print(f"{'population':<34}{'facts':>7}{'clusters':>10}{'coverage':>10}")
    for shape in SHAPES:
        for n, clusters in ((20, None), (50, None), (20, 5), (50, 5), (50, 10), (120, 20)):
            found = coverage(shape, n, clusters, runs=4000)
            print(f"{shape:<34}{n:>7}{found.clusters:>10}{found.share:>10.1%}", flush=True)


if __name__ == "__main__":
    main()
