"""A control: the same measurement where the answer is known beforehand.

Experiments make controls, claims read them; neither knows the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Control:
    """One control value and the most that it may be.

    ``value`` is a share of the gap, or a p-value where ``name`` says so. A control above its
    ``limit`` makes a claim inconclusive: the instrument reads something where there is nothing.
    """

    name: str
    value: float
    limit: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether the value is at most the limit; an undefined value is not."""
        return self.value <= self.limit

    def __str__(self) -> str:
        sign = "<=" if self.holds else "is not <="
        text = f"{self.name}: {self.value:.3g} {sign} {self.limit:.3g}"
        return f"{text} ({self.note})" if self.note else text

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {**asdict(self), "value": float(f"{self.value:.7g}"), "holds": self.holds}
