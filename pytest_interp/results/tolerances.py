"""How far numbers may move before they count as changed."""

from __future__ import annotations

from dataclasses import dataclass


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

_FLOATS_BY_DTYPE = {
    # forward passes of one model move by about 2e-5 between machines in float32 and by about
    # 0.1 in bfloat16; these leave room without hiding a changed mechanism
    "float64": Tolerance(1e-6, 1e-6),
    "float32": Tolerance(1e-3, 1e-3),
    "float16": Tolerance(3e-2, 3e-2),
    "bfloat16": Tolerance(1e-1, 1e-1),
}


def float_tolerance(dtype: str) -> Tolerance:
    """The tolerance for floats that a model of this dtype computed."""
    return _FLOATS_BY_DTYPE.get(dtype, Tolerance(1e-3, 1e-3))


def rank_tolerance(dtype: str, level: int = 0) -> Tolerance:
    """The tolerance for ranks of a token in the vocabulary.

    Tokens whose logits are equal up to rounding change places: any neighbour in the list, as many
    as were found ``level`` with the token, and deep in the tail of a vocabulary a share of all that
    stand before (measured: 18 % in bfloat16).
    """
    return Tolerance(1.0 + level, 0.5 if dtype in ("bfloat16", "float16") else 0.2)
