"""Who may write which baseline in this run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Update(IntEnum):
    """What a run may write; each member includes those before it."""

    NOTHING = 0
    MISSING = 1
    """Entries that do not exist."""
    CHANGED = 2
    """Entries that are out of tolerance as well."""
    ALL = 3
    """Every entry that is checked."""


@dataclass(frozen=True)
class Policy:
    """The rules of one run.

    Only the reference backend writes the entry that all backends share: that the others agree
    with it is what the comparison enforces.
    """

    update: Update = Update.NOTHING
    overrides: bool = False
    """Other backends may write an entry of their own where they disagree with the shared one."""
    reference: str = "transformer_lens"
    in_parallel: bool = False
    """Tests run in several workers, so that a shared entry may be written while it is compared."""

    def is_writer(self, backend: str | None) -> bool:
        """Whether results of this backend may become the shared entry."""
        return backend is None or backend == self.reference
