"""Blocks of positions: which patches share a pass, and what that pass begins behind.

A patched run differs from the base run from the first position on that its patch changes. Patches
are therefore put into blocks by that position, and a block runs behind the keys and values of the
base run up to where it begins. Many short blocks compute nothing twice, but each pass reads all
weights; few long blocks read them seldom, but compute what no patch changes. What a pass costs is
counted here, and the cheapest blocks are taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_interp.adapters.base import ModelAdapter
from pytest_interp.adapters.sites import RESID_POST, Site
from pytest_interp.experiments.budgets import MORE, Budget, row_of
from pytest_interp.experiments.parts import Patch, joins_at
from pytest_interp.memory import in_words


@dataclass(frozen=True)
class Speeds:
    """How fast a kind of device is. Only the ratios matter."""

    products: float
    """Multiply-adds a second."""
    reading: float
    """Bytes a second that come from memory."""


SPEEDS = {
    # measured on one thread, float32: a pass over SmolLM2 took 62 ms, and 2.6 ms more for a token
    "cpu": Speeds(45e9, 8e9),
    # by the data sheets of an H200 (bfloat16), and of an M3 Max
    "cuda": Speeds(400e12, 4.8e12),
    "mps": Speeds(7e12, 0.4e12),
}
LAYER_SECONDS = 1e-3
"""What a layer of a pass takes however small it is: hooks, and starting each product. Measured on
models of 32 dimensions."""
WORTH = 0.01
"""The share of a pass that is not multiply-adds where it has as many rows as it is given. Larger
ones would gain less than this, and their tensors would stay in no cache."""


@dataclass(frozen=True)
class Block:
    """Patches that change nothing before one position."""

    start: int
    patches: tuple[int, ...]
    """Their places among all patches, in the order in which their rows join."""


@dataclass(frozen=True)
class Plan:
    """The passes of some pairs."""

    blocks: tuple[Block, ...]
    """In the order of their starts. The first begins where any run can differ, patches or none."""
    n_pairs: int
    """Pairs that share the passes."""
    rows: Mapping[int, int]
    """The most rows of a pass, by the start of its block."""

    def passes(self, n_runs: int) -> Iterator[tuple[Block, tuple[int, ...]]]:
        """Each pass, with the places of its patches.

        Args:
            n_runs: the runs that share the first pass with patches; later ones hold the base alone.
        """
        first = True
        for block in self.blocks:
            left = block.patches
            while left or first:
                room = max(1, self.rows[block.start] // self.n_pairs - (n_runs if first else 1))
                yield block, left[:room]
                left, first = left[room:], False


def plan_of(
    adapter: ModelAdapter,
    patches: Sequence[Patch],
    firsts: Mapping[int, int],
    n_pairs: int,
    n_positions: int,
    shared: int,
    n_runs: int,
    max_rows: int | None,
    split: bool,
    kept: int = 0,
) -> Plan:
    """The cheapest plan.

    Args:
        adapter: the model.
        patches: all patches.
        firsts: by the place of a patch, the first position that it changes; patches that change
            nothing are left out.
        n_pairs: how many pairs are patched.
        n_positions: tokens of each run.
        shared: tokens at the beginning that are the same in all runs.
        n_runs: runs of a pair in the first pass.
        max_rows: the most rows of a pass. Memory sets the default.
        split: whether pairs may go to different passes.
        kept: bytes of each pair that are kept between passes.

    Raises:
        MemoryLimitError: the smallest pass, or one of ``max_rows``, does not fit in memory.
    """
    budget = Budget.of(adapter.device)
    row = row_of(adapter, n_positions - shared, n_keys=n_positions)
    _check_room(adapter, budget, row, kept, n_runs + 1, max_rows, n_positions)
    if split and kept:
        n_pairs = max(1, min(n_pairs, budget.bytes // 2 // kept))
    costs = Costs.of(adapter, n_positions, max_rows, budget.bytes - n_pairs * kept)
    starts = [shared, *sorted({p for p in firsts.values() if p > shared})]
    joins = {i: joins_at(patches[i]) for i in firsts}
    at: dict[int, list[int]] = defaultdict(list)
    for i, first in firsts.items():
        at[first].append(i)
    layers = [sum(adapter.n_layers - _below(joins[i]) for i in at[start]) for start in starts]
    counts = [len(at[start]) for start in starts]
    blocks = []
    for begin, end in costs.cheapest(starts, layers, counts, n_pairs):
        inside = [i for start in starts[begin:end] for i in at[start]]
        inside.sort(key=lambda i: (joins[i].execution_order, i))
        blocks.append(Block(starts[begin], tuple(inside)))
    rows = {block.start: costs.rows(block.start) for block in blocks}
    together = n_pairs
    if split:
        fitting = [rows[block.start] // (len(block.patches) + n_runs) for block in blocks]
        together = max(1, min(fitting))
    return Plan(tuple(blocks), min(together, n_pairs), rows)


def _check_room(
    adapter: ModelAdapter,
    budget: Budget,
    row: int,
    kept: int,
    fewest: int,
    max_rows: int | None,
    n_positions: int,
) -> None:
    """Refuse passes that cannot fit, before the first of them."""
    run = f"{adapter.name}, prompts of {n_positions} tokens"
    smallest = f"the smallest pass, {fewest} rows of {in_words(row)} ({run}),"
    other = "or use shorter prompts or a smaller dtype: max_rows cannot help, as it is the smallest"
    budget.check(kept + fewest * row, smallest, f"{MORE}, {other}")
    if max_rows is not None:
        fitting = max(fewest, (budget.most - kept) // row)
        asked = f"a pass of max_rows={max_rows} rows of {in_words(row)} each ({run})"
        budget.check(kept + max_rows * row, asked, f"{MORE}, or ask for max_rows={fitting}")


def _below(joining: Site) -> int:
    """Layers that a patch does not run: those below where its row joins."""
    if joining.layer is None:
        return 0
    return joining.layer + (joining.kind == RESID_POST)


@dataclass(frozen=True)
class Costs:
    """What passes cost, in the multiply-adds of one token in one layer."""

    n_positions: int
    n_layers: int
    head: float
    """The size of the unembedding, in layers."""
    start: float
    """What each layer of a pass costs however few tokens there are."""
    adapter: ModelAdapter
    max_rows: int | None
    room: int
    """Bytes for the rows of a pass."""

    @classmethod
    def of(cls, adapter: ModelAdapter, n_positions: int, max_rows: int | None, room: int) -> Costs:
        """Those of a model and prompts of a length."""
        blocks = adapter.weights.module.get_submodule(adapter.layout.blocks)
        a_layer = sum(p.numel() for p in blocks.parameters()) / adapter.n_layers
        speeds = SPEEDS.get(adapter.device.type, SPEEDS["cuda"])
        seconds = LAYER_SECONDS + a_layer * adapter.dtype.itemsize / speeds.reading
        return cls(
            n_positions,
            adapter.n_layers,
            head=adapter.d_vocab * adapter.d_model / a_layer,
            start=seconds * speeds.products / a_layer,
            adapter=adapter,
            max_rows=max_rows,
            room=room,
        )

    def rows(self, start: int) -> int:
        """The most rows of a pass that begins at this position."""
        if self.max_rows is not None:
            return self.max_rows
        n = self.n_positions - start
        fitting = self.room // row_of(self.adapter, n, n_keys=self.n_positions)
        return max(1, min(fitting, int(self.start / WORTH) // n))

    def cheapest(
        self, starts: Sequence[int], layers: Sequence[int], patches: Sequence[int], n_pairs: int
    ) -> list[tuple[int, int]]:
        """Cut a row of positions into blocks: from which to which, the last one excluded.

        Args:
            starts: positions that patches begin at, ascending.
            layers: of each pair, the layers that the patches at each position run.
            patches: how many there are at each.
            n_pairs: pairs.
        """
        rows = [self.rows(start) for start in starts]
        whole_pass = self.start * (self.n_layers + self.head)
        best, cut = [0.0], [0]
        for end in range(1, len(starts) + 1):
            ways = []
            of_layers = count = 0
            for begin in reversed(range(end)):
                of_layers, count = of_layers + layers[begin], count + patches[begin]
                passes = max(1.0, n_pairs * (count + 1) / rows[begin])
                # base runs go through all layers, once for each pass that their patches take
                run = n_pairs * of_layers + max(n_pairs, passes) * self.n_layers
                cost = (self.n_positions - starts[begin]) * run + passes * whole_pass
                if begin > 0 and end == len(starts) and starts[0] == 0:
                    # with one block there would be nothing that it runs behind
                    cost += (self.start + n_pairs * self.n_positions) * self.n_layers
                ways.append((best[begin] + cost, begin))
            cost, begin = min(ways)
            best.append(cost)
            cut.append(begin)
        found, end = [], len(starts)
        while end:
            found.append((cut[end], end))
            end = cut[end]
        return found[::-1]
