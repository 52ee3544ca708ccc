"""A control: the same measurement where the answer is known beforehand.

Experiments make controls, claims read them; neither knows the other.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any

from pytest_interp.errors import ClaimError


@dataclass(frozen=True)
class Control:
    """One control value and the most that it may be.

    ``value`` is a share of the gap, or a p-value where ``name`` says so; None where the control
    could not be run, and ``note`` says why. A control above its ``limit`` makes a claim
    inconclusive: the instrument reads something where there is nothing.

    Raises:
        ClaimError: the value or the limit is no number.
    """

    name: str
    value: float | None
    limit: float
    note: str = ""

    def __post_init__(self) -> None:
        given: dict[str, object] = {"value": self.value, "limit": self.limit}
        if self.value is None:
            del given["value"]
        for name, value in given.items():
            if not isinstance(value, Real):
                raise ClaimError(
                    f"the control {self.name!r} needs a number as its {name}: {value!r}"
                )

    @property
    def holds(self) -> bool:
        """Whether the value is at most the limit; an undefined value is not.

        One that was not run says nothing against a claim.
        """
        return self.value is None or self.value <= self.limit

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name}: not run, {self.note}"
        sign = "<=" if self.holds else "is not <="
        text = f"{self.name}: {self.value:.3g} {sign} {self.limit:.3g}"
        return f"{text} ({self.note})" if self.note else text

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        value = None if self.value is None else float(f"{self.value:.7g}")
        return {**asdict(self), "value": value, "holds": self.holds}
