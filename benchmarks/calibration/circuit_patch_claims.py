"""Claims about one planted circuit by patching: which heads matter, exactly and by estimates."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.calibration.circuit_oracle import Asked, CircuitOracle
from pytest_interp.adapters import ModelAdapter
from pytest_interp.claims import Verdict, check_estimated_effect, check_heads_matter
from pytest_interp.experiments import attribution_patching, trace_heads
from pytest_interp.options import DIRECTIONS

LEAST, MOST = 0.5, 0.25
SITES = ("head", "q", "k", "v")
Check = Callable[[list[str], float | None], Verdict]
"""Of these heads, and of what is claimed of all others."""


def patch_claims(oracle: CircuitOracle, adapter: ModelAdapter) -> Iterator[Asked]:
    """All of them."""
    for direction, site in itertools.product(DIRECTIONS, SITES):
        traced = trace_heads(
            adapter, oracle.facts, site=site, direction=direction, position="all", controls=False
        )
        yield from _which(
            oracle,
            _effects(oracle, site, direction),
            f"matter ({site})",
            lambda heads, most, t=traced: check_heads_matter(
                t, heads, at_least=LEAST, others_at_most=most
            ),
        )
    for direction in DIRECTIONS:
        estimates = attribution_patching(
            adapter, oracle.facts, sites=("head",), direction=direction, verify=6
        )
        yield from _which(
            oracle,
            _effects(oracle, "head", direction),
            "matter by an estimate",
            lambda heads, most, e=estimates: check_estimated_effect(
                e, heads, at_least=LEAST, others_at_most=most
            ),
        )


def _effects(oracle: CircuitOracle, site: str, direction: str) -> dict[str, float]:
    """Stated mean effect of every head, patched at all tokens."""
    shape = oracle.model.machine.shape
    n = shape.n_kv_heads if site in ("k", "v") else shape.n_heads
    places = itertools.product(range(shape.n_layers), range(n))
    return {
        f"{site}.{layer}.{head}": float(
            oracle.over(
                lambda t, a=layer, b=head: t.head_effect(a, b, site, None, direction)
            ).mean()
        )
        for layer, head in places
    }


def _which(
    oracle: CircuitOracle, effects: dict[str, float], what: str, check: Check
) -> Iterator[Asked]:
    near = 2 * oracle.near / abs(float(oracle.clean.mean()))
    moving = [head for head, effect in effects.items() if abs(effect) > near]
    idle = [head for head in effects if head not in moving][:2]

    def true(heads: list[str], most: float | None) -> bool | None:
        rooms = [effects[head] - LEAST for head in heads]
        if most is not None:
            rooms += [most - effect for head, effect in effects.items() if head not in heads]
        least = min(rooms)
        return None if not np.isfinite(least) or abs(least) < near else least > 0

    asked = [[head] for head in (*moving, *idle)]
    strong = [head for head in moving if effects[head] > LEAST]
    if len(strong) > 1:
        asked.append(strong)
    for heads, most in itertools.product(asked, (None, MOST)):
        ending = "" if most is None else ", and no other"
        yield f"heads {what}{ending}", true(heads, most), lambda h=heads, m=most: check(h, m)
