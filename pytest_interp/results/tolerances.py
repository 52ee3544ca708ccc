"""How far numbers may move before they count as changed."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_interp.precision import precision_of


@dataclass(frozen=True)
class Tolerance:
    """How far a field may move: ``|new - old| <= atol + rtol * |old|``, in the field's unit."""

    atol: float = 0.0
    rtol: float = 0.0

    def allowed(self, old: float) -> float:
        """How far the field may move from this value."""
        return self.atol + self.rtol * abs(old)


EXACT = Tolerance()
"""For discrete findings: a layer, a token, a peak cell."""


def float_tolerance(dtype: str) -> Tolerance:
    """The tolerance for floats that a model of this dtype computed."""
    allowed = precision_of(dtype).numbers
    return Tolerance(allowed, allowed)


def rank_tolerance(dtype: str, level: int = 0) -> Tolerance:
    """The tolerance for ranks of a token in the vocabulary.

    Tokens whose logits are equal up to rounding change places: any neighbour in the list, as many
    as were found ``level`` with the token, and deep in the tail of a vocabulary a share of all that
    stand before.
    """
    return Tolerance(1.0 + level, precision_of(dtype).ranks)
