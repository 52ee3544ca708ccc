"""What becomes of the stream on its way through blocks that multiply all that leaves them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pytest_interp.adapters.layouts import Layout
from pytest_interp.adapters.weights import Weights


def block_scales(weights: Weights, layout: Layout) -> Tensor:
    """What each block multiplies all that leaves it by [layer], in float64 on the CPU.

    1 in most architectures. What entered a block, and what it added, leave it times this.
    """
    blocks: Any = weights.module.get_submodule(layout.blocks)
    if layout.block_scale is None:
        return torch.ones(len(blocks), dtype=torch.float64)
    names = [f"{layer}.{layout.block_scale}" for layer in range(len(blocks))]
    found = weights.tensors(layout.blocks, names)
    return torch.tensor([float(found[name]) for name in names], dtype=torch.float64)
