"""Level and power of the permutation test of regions, by simulation.

Where the effects of every fact sit at a place of their own, a p-value of at most 0.05 should be
found in 5 of 100 sets for the best region of the mean map, and in fewer for a region that was
named beforehand. Where all facts hand over at one layer it should always be found.

    python -m benchmarks.regions
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pytest_interp.stats import region_p_value

Draw = Callable[[np.random.Generator, tuple[int, int, int]], np.ndarray]
NOISE = 0.05


def _resembling(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """Each layer correlates with the one before by 0.95."""
    maps = rng.normal(size=shape)
    for layer in range(1, shape[1]):
        maps[:, layer] = 0.95 * maps[:, layer - 1] + np.sqrt(1 - 0.95**2) * maps[:, layer]
    return maps


def _handed_over(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """From one column to another, at a layer and with columns of each fact's own."""
    maps = NOISE * rng.normal(size=shape)
    for one in maps:
        layer, (source, target) = rng.integers(1, shape[1]), rng.permutation(shape[2])[:2]
        one[:layer, source] += 1
        one[layer:, target] += 1
    return maps


def _blocks(rng: np.random.Generator, shape: tuple[int, int, int]) -> np.ndarray:
    """A third of the layers of one column, never over the ends: facts prefer the middle."""
    maps, height = NOISE * rng.normal(size=shape), shape[1] // 3
    for one in maps:
        first = rng.integers(shape[1] - height + 1)
        one[first : first + height, rng.integers(shape[2])] += 1
    return maps


MAPS: dict[str, Draw] = {
    "independent cells": lambda rng, shape: rng.normal(size=shape),
    "neighbouring layers alike": _resembling,
    "hand-offs at layers of their own": _handed_over,
    "random walks over the layers": lambda rng, shape: rng.normal(size=shape).cumsum(1),
    "blocks that keep from the ends": _blocks,
}
SIZES = (((10, 10, 3), 2), ((10, 10, 3), 5), ((37, 30, 4), 8))
"""Facts, layers and columns of the maps; layers of the region."""


def best_region(maps: np.ndarray, height: int) -> tuple[int, int]:
    """First layer and column of the region with the largest mean."""
    mean = maps.mean(0)
    sums = np.stack([mean[i : i + height].sum(0) for i in range(len(mean) - height + 1)])
    layer, column = np.unravel_index(sums.argmax(), sums.shape)
    return int(layer), int(column)


def level(
    maps: str, shape: tuple[int, int, int], height: int, runs: int = 400, seed: int = 0
) -> tuple[float, float]:
    """Share of sets with p <= 0.05: for the best region, and for one named beforehand."""
    rng = np.random.default_rng(seed)
    best, named = [], []
    for run in range(runs):
        drawn = MAPS[maps](rng, shape)
        layer, column = best_region(drawn, height)
        span = range(layer, layer + height)
        best.append(region_p_value(drawn, span, column, 199, run))
        named.append(region_p_value(drawn, range(2, 2 + height), 1, 199, run))
    return float(np.mean(np.array(best) <= 0.05)), float(np.mean(np.array(named) <= 0.05))


def hand_off(facts: int, columns: int, seed: int = 0) -> np.ndarray:
    """Maps of 30 layers that all hand over at layer 23, from column 0 to 1."""
    maps = NOISE * np.random.default_rng(seed).normal(size=(facts, 30, columns))
    maps[:, :23, 0] += 1
    maps[:, 23:, 1] += 1
    return maps


def main() -> None:
    print("| maps | facts, layers, columns; region | best region | named beforehand |")
    print("|---|---|---|---|")
    for maps in MAPS:
        for shape, height in SIZES:
            best, named = level(maps, shape, height)
            size = f"{', '.join(map(str, shape))}; {height}"
            print(f"| {maps} | {size} | {best:.1%} | {named:.1%} |", flush=True)
    for facts in (3, 5, 10, 37):
        p = [region_p_value(hand_off(facts, n), range(23), 0) for n in (2, 3, 4)]
        print(f"hand-off of {facts} facts: p with 2, 3, 4 columns: {p}")


if __name__ == "__main__":
    main()
