"""How weights were loaded: all that another process needs to load the same. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_interp.models.registry import MODELS, ModelEntry

if TYPE_CHECKING:
    from pytest_interp.adapters.weights import Weights


@dataclass(frozen=True)
class Origin:
    """A model as it was asked for."""

    name: str
    """A registered name, a hub id or a folder."""
    entry: ModelEntry
    """What the name stands for."""
    device: str | None
    dtype: str | None

    def load(self, called: str) -> Weights:
        """Load the weights, under the name that a run gives them. Errors as of ``load_weights``."""
        from pytest_interp.models.loader import load_weights

        if self.name in MODELS or "/" not in self.name:
            # what a conftest.py registers, other processes do not know
            MODELS.add(self.name, self.entry, replace=True)
        return replace(load_weights(self.name, self.device, self.dtype), name=called)
