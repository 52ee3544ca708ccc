"""Sums and products that sites must satisfy, whatever the architecture.

A place that is wrong under every backend in the same way, as one in the layout, shows here and
nowhere else. What fails is computed again in float64: rounding is gone there, a wrong place is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from pytest_interp.adapters.backends import open_adapter
from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.sites import Site, SiteKind, parse_kind

DOUBLE_LIMIT = 1e-9
"""Of the largest entry. In float64 sums agree to about 1e-15; a wrong place is off by about 1."""


@dataclass(frozen=True)
class Relation:
    """One thing that must hold at every layer."""

    name: str
    sites: tuple[str, ...]
    terms: Callable[[ModelAdapter, Any, dict[str, Tensor]], tuple[Tensor, Tensor]]
    """(adapter, block, activations) -> the two sides."""
    why_not: Callable[[Layout], str] = lambda layout: ""
    """Why an architecture does not have it; empty where it does."""

    def applies(self, adapter: ModelAdapter) -> str:
        """Why it does not apply to a model; empty where it does."""
        layout = adapter.layout
        missing = [name for name in self.sites if not layout.has(parse_kind(name))]
        if missing:
            return f"the architecture {layout.name!r} has no {', '.join(missing)}"
        return self.why_not(layout)

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        """How far the sides are apart at worst, relative to the largest entry of a layer."""
        run = adapter.run(tokens, capture=[s for n in self.sites for s in adapter.sites(n)])
        blocks: Any = adapter.weights.module.get_submodule(adapter.layout.blocks)
        worst = 0.0
        for layer, block in enumerate(blocks):
            if any(Site(parse_kind(name), layer) not in run.captured for name in self.sites):
                continue
            there = {name: run[Site(parse_kind(name), layer)] for name in self.sites}
            with torch.no_grad():
                found, expected = self.terms(adapter, block, there)
            worst = max(worst, distance(found, expected))
        return worst


def distance(found: Tensor, reference: Tensor) -> float:
    """The largest difference, relative to the largest entry; NaN for another shape."""
    if found.shape != reference.shape:
        return float("nan")
    scale = reference.double().abs().max().clamp_min(1e-12)
    return float((found.double() - reference.double()).abs().max() / scale)


def _stream(_: ModelAdapter, __: Any, at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    return at["resid_pre"] + at["attn_out"] + at["mlp_out"], at["resid_post"]


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
    return total * adapter.layout.branch_scale, at["attn_out"]


def _down(adapter: ModelAdapter, block: Any, at: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    assert adapter.layout.neurons is not None  # it applies
    given = block.get_submodule(adapter.layout.neurons)(at["mlp_neurons"])
    return given * adapter.layout.branch_scale, at["mlp_out"]


def _normed(inside: str | None, out: str, what: str) -> str:
    if inside is not None and inside.startswith(f"{out}."):
        return ""
    return f"what {what} adds is the output of {out}, a norm behind it"


RELATIONS = (
    Relation(
        "resid_pre + attn_out + mlp_out = resid_post",
        ("resid_pre", "attn_out", "mlp_out", "resid_post"),
        _stream,
    ),
    Relation("pattern @ v = head", ("pattern", "v", "head"), _weighted),
    Relation(
        "heads and bias sum to attn_out",
        ("head", "attn_out"),
        _heads,
        lambda layout: _normed(layout.z, layout.attn_out, "attention"),
    ),
    Relation(
        "down(mlp_neurons) = mlp_out",
        ("mlp_neurons", "mlp_out"),
        _down,
        lambda layout: _normed(layout.neurons, layout.mlp_out, "the MLP"),
    ),
)


def in_double(adapter: ModelAdapter) -> ModelAdapter:
    """The same model in float64 under the same backend; takes the memory of two more."""
    weights = adapter.weights.copy()
    return open_adapter(replace(weights, module=weights.module.double()), adapter.backend)


def moved_by_a_large_edit(adapter: ModelAdapter, kind: SiteKind, tokens: Tensor) -> float:
    """How far logits move, relative to the largest, where all such sites are tripled and turned."""
    edits = dict.fromkeys(adapter.sites(kind), _large)
    before = adapter.run(tokens, logits="all").logits
    return distance(adapter.run(tokens, edits=edits, logits="all").logits, before)


def _large(x: Tensor) -> Tensor:
    return -3 * x
