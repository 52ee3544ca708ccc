"""Which rows share a forward pass: those of one length, and no more than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.experiments.budgets import MORE, Budget, row_of

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


def rows_in_budget(adapter: ModelAdapter, n_positions: int, kept: int = 0) -> int:
    """Rows of this many tokens that one pass may hold, at least 1.

    Args:
        adapter: the model.
        n_positions: tokens of a row.
        kept: numbers of each row that are captured, in all layers together.

    Raises:
        MemoryLimitError: there is no room for a single row.
    """
    budget, row = Budget.of(adapter.device), row_of(adapter, n_positions, kept)
    budget.check(
        row,
        f"a pass of {adapter.name} over one prompt of {n_positions} tokens",
        f"{MORE}, or use shorter prompts",
    )
    return max(1, budget.bytes // row)
