"""Which rows share a forward pass: those of one length, and no more than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from pytest_interp.adapters.base import ModelAdapter

MEMORY_BUDGET = 1 << 30
"""Bytes of activations that one pass may hold at a time, roughly."""
TRACED, READ = 16, 64
"""The most facts that are traced together, and that are read without patches. More would share
nothing that counts: so many have thousands of rows. They are also what one of many machines gets to
compute, so that its passes have the rows that they have on one machine."""

_Key = TypeVar("_Key", bound=Hashable)


def by_length(lengths: Sequence[int], size: Callable[[int], int]) -> Iterator[list[int]]:
    """Indices of prompts that share a pass: of one length, as there is no padding.

    Args:
        lengths: tokens of each prompt.
        size: most prompts of a pass, for a length.
    """
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    for members in alike([lengths[i] for i in order], size):
        yield [order[i] for i in members]


def alike(keys: Sequence[_Key], size: Callable[[_Key], int]) -> Iterator[list[int]]:
    """Indices of prompts that share a pass: of one key, which says all in which they must agree.

    Args:
        keys: of each prompt.
        size: most prompts of a pass, for a key.
    """
    for key in dict.fromkeys(keys):
        members = [i for i, own in enumerate(keys) if own == key]
        step = size(key)
        yield from (members[start : start + step] for start in range(0, len(members), step))


def rows_in_budget(
    adapter: ModelAdapter, n_positions: int, kept: int = 0, n_keys: int | None = None
) -> int:
    """Rows of this many tokens that one pass may hold, by :data:`MEMORY_BUDGET`.

    At least 8, or 1 where something of them is kept.

    Args:
        adapter: the model.
        n_positions: tokens of a row.
        kept: numbers of each row that are captured, in all layers together.
        n_keys: tokens that attention reads, with those before the row; by default its own.
    """
    keys = n_positions if n_keys is None else n_keys
    per_token = 3 * adapter.sizes.d_mlp + 6 * adapter.d_model + 2 * adapter.n_heads * keys
    per_row = n_positions * per_token + 2 * adapter.d_vocab + kept
    return max(1 if kept else 8, MEMORY_BUDGET // (4 * per_row))
