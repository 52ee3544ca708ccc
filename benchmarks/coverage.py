"""Coverage of the confidence intervals, by simulation.

Effects of facts are skewed (most near 1, or near 0, with a tail), few, and alike within a
template. A nominal 95 % interval of their mean should hold the true mean 95 times in 100.

    python -m benchmarks.coverage
"""

from __future__ import annotations

from collections.abc import Callable

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
CAPITALS = (10, 8, 7, 6, 6)
"""Facts a template of the shipped set ``capitals``."""
COLUMNS: dict[str, tuple[int, ...]] = {
    "20": (1,) * 20,
    "50": (1,) * 50,
    "20 in 5": (4,) * 5,
    "50 in 5": (10,) * 5,
    "20 in 10": (2,) * 10,
    "50 in 10": (5,) * 10,
    "37 in 5 (capitals)": CAPITALS,
    "50 in 2": (25,) * 2,
    "10": (1,) * 10,
    "8": (1,) * 8,
}
"""Facts in each template; templates of one fact each are no templates."""


def coverage(shape: str, sizes: tuple[int, ...], runs: int = 2000, seed: int = 0) -> float:
    """Draw ``runs`` samples and give the share of the intervals that hold the true mean.

    With templates of several facts, half of the variance lies between them.

    Args:
        shape: a key of :data:`SHAPES`.
        sizes: number of facts in each template.
        runs: number of samples, a multiple of 50.
        seed: of drawing and resampling.
    """
    rng = np.random.default_rng(seed)
    draw, mean = SHAPES[shape]
    hits = 0
    names = np.repeat(np.arange(len(sizes)), sizes)
    # columns of one call share their resamples; different calls do not
    for block in range(runs // 50):
        values = draw(rng, (len(names), 50)) - mean
        if len(names) > len(sizes):
            shared = draw(rng, (len(sizes), 50)) - mean
            values = (values + shared[names]) / np.sqrt(2)
        found = mean_intervals(values, names.tolist(), resamples=999, seed=seed + block)
        hits += int(((found.low <= 0) & (found.high >= 0)).sum())
    return hits / (runs // 50 * 50)


def main() -> None:
    print(f"| population | {' | '.join(COLUMNS)} |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for shape in SHAPES:
        cells = (f"{coverage(shape, sizes, runs=4000):.1%}" for sizes in COLUMNS.values())
        print(f"| {shape} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
