"""Who may write which baseline in this run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from pytest_interp.baselines.store import Slot


class Update(IntEnum):
    """What a run may write; each member includes those before it."""

    NOTHING = 0
    MISSING = 1
    """Entries that do not exist."""
    CHANGED = 2
    """Entries that are out of tolerance as well."""
    ALL = 3
    """Every entry that is checked, unreadable ones included."""


@dataclass(frozen=True)
class Policy:
    """The rules for one test.

    Only the reference backend writes the entry that all backends share: that the others agree
    with it is what the comparison enforces.
    """

    update: Update
    overrides: bool
    """Other backends may write an entry of their own where they disagree with the shared one."""
    reference: str
    contested: bool
    """Another worker may write the shared entries of this test while they are compared."""
    checkpoint: str | None = None
    """The checkpoint that stands in for the model; None where the model itself runs."""
    label: str | None = None
    """The name under which the checkpoint has entries of its own."""

    @property
    def is_judged(self) -> bool:
        """Whether numbers that moved are a failure.

        Those of a checkpoint that has no entries of its own cannot be those of the model: on
        another checkpoint everything moves by a little.
        """
        return self.checkpoint is None or self.label is not None

    def is_writer(self, backend: str | None) -> bool:
        """Whether results of this backend may become the shared entry."""
        return backend is None or backend == self.reference

    @property
    def leaves_pending(self) -> bool:
        """Whether a comparison that fails leaves what it saw for a review.

        A run that writes baselines leaves nothing else.
        """
        writes = self.update is not Update.NOTHING or self.overrides
        return self.is_judged and not writes

    def own(self, shared: Slot) -> Slot:
        """Where this run writes: beside the model's entry for a checkpoint that has a label."""
        return shared if self.label is None else shared.override(self.label)
