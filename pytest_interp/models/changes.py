"""Which tensors of a checkpoint changed, in words. No torch here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

SHOWN = 8
"""Tensors that are named; the others are counted."""
OUTSTANDING = 2.0
"""A tensor stands out where it moved by more than this many times the median of those that did."""


@dataclass(frozen=True)
class TensorChange:
    """One tensor that is not what it was."""

    name: str
    """Below the model and without ``.weight``: ``layers.5.mlp.down_proj``."""
    what: str
    """As ``all zero``, or ``moved by 1.2 % of its norm``."""
    moved: float | None
    """The norm of the difference over the norm of what it was; None where there is no such
    number."""

    @property
    def layer(self) -> int | None:
        """The block in which it lies."""
        found = re.search(r"\.(\d+)\.", f".{self.name}.")
        return int(found[1]) if found else None

    def __str__(self) -> str:
        return f"{self.name}, {self.what}"


@dataclass(frozen=True)
class TensorChanges:
    """What two checkpoints differ in."""

    total: int
    """Tensors of both together."""
    changes: tuple[TensorChange, ...]
    """Those that differ, the most changed first."""

    @property
    def headline(self) -> str:
        """One line: ``1 of 272 tensors differs: layers.5.mlp.down_proj, all zero``."""
        n = len(self.changes)
        if not n:
            return f"none of {self.total} tensors differs"
        said = f"{n} of {self.total} tensors {'differs' if n == 1 else 'differ'}"
        if n == 1:
            return f"{said}: {self.changes[0]}"
        layers = {change.layer for change in self.changes}
        if len(layers) == 1 and None not in layers:
            return f"{said}, all in layer {layers.pop()}"
        moves = [change.moved for change in self.changes if change.moved is not None]
        if len(moves) == n:
            said += f", by {100 * median(moves):.2g} % of their norm (median)"
        return said

    def lines(self) -> list[str]:
        """The headline, and below it those tensors that stand out where there are several."""
        if len(self.changes) < 2:
            return [self.headline]
        sizes = [one.moved for one in self.changes if one.moved is not None]
        typical = median(sizes) if sizes else 0.0
        out = [
            one for one in self.changes if one.moved is None or one.moved > OUTSTANDING * typical
        ]
        # where everything moved alike, a list of some says nothing
        out = out or (list(self.changes) if len(self.changes) <= SHOWN else [])
        left = len(self.changes) - len(out[:SHOWN])
        named = [f"  {change}" for change in out[:SHOWN]]
        return [self.headline, *named, *([f"  ... and {left} more"] if named and left else [])]
