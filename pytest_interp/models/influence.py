"""What an edit may reach, and what it may not: of attention, and of attention beside the MLP.

Queries and keys take part in no sum. A query moves its own row of the pattern alone, a key the
weight of its own position alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site
from pytest_interp.errors import HookError
from pytest_interp.models.properties import (
    Property,
    distance,
    missing,
    one_row_for_each,
    tripled_and_turned,
)

Pair = tuple[Tensor, Tensor]
_LEAST = 1e-6
"""What must move moves by more, as a share of the largest entry; what is lost moves no bit."""


@dataclass(frozen=True)
class PatternOf(Property):
    """Queries, or keys, are turned at one position: which part of the pattern that moves."""

    name: str
    kind: str
    parts: Callable[[Tensor, Tensor, int], tuple[Pair, Pair]]
    """(new and old pattern [head, query, key], position) -> what must move, and what must not,
    each new and old."""
    double_limit: ClassVar[float] = 1e-5

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return missing(adapter, ("pattern",)) or missing(adapter, (self.kind,), edited=True)

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        at = tokens.shape[1] // 2
        patterns = adapter.sites("pattern")
        layers = {site.layer for site in patterns}
        sites = [site for site in adapter.sites(self.kind) if site.layer in layers]

        def turn(x: Tensor) -> Tensor:
            x = x.clone()
            x[at] = -x[at]
            return x

        run = one_row_for_each(adapter, tokens, {site: [turn] for site in sites}, patterns)
        worst = 0.0
        for row, site in enumerate(sites, 1):
            pattern = run[Site(patterns[0].kind, site.layer)].double()
            moves, stays = self.parts(pattern[row], pattern[0], at)
            if distance(*moves) < _LEAST:
                raise HookError(
                    f"{site} was turned at position {at}, and its part of the pattern stayed: the "
                    "edit is lost, or goes to another place"
                )
            worst = max(worst, distance(*stays))
        return worst


def _own_row(new: Tensor, old: Tensor, at: int) -> tuple[Pair, Pair]:
    others = torch.arange(new.shape[1]) != at
    return (new[:, at], old[:, at]), (new[:, others], old[:, others])


def _own_column(new: Tensor, old: Tensor, at: int) -> tuple[Pair, Pair]:
    others = torch.arange(new.shape[2]) != at
    rest, was = new[:, :, others], old[:, :, others]
    # what the others have is shared out among them as before; sums may be next to nothing
    stays = rest * was.sum(-1, keepdim=True), was * rest.sum(-1, keepdim=True)
    return (new[:, :, at], old[:, :, at]), stays


@dataclass(frozen=True)
class SideBySide(Property):
    """Where a layout says that attention and MLP run side by side, neither reads the other."""

    name: str = "attn_out does not reach the mlp_out beside it"

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        if adapter.layout.resid_mid is not None:
            return "the MLP reads what attention has added"
        return missing(adapter, ("mlp_out",)) or missing(adapter, ("attn_out",), edited=True)

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        given = adapter.sites("mlp_out")
        layers = {site.layer for site in given}
        sites = [site for site in adapter.sites("attn_out") if site.layer in layers]
        changes = {site: [tripled_and_turned] for site in sites}
        run = one_row_for_each(adapter, tokens, changes, given)
        kind = given[0].kind
        return max(
            distance(run[Site(kind, site.layer)][row], run[Site(kind, site.layer)][0])
            for row, site in enumerate(sites, 1)
        )


INFLUENCES = (
    PatternOf("q moves its own row of the pattern alone", "q", _own_row),
    PatternOf("k moves its own column of the pattern alone", "k", _own_column),
    SideBySide(),
)
