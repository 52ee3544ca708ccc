"""Components of a model as parts of a run, and random sets of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.components import Component
from pytest_interp.adapters.sites import ATTN_OUT, HEAD, MLP_OUT, Site, parse_kind
from pytest_interp.experiments.groups import Positions
from pytest_interp.experiments.parts import Part, Patch
from pytest_interp.results.ablations import kinds_of

Components = tuple[Component, ...]


def every_component(
    adapter: ModelAdapter, *kinds: str, layers: Iterable[int] | None = None
) -> Components:
    """All components of these kinds, layer by layer; heads and MLPs by default.

    Args:
        adapter: the model.
        kinds: names of kinds of sites, as ``head``, ``mlp_out`` or ``k``.
        layers: all by default.
    """
    chosen = range(adapter.n_layers) if layers is None else tuple(layers)
    parsed = [parse_kind(name) for name in kinds or ("head", "mlp_out")]
    found: list[Component] = []
    for layer in chosen:
        for kind in parsed:
            adapter.check_site(Site(kind, layer))
            unit = kind.unit_dim
            units = (None,) if unit is None else range(adapter.sizes.dims[unit])
            found.extend(Component(kind.name, layer, index) for index in units)
    return tuple(found)


def every_writer(adapter: ModelAdapter) -> Components:
    """All heads and MLPs, layer by layer; attention as a whole where a layer has no heads."""
    with_heads = {site.layer for site in adapter.sites(HEAD)}
    found: list[Component] = []
    for layer in range(adapter.n_layers):
        attention = HEAD if layer in with_heads or not with_heads else ATTN_OUT
        found.extend(every_component(adapter, str(attention), str(MLP_OUT), layers=[layer]))
    return tuple(found)


def patch_of(components: Iterable[Component], positions: Positions = None) -> Patch:
    """Components as parts that are changed together, one for each site."""
    by_site: dict[Site, list[int] | None] = {}
    for component in components:
        there = by_site.setdefault(component.site, [])
        if component.index is None:
            by_site[component.site] = None  # the whole site
        elif there is not None and component.index not in there:
            there.append(component.index)
    ordered = sorted(by_site, key=lambda site: site.execution_order)
    return tuple(
        Part(site, positions, None if (units := by_site[site]) is None else tuple(sorted(units)))
        for site in ordered
    )


def random_sets(
    adapter: ModelAdapter, sets: Sequence[Components], n: int, seed: int
) -> tuple[Components, ...]:
    """Random sets of as many components of the same kinds as each of the given ones.

    Sets that are alike share theirs, up to ``n`` different ones. None is made where the model has
    less than twice as many components of a kind.
    """
    alike: dict[frozenset[tuple[str, int]], list[Components]] = {}
    for one in sets:
        alike.setdefault(frozenset(kinds_of(list(map(str, one))).items()), []).append(one)
    found: dict[frozenset[Component], Components] = {}
    rng = np.random.default_rng(seed)
    for same in alike.values():
        # where one set alone is of these kinds, its own components are left out
        taken = set(same[0]) if len(same) == 1 else set()
        wanted = _counted(same[0])
        pools = {
            kind: [one for one in _pool(adapter, *kind) if one not in taken] for kind in wanted
        }
        if any(len(pools[kind]) < max(2, count) for kind, count in wanted.items()):
            continue
        made: dict[frozenset[Component], Components] = {}
        for _ in range(4 * n):
            drawn = [
                pools[kind][i]
                for kind, count in wanted.items()
                for i in sorted(rng.choice(len(pools[kind]), count, replace=False).tolist())
            ]
            made.setdefault(frozenset(drawn), tuple(drawn))
            if len(made) == n:
                break
        found |= made
    return tuple(found.values())


def _counted(components: Iterable[Component]) -> Mapping[tuple[str, bool], int]:
    """How many of each kind, whole sites apart from their parts."""
    counts: dict[tuple[str, bool], int] = {}
    for one in components:
        key = one.kind, one.index is None
        counts[key] = counts.get(key, 0) + 1
    return counts


def _pool(adapter: ModelAdapter, kind: str, whole: bool) -> Components:
    """Every component of a kind that a random set may hold."""
    layers = [site.layer for site in adapter.sites(kind) if site.layer is not None]
    if whole:
        return tuple(Component(kind, layer) for layer in layers)
    return every_component(adapter, kind, layers=layers)
