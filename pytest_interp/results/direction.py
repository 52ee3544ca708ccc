"""A direction of the residual stream, as a value. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pytest_interp.errors import ExperimentError
from pytest_interp.results.base import Floats, frozen


@dataclass(frozen=True, eq=False)
class Direction:
    """A vector that may be added to a site, or projected out of what is written there.

    Raises:
        ExperimentError: it is not a finite vector, or has no length.
    """

    vector: Floats
    """[d_model]. Its length counts: a dose of 1 adds the vector as it is."""
    layer: int
    """The layer that it was found at."""
    site: str = "resid_post"
    origin: str = "given"
    """Where it comes from, in words."""
    fingerprint: str | None = None
    """Of the weights that it was found in; None where it was given by hand."""
    groups: frozenset[str] = frozenset()
    """Groups of the prompts that it was fitted on: it is never tried on these."""
    texts: frozenset[str] = frozenset()
    """The prompts themselves: nor on these, whatever group they are said to be of."""

    def __post_init__(self) -> None:
        vector = frozen(self.vector, float)
        object.__setattr__(self, "vector", vector)
        if vector.ndim != 1 or not np.isfinite(vector).all() or not self.norm > 0:
            raise ExperimentError(
                f"a direction is one vector [d_model] of finite numbers that are not all 0; got "
                f"the shape {list(vector.shape)} and the length {self.norm:.3g}",
                about="direction",
            )

    @property
    def norm(self) -> float:
        """Its length."""
        return float(np.linalg.norm(self.vector))

    @property
    def unit(self) -> Floats:
        """The same direction with length 1."""
        return self.vector / self.norm

    def __str__(self) -> str:
        return f"{self.origin} at {self.site}.{self.layer}"
