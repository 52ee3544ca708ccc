"""Map controls: they read the map that the claim is about, and so cost no further run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pytest_interp.claims.evidence import Column, Evidence
from pytest_interp.results.control import Control
from pytest_interp.stats import region_p_value

SIGNIFICANT = 0.05


def whole_state(evidence: Evidence) -> Iterator[Control]:
    """Patching all that the logits are computed from must move the whole gap."""
    one = evidence.any_trace
    if one.site != "resid_post" or one.n_layers is None or evidence.layers[-1] != one.n_layers - 1:
        return
    # NumPy's maximum of numbers and NaN is NaN, which is above the limit
    off = float(np.max([abs(trace.effect[-1, -1] - 1) for trace in evidence.traces]))
    yield Control(
        "whole state", off, 0.05, "1 minus the effect of the last token after the last layer"
    )


def random_regions(
    evidence: Evidence,
    region: tuple[Column, tuple[int, ...]],
    columns: Sequence[Column],
    seed: int,
) -> Control:
    """Whether the facts agree on the place: a p-value."""
    n, layers = len(evidence.traces), evidence.layers
    maps = np.full((n, len(layers), len(columns)), np.nan)
    for i, c in enumerate(columns):
        maps[list(c.members), :, i] = c.effect
    inside = [layers.index(layer) for layer in region[1]]
    place = list(columns).index(region[0])
    p = region_p_value(maps, inside, place, seed=seed)
    searched = (len(layers) - len(inside) + 1) * len(columns)
    note = f"null: each fact has a place of its own; corrected for {searched} regions of this size"
    return Control("random regions, p-value", p, SIGNIFICANT, note)
