"""Sums and products that sites must satisfy, whatever the architecture.

A place that is wrong under every backend in the same way, as one in the layout, shows here and
nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import Site, parse_kind
from pytest_interp.models.properties import Property, distance, missing


@dataclass(frozen=True)
class Relation(Property):
    """One thing that must hold at every layer."""

    name: str
    sites: tuple[str, ...]
    terms: Callable[[ModelAdapter, Any, dict[str, Tensor]], tuple[Tensor, Tensor]]
    """(adapter, block, activations) -> the two sides."""
    double_limit: ClassVar[float] = 1e-9
    """In float64 sums agree to about 1e-15; a wrong place is off by about 1."""

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return missing(adapter, self.sites) or adapter.layout.breaks.get(self.name, "")

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        run = adapter.run(tokens, capture=[s for n in self.sites for s in adapter.sites(n)])
        blocks: Any = adapter.weights.module.get_submodule(adapter.layout.blocks)
        worst = 0.0
        for layer, block in enumerate(blocks):
            if any(Site(parse_kind(name), layer) not in run.captured for name in self.sites):
                continue
            there = {name: run[Site(parse_kind(name), layer)] for name in self.sites}
            with torch.no_grad():
                found, expected = self.terms(adapter, block, there)
            worst = _worse(worst, distance(found, expected))
        return worst


@dataclass(frozen=True)
class Handover(Property):
    """What leaves one place enters the next: the embedding, every block, the final norm."""

    name: str = "the stream goes from embed through all blocks to final_norm"
    double_limit: ClassVar[float] = 1e-9

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return missing(adapter, ("resid_pre", "resid_post", "final_norm"))

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        before, after = adapter.sites("resid_pre"), adapter.sites("resid_post")
        (end,) = adapter.sites("final_norm")
        run = adapter.run(tokens, capture=[*before, *after, end])
        given = [adapter.embed(tokens), *(run[site] for site in after)]
        taken = [*(run[site] for site in before), run[end]]
        worst = 0.0
        for left, right in zip(given, taken, strict=True):
            worst = _worse(worst, distance(left, right))
        return worst


def _worse(one: float, other: float) -> float:
    """The larger; NaN where one of them is, which ``max`` may drop."""
    return other if other != other else max(one, other)


def _stream(_: ModelAdapter, __: Any, at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    return at["resid_pre"] + at["attn_out"] + at["mlp_out"], at["resid_post"]


def _between(_: ModelAdapter, __: Any, at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    return at["resid_pre"] + at["attn_out"], at["resid_mid"]


def _weighted(adapter: ModelAdapter, _: Any, at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    values = at["v"].repeat_interleave(adapter.n_heads // adapter.n_kv_heads, dim=2)
    return torch.einsum("bhqk,bkhd->bqhd", at["pattern"], values), at["head"]


def _heads(adapter: ModelAdapter, block: Any, at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    project, z = block.get_submodule(adapter.layout.z), at["head"]
    bias = project(torch.zeros_like(z).flatten(-2))
    total = bias.clone()
    for head in range(z.shape[2]):
        alone = torch.zeros_like(z)
        alone[:, :, head] = z[:, :, head]
        total += project(alone.flatten(-2)) - bias
    return _through(adapter, block, total, adapter.layout.z, "attn_out"), at["attn_out"]


def _down(adapter: ModelAdapter, block: Any, at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    assert adapter.layout.neurons is not None  # it applies
    down = adapter.layout.neurons
    given = block.get_submodule(down)(at["mlp_neurons"])
    return _through(adapter, block, given, down, "mlp_out"), at["mlp_out"]


def _through(adapter: ModelAdapter, block: Any, given: Tensor, inside: str, out: str) -> Tensor:
    """What a branch adds, from what its last projection gives: a norm may lie behind it."""
    layout = adapter.layout
    path = getattr(layout, out)
    if not f"{inside}.".startswith(f"{path}."):
        given = block.get_submodule(path)(given)
    return given * layout.branch_scale


STREAM = Relation(
    "resid_pre + attn_out + mlp_out = resid_post",
    ("resid_pre", "attn_out", "mlp_out", "resid_post"),
    _stream,
)
RELATIONS = (
    STREAM,
    Relation(
        "resid_pre + attn_out = resid_mid",
        ("resid_pre", "attn_out", "resid_mid"),
        _between,
    ),
    Relation("pattern @ v = head", ("pattern", "v", "head"), _weighted),
    Relation(
        "heads and bias sum to attn_out",
        ("head", "attn_out"),
        _heads,
    ),
    Relation(
        "down(mlp_neurons) = mlp_out",
        ("mlp_neurons", "mlp_out"),
        _down,
    ),
)
