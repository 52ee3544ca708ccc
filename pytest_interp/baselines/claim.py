"""The test behind a baseline, as far as a baseline needs to know it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pytest_interp.baselines.store import Slot, stem_of


@dataclass(frozen=True)
class Claim:
    """One parametrized test."""

    folder: Path
    """Where its baselines lie."""
    test: str
    """Its name with classes and parameters, but without model and backend."""
    model: str | None
    backend: str | None
    written_elsewhere: bool
    """Whether the same test under the reference backend is part of this run."""
    command: Callable[[str, bool], str]
    """Makes the command that runs this test alone with an option; under the reference backend
    where the second argument is true."""

    def slot(self, model: str | None, name: str | None) -> Slot:
        """The shared entry of one of its results."""
        return Slot(self.folder, stem_of(self.test, self.model or model or "any-model", name))
