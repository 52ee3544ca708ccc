"""Whether weights are finite. One NaN reaches every logit, and no comparison with it holds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor, nn


def not_finite(module: nn.Module) -> list[str]:
    """The tensors that hold NaN or infinities, each with the count of them, in words.

    Reads each number once: a sum is finite only where all that it adds is.
    """
    return [
        f"{name} ({', '.join(_kinds(tensor))} of {tensor.numel()})"
        for name, tensor in _floats(module)
        if not torch.isfinite(tensor.sum(dtype=_wide(tensor))) and not torch.isfinite(tensor).all()
    ]


def _floats(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    # buffers too: a rotary table of a wrong base is as fatal as a wrong weight
    for name, tensor in chain(module.named_parameters(), module.named_buffers()):
        if tensor.is_floating_point():
            yield name, tensor.detach()


def _wide(tensor: Tensor) -> torch.dtype:
    return torch.float32 if tensor.element_size() < 4 else tensor.dtype


def _kinds(tensor: Tensor) -> Iterator[str]:
    counts = {"NaN": tensor.isnan().sum(), "infinite": tensor.isinf().sum()}
    yield from (f"{int(count)} {kind}" for kind, count in counts.items() if count)
