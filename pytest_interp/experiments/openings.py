"""Prompts that begin with the same tokens: these are run once.

The prompts of a set often begin with the same examples, and the two of a pair differ in a word near
the end. The keys and values of what they begin with are computed once for all of them, by the
Hugging Face model itself, and kept for the next experiment on the same prompts, under any backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from weakref import WeakKeyDictionary

from torch import Tensor

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.prefix import Prefix
from pytest_interp.adapters.state import key_of
from pytest_interp.adapters.weights import Weights
from pytest_interp.experiments.batching import by_length, rows_in_budget
from pytest_interp.experiments.budgets import Budget

Ids = tuple[int, ...]
STEP = 16
"""Openings end at a multiple of so many tokens, so that many of them have the same length."""
KEPT = 0.5
"""The share of the budget for a pass up to which keys and values of one model are kept."""


@dataclass(frozen=True)
class Batch:
    """Prompts that share a pass."""

    members: list[int]
    """Their places among all prompts."""
    tokens: Tensor
    """What comes after their openings [prompt, pos]."""
    prefix: Prefix | None
    """The openings, a row for each prompt; None where they have none."""


def batches(
    adapter: ModelAdapter,
    ids: Sequence[Ids],
    first_read: Sequence[int],
    size: Callable[[int], int],
) -> Iterator[Batch]:
    """All prompts in passes of one length, without the tokens that several begin with.

    Args:
        adapter: the model.
        ids: tokens of each prompt.
        first_read: the first token of each prompt that is read or changed: it is in no opening.
        size: most prompts of a pass, for a length with the opening.
    """
    alone = bool(adapter.layout.no_prefix)
    shared = [0] * len(ids) if alone else opening_lengths(ids, first_read)
    kept = _Kept.of(adapter) if any(shared) else _Kept("")
    for n in sorted(set(shared)):
        members = [i for i, length in enumerate(shared) if length == n]
        openings = list(dict.fromkeys(ids[i][:n] for i in members))
        room = rows_in_budget(adapter, n) if n else 1
        for start in range(0, len(openings), room):
            row = {opening: r for r, opening in enumerate(openings[start : start + room])}
            inside = [i for i in members if ids[i][:n] in row]
            prefix = kept.prefix(adapter, tuple(row)) if n else None
            for chunk in by_length([len(ids[i]) for i in inside], size):
                chosen = [inside[k] for k in chunk]
                yield Batch(
                    chosen,
                    adapter.as_tokens([ids[i][n:] for i in chosen]),
                    prefix and prefix.pick([row[ids[i][:n]] for i in chosen]),
                )


def opening_lengths(ids: Sequence[Ids], first_read: Sequence[int]) -> list[int]:
    """How many tokens at the beginning of each prompt are run apart, for several at once.

    Prompts are put together while at least half of each is what all of them begin with.
    """
    found = [0] * len(ids)
    together: list[int] = []
    shared = 0

    def close() -> None:
        if len(together) > 1:
            for i in together:
                found[i] = shared // STEP * STEP

    # neighbours in the order of their tokens are those that have the most in common
    for i in sorted(range(len(ids)), key=ids.__getitem__):
        in_common = _in_common(ids[together[-1]], ids[i]) if together else 0
        left = min(shared, in_common, first_read[i])
        if 2 * left < len(ids[i]):
            close()
            together, shared = [i], first_read[i]
        else:
            together, shared = [*together, i], left
    close()
    return found


def _in_common(one: Ids, other: Ids) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@dataclass
class _Kept:
    """Openings that were run with one state of the weights; the oldest go first."""

    state: str
    prefixes: dict[tuple[Ids, ...], Prefix] = field(default_factory=dict)

    @staticmethod
    def of(adapter: ModelAdapter) -> _Kept:
        """What is kept of the model as it is now: weights that were changed begin anew."""
        now = key_of(adapter.weights.state())
        found = _by_model.get(adapter.weights)
        if found is None or found.state != now:
            found = _by_model[adapter.weights] = _Kept(now)
        return found

    def prefix(self, adapter: ModelAdapter, openings: tuple[Ids, ...]) -> Prefix:
        """The prefix with these rows."""
        if openings not in self.prefixes:
            self.prefixes[openings] = adapter.prefix(adapter.as_tokens(openings))
        found = self.prefixes[openings] = self.prefixes.pop(openings)  # now the newest
        room = KEPT * Budget.of(adapter.device).bytes
        while len(self.prefixes) > 1 and sum(p.n_bytes for p in self.prefixes.values()) > room:
            del self.prefixes[next(iter(self.prefixes))]
        return found


_by_model: WeakKeyDictionary[Weights, _Kept] = WeakKeyDictionary()
