"""What a claim says of a range of layers, as a figure shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sense = Literal["at least", "at most", "within"]


@dataclass(frozen=True)
class ClaimedRange:
    """A range of layers that a claim names, and the limit that it claims there.

    A verdict has those of its claim (``Verdict.ranges``), and ``figure_of(result, claimed)`` draws
    them.
    """

    of: str
    """What is claimed to keep to it, as failures name it: ``subject``, ``settled layer``."""
    first: int
    last: int
    """Included."""
    sense: Sense | None = None
    """``at least``, ``at most``, or ``within``: between ``-limit`` and ``limit``. None where a
    layer is claimed to lie in the range."""
    limit: float = 0.0
    """For effects a share of the gap."""
    place: str | int | None = None
    """The role or the index of the tokens; None where it is of no token."""

    def __str__(self) -> str:
        layers = f"layer {self.first}"
        if self.first != self.last:
            layers = f"layers {self.first} to {self.last}"
        if self.sense is None:
            return f"{self.of} in {layers}"
        claimed = f"{self.sense} {self.limit:.2f}"
        if self.sense == "within":
            claimed = f"-{self.limit:.2f} to {self.limit:.2f}"
        return f"{self.of} {claimed} in {layers}"
