"""What a gradient says a patch would do: (source - base) times the gradient, at every site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import EMBED, Site, SiteKind
from pytest_interp.adapters.taps import Edit
from pytest_interp.experiments.growing import Measure
from pytest_interp.experiments.pairs import Pairs
from pytest_interp.options.metrics import Metric


@dataclass(frozen=True)
class Products:
    """Estimates of one batch of pairs, and the runs that they are between."""

    source: Tensor
    """Values of the source runs [pair, ...]."""
    base: Tensor
    """Values of the base runs [pair, ...]."""
    changes: dict[Site, Tensor]
    """The estimated change of the metric [pair, pos], or [pair, pos, head]."""
    differ: dict[Site, Tensor]
    """Whether source and base differ there at all, in the same shape."""


def gradient_products(
    adapter: ModelAdapter,
    pairs: Pairs,
    sites: Sequence[Site],
    metric: Metric,
    measure: Measure,
    steps: int,
) -> Products:
    """Estimate the change of a metric for every token, and every head, of these sites.

    Args:
        adapter: the model.
        pairs: the runs.
        sites: where.
        metric: what the gradient is of.
        measure: what is measured of the runs themselves.
        steps: gradients that are averaged; 1 takes the one of the base run.
    """
    assert pairs.source is not None
    to = (pairs.answers, pairs.counterfactuals)
    source = adapter.run(pairs.source, sites, _shift(pairs.source_noise))
    # rows do not see one another: the gradient of the sum is that of each row by itself
    gradient_of = partial(_total, metric, to)
    base = adapter.run(
        pairs.base,
        sites,
        _shift(pairs.base_noise),
        gradient_of=gradient_of if steps == 1 else None,
    )
    if steps == 1:
        gradients = [base.gradients[site] for site in sites]
    else:
        way = _embedded(adapter, pairs.source, pairs.source_noise) - _embedded(
            adapter, pairs.base, pairs.base_noise
        )
        gradients = [torch.zeros_like(base[site]) for site in sites]
        for step in range(steps):
            # the middle of each step: exact where the gradient changes evenly
            moved = (step + 0.5) / steps * way
            if pairs.base_noise is not None:
                moved = moved + pairs.base_noise.to(moved)
            run = adapter.run(pairs.base, sites, _shift(moved), gradient_of=gradient_of)
            gradients = [
                one + run.gradients[site] / steps
                for one, site in zip(gradients, sites, strict=True)
            ]
    changes, differ = {}, {}
    for site, gradient in zip(sites, gradients, strict=True):
        apart = source[site].float() - base[site].detach().float()
        changes[site] = _by_cell(site.kind, apart * gradient.float())
        differ[site] = _by_cell(site.kind, apart.abs()) > 0
    with torch.no_grad():
        ends = [measure(run.logits[:, -1].detach(), *to) for run in (source, base)]
    return Products(ends[0], ends[1], changes, differ)


def _embedded(adapter: ModelAdapter, tokens: Tensor, noise: Tensor | None) -> Tensor:
    embedded = adapter.embed(tokens)
    return embedded if noise is None else embedded + noise.to(embedded)


def _shift(by: Tensor | None) -> dict[Site, Edit]:
    return {} if by is None else {Site(EMBED): lambda x: x + by.to(x)}


def _total(metric: Metric, to: tuple[Tensor, Tensor], logits: Tensor) -> Tensor:
    return metric(logits[:, -1], *to).sum()


def _by_cell(kind: SiteKind, values: Tensor) -> Tensor:
    """The sum over all dimensions but rows, tokens, and heads or neurons."""
    kept = ("row", "pos", kind.unit_dim)
    summed = [i for i, dim in enumerate(kind.dims) if dim not in kept]
    return values.sum(summed) if summed else values
