"""What becomes of the stream on its way through blocks that multiply all that leaves them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pytest_interp.adapters.layouts import Layout


def block_scales(module: nn.Module, layout: Layout) -> Tensor:
    """What each block multiplies all that leaves it by [layer], in float64 on the CPU.

    1 in most architectures. What entered a block, and what it added, leave it times this.
    """
    blocks: Any = module.get_submodule(layout.blocks)
    if layout.block_scale is None:
        return torch.ones(len(blocks), dtype=torch.float64)
    scales = [float(getattr(block, layout.block_scale)) for block in blocks]
    return torch.tensor(scales, dtype=torch.float64)
