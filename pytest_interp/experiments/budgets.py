"""The memory that a pass may take: what was asked for, or a share of what the device has free."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sizes import Sizes
from pytest_interp.errors import MemoryLimitError
from pytest_interp.memory import in_words, memory_limit
from pytest_interp.models.room import free_bytes

SHARE = 0.25
"""Of what is free. The rest is for other processes, and for what the estimate leaves out."""
MOST_ON_CPU = 1 << 30
"""Bytes of a pass that nobody limits: larger ones were not faster on a CPU."""

MORE = "Allow more with --interp-memory (ini: interp_memory; pytest-interp run: --memory)"
"""What mends a run that cannot fit."""


@dataclass(frozen=True)
class Budget:
    """Bytes for the activations of a pass, and for what is kept between passes."""

    bytes: int
    """What passes are cut to."""
    most: int
    """What they may never need."""
    source: str
    """Where the numbers come from, in words."""

    @classmethod
    def of(cls, device: torch.device) -> Budget:
        """That of this moment. Processes of xdist share what is free."""
        asked = memory_limit()
        if asked is not None:
            return cls(asked, asked, f"the limit given allows {in_words(asked)}")
        free = free_bytes(device)
        share = int(free * SHARE / int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
        cut_to = min(share, MOST_ON_CPU) if device.type == "cpu" else share
        return cls(cut_to, free, f"{in_words(free)} are free on {device}")

    def check(self, needed: int, what: str, instead: str) -> None:
        """Refuse passes that cannot fit.

        Raises:
            MemoryLimitError: they need more than there is.
        """
        if needed > self.most:
            raise MemoryLimitError(
                f"{what} needs about {in_words(needed)}, and {self.source}. {instead}"
            )


def bytes_of_row(
    sizes: Sizes, itemsize: int, n_positions: int, kept: int = 0, n_keys: int | None = None
) -> int:
    """What one row of a pass holds at its fullest, roughly.

    The stream with its copies and the widest tensors of an MLP, scores and softmax of attention,
    keys and values repeated over heads, and the logits with their softmax in float32.

    Args:
        sizes: of the model.
        itemsize: bytes of a number.
        n_positions: tokens of the row.
        kept: numbers that are captured, in all layers together.
        n_keys: tokens that attention reads, with those before the row; by default its own.
    """
    keys = n_positions if n_keys is None else n_keys
    scores = n_positions * 2 * sizes.n_heads * keys
    heads = keys * 2 * (sizes.n_heads + sizes.n_kv_heads) * sizes.d_head
    stream = n_positions * (3 * sizes.d_mlp + 6 * sizes.d_model)
    return itemsize * (stream + scores + heads + kept) + 4 * 2 * sizes.d_vocab


def row_of(
    adapter: ModelAdapter, n_positions: int, kept: int = 0, n_keys: int | None = None
) -> int:
    """The bytes of a row under an adapter."""
    return bytes_of_row(adapter.sizes, adapter.dtype.itemsize, n_positions, kept, n_keys)
