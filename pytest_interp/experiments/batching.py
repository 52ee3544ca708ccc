"""Which rows share a forward pass: those of one length, and no more than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_interp.adapters.base import ModelAdapter

MEMORY_BUDGET = 1 << 30
"""Bytes of activations that one pass may hold at a time, roughly."""
TRACED, READ = 16, 64
"""The most facts that are traced together, and that are read without patches. More would share
nothing that counts: so many have thousands of rows. They are also what one of many machines gets to
compute, so that its passes have the rows that they have on one machine."""


def by_length(lengths: Sequence[int], size: Callable[[int], int]) -> Iterator[list[int]]:
    """Indices of prompts that share a pass: of one length, as there is no padding.

    Args:
        lengths: tokens of each prompt.
        size: most prompts of a pass, for a length.
    """
    for length in sorted(set(lengths)):
        members = [i for i, n in enumerate(lengths) if n == length]
        step = size(length)
        yield from (members[start : start + step] for start in range(0, len(members), step))


def rows_in_budget(adapter: ModelAdapter, n_positions: int, kept: int = 0) -> int:
    """Rows of this many tokens that one pass may hold, by :data:`MEMORY_BUDGET`.

    At least 8, or 1 where something of them is kept.

    Args:
        adapter: the model.
        n_positions: tokens of a row.
        kept: numbers of each row that are captured, in all layers together.
    """
    attention = 2 * adapter.n_heads * n_positions
    per_token = 3 * adapter.sizes.d_mlp + 6 * adapter.d_model + attention
    per_row = n_positions * per_token + 2 * adapter.d_vocab + kept
    return max(1 if kept else 8, MEMORY_BUDGET // (4 * per_row))
