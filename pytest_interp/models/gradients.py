"""The gradient at a site, beside finite differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.models.properties import Property, missing, one_row_for_each


@dataclass(frozen=True)
class Gradient(Property):
    """The gradient at a kind of site is that of finite differences, along a random direction."""

    kind: str
    limit: ClassVar[float | None] = 5e-2
    """Differences of float32 are good to about 1e-3, and to 2e-2 where experts are chosen; a wrong
    gradient is off by about 1."""
    double_limit: ClassVar[float] = 5e-2
    """Norms and the softmax of most Hugging Face models compute in float32 even in float64."""
    step: ClassVar[float] = 3e-3
    """As a share of the size of an activation; a hundredth of it in float64. Larger ones run into
    the bends of attention, of clipped values and of the choice of experts; smaller ones are
    rounding."""
    least: ClassVar[float] = 1e-4
    """What a step must move, as a share of the sum of logits, to be judged by its own size."""

    @property
    def name(self) -> str:  # type: ignore[override]
        """As ``gradient at resid_pre``."""
        return f"gradient at {self.kind}"

    def why_not(self, adapter: ModelAdapter, tokens: Tensor) -> str:
        return missing(adapter, (self.kind,), edited=True)

    def error(self, adapter: ModelAdapter, tokens: Tensor) -> float:
        sites = adapter.sites(self.kind)
        run = adapter.run(tokens, capture=sites, grad=True)
        draw = torch.Generator().manual_seed(0)

        def random(like: Tensor) -> Tensor:
            return torch.randn(like.shape, generator=draw, dtype=torch.float64).to(like)

        # a sum of few logits may hardly depend on a site
        weight = random(run.logits[0, -1].detach())
        there = [run[site] for site in sites]
        slopes = torch.autograd.grad((run.logits[0, -1] * weight).sum(), there)
        size = [x.detach().double().square().mean().sqrt().item() for x in there]
        step = self.step / 100 if adapter.dtype == torch.float64 else self.step
        along = [step * s * random(x[0].detach()) for x, s in zip(there, size, strict=True)]
        predicted = [
            (slope[0].double() * d.double()).sum() for slope, d in zip(slopes, along, strict=True)
        ]
        steps = {
            site: [lambda x, d=d: x + d, lambda x, d=d: x - d]
            for site, d in zip(sites, along, strict=True)
        }
        sums = one_row_for_each(adapter, tokens, steps).logits[:, -1].double() @ weight.double()
        measured = (sums[1::2] - sums[2::2]) / 2
        # attention that is sure of itself hardly moves: below this, differences are rounding
        scale = max(float(measured.abs().max()), self.least * float(sums.abs().max()))
        return float((torch.stack(predicted) - measured).abs().max()) / scale
