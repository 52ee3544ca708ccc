"""Coverage of the confidence intervals, by simulation.

Effects of facts are skewed (most near 1, or near 0, with a tail), few, and alike where facts share
an entity or a template. A nominal 95 % interval of their mean should hold the true mean 95 times in
100.

    python -m benchmarks.coverage
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

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
COLUMNS_AT_ONCE = 50
"""Samples of one call: they share their resamples, different calls do not."""


@dataclass(frozen=True)
class Sample:
    """Facts, and what they share."""

    pairs: Sequence[tuple[int, int]]
    """The two entities of each fact."""
    templates: Sequence[int] = ()
    """The template of each fact; empty where that takes no part."""
    entity_share: float = 0.5
    """Of the variance, what lies between entities."""
    template_share: float = 0.0
    """Of the variance, what lies between templates."""

    def values(self, draw: Draw, rng: np.random.Generator, centre: float) -> np.ndarray:
        """Values less their true mean [fact, column], each part of unit weight in variance."""
        pairs = np.array(self.pairs)

        def part(units: int) -> np.ndarray:
            return draw(rng, (units, COLUMNS_AT_ONCE)) - centre

        entities = part(int(pairs.max()) + 1)[pairs].sum(1) / np.sqrt(2)
        own = 1 - self.entity_share - self.template_share
        found = np.sqrt(self.entity_share) * entities + np.sqrt(own) * part(len(pairs))
        if self.template_share:
            shared = part(max(self.templates) + 1)[list(self.templates)]
            found = found + np.sqrt(self.template_share) * shared
        return np.asarray(found)


def apart(*sizes: int) -> Sample:
    """Facts of entities of their own, this many of each template; half the variance is theirs."""
    pairs = [(2 * i, 2 * i + 1) for i in range(sum(sizes))]
    if max(sizes) == 1:
        return Sample(pairs, entity_share=0.0)
    return Sample(pairs, np.repeat(range(len(sizes)), sizes).tolist(), 0.0, 0.5)


def ordered(n: int) -> Sample:
    """All ordered pairs of n entities: each fact and its mirror."""
    return Sample(list(permutations(range(n), 2)))


def chain(n: int) -> list[tuple[int, int]]:
    """Each entity against the next, and the last against the first."""
    return [(i, (i + 1) % n) for i in range(n)]


CAPITALS = (10, 8, 7, 6, 6)
"""Facts a template of the shipped set ``capitals``."""
OF_CAPITALS = np.repeat(range(5), CAPITALS).tolist()
SAMPLES: dict[str, Sample] = {
    "8": apart(*(1,) * 8),
    "20": apart(*(1,) * 20),
    "50": apart(*(1,) * 50),
    "20 in 5 templates": apart(*(4,) * 5),
    "50 in 10 templates": apart(*(5,) * 10),
    "37 in 5 templates": apart(*CAPITALS),
    "4 entities, ordered": ordered(4),
    "8 entities, ordered": ordered(8),
    "12 entities, ordered": ordered(12),
    "37 entities, ordered": ordered(37),
    "10 facts and mirrors": Sample(
        [p for i in range(10) for p in permutations((2 * i, 2 * i + 1))]
    ),
    "chain of 10": Sample(chain(10)),
    "chain of 37": Sample(chain(37)),
    "chain of 37 in 5 templates": Sample(
        [(i, (i + 7) % 37) for i in range(37)], OF_CAPITALS, 0.4, 0.3
    ),
    "8 entities x 5 templates": Sample(chain(8) * 5, np.repeat(range(5), 8).tolist(), 0.4, 0.3),
    "12 entities x 8 templates": Sample(chain(12) * 8, np.repeat(range(8), 12).tolist(), 0.4, 0.3),
    "37 that share nothing in truth": Sample(chain(37), OF_CAPITALS, 0.0, 0.0),
}


def coverage(shape: str, sample: Sample, runs: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Draw samples, and give the share of the intervals that hold the true mean.

    Args:
        shape: a key of :data:`SHAPES`.
        sample: facts and what they share.
        runs: number of samples, a multiple of 50.
        seed: of drawing and resampling.

    Returns:
        The share, and how wide the median interval is, in units of the shortest that would cover:
        2 x 1.96 standard deviations of the mean.
    """
    rng = np.random.default_rng(seed)
    draw, centre = SHAPES[shape]
    shared = {"entities": sample.pairs}
    if sample.templates:
        shared["templates"] = [(name,) for name in sample.templates]
    hits, widths, means = 0, [], []
    for block in range(runs // COLUMNS_AT_ONCE):
        values = sample.values(draw, rng, centre)
        found = mean_intervals(values, shared, resamples=999, seed=seed + block)
        hits += int(((found.low <= 0) & (found.high >= 0)).sum())
        widths.append(found.high - found.low)
        means.append(found.mean)
    ideal = 2 * 1.96 * np.std(np.concatenate(means))
    n = runs // COLUMNS_AT_ONCE * COLUMNS_AT_ONCE
    return hits / n, float(np.median(np.concatenate(widths)) / ideal)


def main() -> None:
    print(f"| facts | {' | '.join(SHAPES)} |")
    print("|---" * (len(SHAPES) + 1) + "|")
    for name, sample in SAMPLES.items():
        runs = 4000 if len(sample.pairs) < 1000 else 1000
        cells = []
        for shape in SHAPES:
            share, width = coverage(shape, sample, runs)
            cells.append(f"{share:.1%} ({width:.2f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
